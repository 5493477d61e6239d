"""What the post office refuses: files that break a rule, calls without a right, messages that the signature does not cover."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from development_keys import development_keys
from eclaimlink_support import NS, Provider, claim_file, connected
from lxml import etree

from gateway.kernel.errors import SealRefused
from gateway.sandbox.eclaimlink.security import SOAP, WSSE, WSU
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


@pytest.fixture(scope="module")
def ring(keys: Path) -> KeyRing:
    return KeyRing.from_directory(keys)


@pytest.fixture
async def provider(keys: Path, ring: KeyRing) -> AsyncIterator[Provider]:
    async with connected(keys, ring) as one:
        yield one


@pytest.mark.parametrize(
    "content",
    [
        claim_file(["25.00"], gross="26.00"),
        claim_file(["25.00"], share="5.00"),
        claim_file(["25.00"]).replace("<RecordCount>1", "<RecordCount>2"),
        claim_file(["25.00"]).replace("Principal", "Secondary"),
        claim_file(["25.00", "1.00"]).replace("A-2", "A-1"),
        claim_file(["25.00"]).replace("<Clinician>DOC1</Clinician>", ""),
        "<Claim.Submission>",
    ],
    ids=["gross", "sum of activities", "record count", "no principal", "same activity id", "schema", "not xml"],
)
async def test_a_file_that_breaks_a_rule_is_refused_with_a_report(provider: Provider, content: str) -> None:
    answer = await provider.upload(content)
    assert answer["UploadTransactionResult"] == "-2"
    assert base64.b64decode(answer["errorReport"]).startswith(b"<Errors>")
    assert await provider.ledger() == []


async def test_other_result_codes_say_what_is_wrong(provider: Provider) -> None:
    async def code(operation: str, **members: str) -> str:
        return (await provider.call(operation, **members))[operation + "Result"]

    search = {"direction": "1", "transactionID": "-1", "transactionStatus": "-1"}
    bounds = {"minRecordCount": "-1", "maxRecordCount": "-1"}
    long_range = {"transactionFromDate": "01/01/2024 00:00:00", "transactionToDate": "01/01/2025 00:00:00"}
    assert await code("GetNewTransactions", pwd="wrong", SenderID="TESTFAC1") == "-1"
    assert await code("UploadTransaction", fileName="a.xml") == "-3"
    unknown = base64.b64encode(b"<Person.Register/>").decode()
    assert await code("UploadTransaction", fileContent=unknown, fileName="a.xml") == "-7"
    assert await code("DownloadTransactionFile", fileId="1") == "-6"
    assert await code("SearchTransactions", **search, **bounds) == "-10"
    assert await code("SearchTransactions", **search, **long_range, **bounds) == "-5"
    assert await code("CheckForNewPriorAuthorizationTransactions") == "2"


async def test_an_independent_tool_verifies_the_answer(provider: Provider, keys: Path, tmp_path: Path) -> None:
    await provider.call("GetNewTransactions", SenderID="TESTFAC1")
    answer = tmp_path / "answer.xml"
    answer.write_bytes(provider.raw)
    ids = [f"{SOAP}:Body", f"{WSU}:Timestamp", f"{WSSE}:BinarySecurityToken"]
    options = [word for id_ in ids for word in ("--id-attr:Id", id_)]
    certificate = str(keys / "eclaimlink-insurer-rsa.cert.pem")
    command = ["xmlsec1", "--verify", "--pubkey-cert-pem", certificate, *options, str(answer)]
    tool = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    assert await tool.wait() == 0


def unsigned(content: bytes) -> bytes:
    root = etree.fromstring(content)
    root.remove(root.find(f"{{{SOAP}}}Header"))
    return etree.tostring(root)


def changed(content: bytes) -> bytes:
    return content.replace(b"TESTFAC1", b"TESTFAC2")


def wrapped(content: bytes) -> bytes:
    """The signed Body moved into the header, an attacker's Body in its place."""
    root = etree.fromstring(content)
    body = root.find(f"{{{SOAP}}}Body")
    etree.SubElement(root.find(f"{{{SOAP}}}Header"), "{urn:x}Wrapper").append(body)
    evil = etree.SubElement(root, f"{{{SOAP}}}Body")
    etree.SubElement(evil, f"{{{NS}}}GetNewTransactions")
    return etree.tostring(root)


def wrapped_with_the_same_id(content: bytes) -> bytes:
    root = etree.fromstring(wrapped(content))
    inner = root.find(f"{{{SOAP}}}Header/{{urn:x}}Wrapper/{{{SOAP}}}Body")
    root.find(f"{{{SOAP}}}Body").set(f"{{{WSU}}}Id", inner.get(f"{{{WSU}}}Id"))
    return etree.tostring(root)


@pytest.mark.parametrize("attack", [unsigned, changed, wrapped, wrapped_with_the_same_id])
async def test_what_the_signature_does_not_cover_is_not_read(
    provider: Provider, attack: Callable[[bytes], bytes]
) -> None:
    status, answer = await provider.post(attack(provider.signed("GetNewTransactions", SenderID="TESTFAC1")))
    assert status == 500
    assert answer["faultstring"].startswith("the request's signature is refused")


async def test_an_old_message_is_refused(provider: Provider) -> None:
    envelope = provider.envelope("GetNewTransactions", SenderID="TESTFAC1")
    old = provider.seal.seal(Plain(envelope), Role.REQUEST, datetime.now(UTC) - timedelta(minutes=20)).body
    status, answer = await provider.post(old)
    assert (status, answer["faultstring"]) == (500, "the request's signature is refused: the Timestamp is not fresh")


async def test_the_gateway_refuses_an_answer_that_was_changed_on_the_way(provider: Provider) -> None:
    await provider.call("GetNewTransactions", SenderID="TESTFAC1")
    forged = provider.raw.replace(b"<ns0:errorMessage", b"<ns0:errorMessage x='1'", 1)
    assert forged != provider.raw
    with pytest.raises(SealRefused):
        provider.seal.open(forged, Role.ANSWER, datetime.now(UTC))
