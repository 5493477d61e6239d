"""What the two invented insurers take and refuse: messages of the folders, spoilt one rule at a time, over real sockets."""

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from partner_folder import Folder

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.mapping.runtime.words import amount_words
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.gbk_soap import GbkSoapSimulator
from gateway.sandbox.gbk_soap.words import fen_of
from gateway.sandbox.padded_xml import PaddedXmlSimulator

Spoil = Callable[[bytes], bytes]


class Peer:
    """A folder's act in front of its simulator."""

    def __init__(self, code: str, act: str, session: ClientSession, url: str) -> None:
        self.folder, self.act, self.session, self.url = Folder(code), act, session, url
        self._serial = 100

    def dispatch(self, policy: str = "TESTP1", **claim: Any) -> Dispatch:
        """The folder's example as another message about ``policy``."""
        self._serial += 1
        plain = self.folder.dispatch(self.act)
        return msgspec.structs.replace(
            plain,
            act=msgspec.structs.replace(plain.act, serial=self._serial),
            claim=msgspec.structs.replace(plain.claim, **claim),
            policy=msgspec.structs.replace(plain.policy, policy_no=policy),
        )

    async def send(self, dispatch: Dispatch, spoil: Spoil = lambda body: body, **headers: str) -> ActResult:
        out = self.folder.acts[self.act].write(dispatch)
        body = spoil(out.document)
        named = {**out.headers, "Content-Type": out.content_type, **headers}
        async with self.session.post(self.url + out.path, data=body, headers=named) as reply:
            assert reply.status == 200
            return self.folder.answered(self.act, await reply.read(), self.act)

    async def books(self) -> list[dict[str, Any]]:
        async with self.session.get(self.url + "/_ledger") as reply:
            return list(json.loads(await reply.read())["settlements"])


@pytest.fixture
async def gbk(tmp_path: Path) -> AsyncIterator[Peer]:
    (tmp_path / "gbk-soap-password.secret").write_text("test-secret")
    settings = SimulatorSettings(tmp_path, "http://127.0.0.1:9", slow_s=0.05)
    async with TestServer(GbkSoapSimulator(settings).app()) as server, ClientSession() as session:
        yield Peer("gbk-soap", "claim", session, str(server.make_url("")).rstrip("/"))


@pytest.fixture
async def padded(tmp_path: Path) -> AsyncIterator[Peer]:
    settings = SimulatorSettings(tmp_path, "http://127.0.0.1:9", slow_s=0.05)
    async with TestServer(PaddedXmlSimulator(settings).app()) as server, ClientSession() as session:
        yield Peer("padded-xml", "report", session, str(server.make_url("")).rstrip("/"))


def swap(old: str, new: str) -> Spoil:
    def spoil(body: bytes) -> bytes:
        assert old.encode("gbk") in body, f"{old} does not stand in the message"
        return body.replace(old.encode("gbk"), new.encode("gbk"), 1)

    return spoil


GBK_SPOILT: dict[str, Spoil] = {
    "an envelope that names another encoding": swap('<?xml version="1.0" encoding="gbk"?><soap', '<?xml version="1.0"?><soap'),
    "bytes that are no GBK": lambda body: body.replace("测试医院一".encode("gbk"), b"\xff\xff"),
    "a blank in front of the inner declaration": swap("<![CDATA[<?xml", "<![CDATA[ <?xml"),
    "another function": swap("CLM01", "CLM02"),
    "another operation": lambda body: body.replace(b"doService", b"doOther"),
    "a part that the service does not know": swap("<CLAIMNO>", "<X/><CLAIMNO>"),
    "parts in another order": swap("<TRANSRDATE>2025-03-08 10:00:00</TRANSRDATE>", ""),
    "a count of rows that is another": swap('count="6"', 'count="7"'),
    "rows without numbers in turn": swap("<NO>2</NO>", "<NO>3</NO>"),
    "a category nobody has": swap("床位费", "床位金"),
    "a category twice": swap("床位费", "诊察费"),
    "rows that do not add up": swap("<AMOUNT>60.00<", "<AMOUNT>61.00<"),
    "an amount without its two places": swap("<AMOUNT>60.00<", "<AMOUNT>60.0<"),
    "words that say another amount": swap("柒分</TOTALWORDS>", "捌分</TOTALWORDS>"),
    "words that are none": swap("叁仟", "叁千"),
    "more asked for than billed": swap("<APPLYAMOUNT>1321.57<", "<APPLYAMOUNT>3751.58<"),
    "nothing asked for": swap("<APPLYAMOUNT>1321.57<", "<APPLYAMOUNT>0.00<"),
    "a name of more bytes than its column": swap("<NAME>测试患者乙<", "<NAME>测试患者乙测试患者乙乙<"),
    "an age that the identity card excludes": swap("<AGE>64<", "<AGE>104<"),
    "a day that is none": swap("<OUTDATE>2025-03-08<", "<OUTDATE>2025-02-30<"),
    "a trade number of another form": swap("<TRANSRNO>2025", "<TRANSRNO>x025"),
}  # fmt: skip


@pytest.mark.parametrize("fault", GBK_SPOILT)
async def test_the_gbk_service_refuses_a_message_with(gbk: Peer, fault: str) -> None:
    result = await gbk.send(gbk.dispatch(), GBK_SPOILT[fault])

    assert (result.state, result.peer_code) == ("refused", "02")
    assert await gbk.books() == []


async def test_the_gbk_service_wants_its_user_password_and_action(gbk: Peer) -> None:
    assert (await gbk.send(gbk.dispatch(), **{"X-Password": "other"})).peer_code == "04"
    assert (await gbk.send(gbk.dispatch(), SOAPAction='"urn:test:gbk-soap/other"')).peer_code == "02"


PADDED_SPOILT: dict[str, Spoil] = {
    "another declared encoding": swap('encoding="gbk"', 'encoding="utf-8"'),
    "columns in another order": swap("<Sex>F</Sex>", ""),
    "a column one byte too wide": swap("<Sex>F<", "<Sex>F <"),
    "a column one byte too narrow": swap("<Branch>3100    <", "<Branch>3100   <"),
    "blanks in front": swap("<Branch>3100    <", "<Branch> 3100   <"),
    "a code of another table": swap("<Sex>F<", "<Sex>2<"),
    "an amount with a point": swap("<xyao>00000000", "<xyao>0000000."),
    "a day that is none": swap("<Birth>19600815<", "<Birth>19600230<"),
    "a birth that the identity card excludes": swap("<Birth>19600815<", "<Birth>19600816<"),
    "more asked for than billed": swap("<ApplyAmt>0000000132157<", "<ApplyAmt>0000000375158<"),
    "no line": lambda body: re.sub(b"<Count>[0-9]{4}<", b"<Count>0000<", body),
}  # fmt: skip


@pytest.mark.parametrize("fault", PADDED_SPOILT)
async def test_the_host_refuses_a_record_with(padded: Peer, fault: str) -> None:
    result = await padded.send(padded.dispatch(), PADDED_SPOILT[fault])

    assert (result.state, result.peer_code) == ("refused", "E0010")
    assert await padded.books() == []


async def test_the_host_wants_its_function_code(padded: Peer) -> None:
    assert (await padded.send(padded.dispatch(), **{"Function-Code": "CL0002"})).peer_code == "E0010"


@pytest.mark.parametrize("code", ["gbk", "padded"])
async def test_the_same_claim_again_is_told_the_first_decision_and_another_content_is_refused(
    gbk: Peer, padded: Peer, code: str
) -> None:
    peer = gbk if code == "gbk" else padded
    first, again = await peer.send(peer.dispatch()), await peer.send(peer.dispatch())
    other = await peer.send(peer.dispatch(claimed=100))
    refused = await peer.send(peer.dispatch("REFUSE1", claim_id="clm_OTHER"))

    assert (first.state, first.approved, first.refs) == ("accepted", again.approved, again.refs)
    assert (other.state, other.peer_code) == ("refused", {"gbk": "05", "padded": "E0409"}[code])
    assert (refused.state, refused.peer_code) == ("refused", {"gbk": "03", "padded": "E0021"}[code])
    assert [one["times_applied"] for one in await peer.books()] == [1, 0]


async def test_a_claim_under_review_is_decided_when_it_comes_again(gbk: Peer) -> None:
    first, again = await gbk.send(gbk.dispatch("PENDING1")), await gbk.send(gbk.dispatch("PENDING1"))

    assert (first.state, again.state) == ("pending", "accepted")
    assert [one["times_applied"] for one in await gbk.books()] == [1]


async def test_a_message_number_serves_one_message(gbk: Peer, padded: Peer) -> None:
    for peer in (gbk, padded):
        once = peer.dispatch(claim_id="clm_A")
        await peer.send(once)
        twice = msgspec.structs.replace(once, claim=msgspec.structs.replace(once.claim, claim_id="clm_B"))
        assert (await peer.send(twice)).peer_code in ("05", "E0409")


async def test_an_inpatient_stay_is_paid_by_the_inpatient_product(gbk: Peer) -> None:
    """1,321.57 asked for, nine tenths of it."""
    assert (await gbk.send(gbk.dispatch())).approved == 118941


async def test_what_was_received_is_kept_byte_for_byte(padded: Peer) -> None:
    dispatch = padded.dispatch()
    await padded.send(dispatch)
    async with padded.session.get(padded.url + "/_received?last=1") as reply:
        (kept,) = json.loads(await reply.read())
    assert base64.b64decode(kept["body"]) == padded.folder.acts["report"].write(dispatch).document


@given(st.integers(-(10**15), 10**15))
def test_words_that_the_mapping_language_writes_are_read_back_by_the_insurer(fen: int) -> None:
    assert fen_of(amount_words(fen)) == fen
