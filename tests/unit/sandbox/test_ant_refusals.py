"""What the Ant insurer does not take: reports that lack something, messages that cannot be trusted."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from ant_support import REPORT, Platform, Signer, inside, report
from dispatches import folder

from gateway.claims.canonical.dispatch import Dispatch
from gateway.mapping import Incoming

EXAMPLE = Path(__file__).parents[3] / "mappings/insurers/ant/examples/report.dispatch.json"


def without(text: str, part: str) -> str:
    assert part in text
    return text.replace(part, "")


MALFORMED: dict[str, Callable[[str], str]] = {
    "no business number": lambda text: without(text, "<outBizNo>TESTBIZ1</outBizNo>"),
    "empty report number": lambda text: text.replace("TESTREPORT0000001", ""),
    "no policy": lambda text: without(text, "<policyNo>TESTP2025000001</policyNo>"),
    "no certificate number": lambda text: without(text, '<extendInfo key="claimerCertNo" value="999901198503120012" />'),
    "amount with a point": lambda text: text.replace('"14431"', '"144.31"'),
    "amount of nothing": lambda text: text.replace('"14431"', '"0"'),
    "a key twice": lambda text: text.replace('key="insRisk"', 'key="reportChannel"'),
    "another time form": lambda text: text.replace("<actionTime>20250306100000", "<actionTime>2025-03-06"),
    "another action": lambda text: text.replace("<action>1<", "<action>2<"),
    "another order": lambda text: text.replace("<format>XML</format>", "").replace("<asyn>", "<format>XML</format><asyn>"),
    "another function": lambda text: text.replace("health.report.sync", "health.report.async"),
}  # fmt: skip


@pytest.mark.parametrize("fault", MALFORMED)
async def test_a_report_that_lacks_something_is_refused(platform: Platform, fault: str) -> None:
    answer = await platform.send(MALFORMED[fault](report(1)))

    assert (answer["success"], answer["errorCode"]) == ("0", "400")


def over_raw_text(signer: Signer, text: str) -> bytes:
    signature = signer.sign(inside(text, "request").encode())
    return text.replace("<signature></signature>", f"<signature>{signature}</signature>").encode()


UNTRUSTED: dict[str, Callable[[Signer, Path], bytes]] = {
    "unsigned": lambda _signer, _keys: REPORT.encode(),
    "another key": lambda _signer, keys: Signer(keys, "stranger-rsa").seal(REPORT),
    "signed over the raw text": lambda signer, _keys: over_raw_text(signer, REPORT),
    "changed amount": lambda signer, _keys: signer.seal(REPORT).replace(b'"14431"', b'"14432"'),
    "blanks printed differently": lambda signer, _keys: signer.seal(REPORT).replace(b'"14431" />', b'"14431"/>'),
    "a second request": lambda signer, _keys: signer.seal(REPORT).replace(
        b"</document>", b"<request></request></document>"
    ),
    "a DTD": lambda signer, _keys: signer.seal(REPORT).replace(b"<document>", b"<!DOCTYPE document><document>"),
    "no XML": lambda _signer, _keys: b"{}",
}


@pytest.mark.parametrize("fault", UNTRUSTED)
async def test_a_message_that_cannot_be_trusted_is_refused(platform: Platform, sandbox_keys: Path, fault: str) -> None:
    answer = await platform.post(UNTRUSTED[fault](platform.signer, sandbox_keys))

    assert answer.findtext("body/errorCode") == "401"
    assert (await platform.ledger())["settlements"] == []


async def test_an_insurer_that_could_not_verify_us_is_read_as_a_refusal(platform: Platform, sandbox_keys: Path) -> None:
    """It knows no number of ours to answer under, so that its head has none."""
    async with platform.session.post(platform.url + "/gateway", data=REPORT.encode()) as reply:
        answer = await reply.read()

    sent = msgspec.json.decode(EXAMPLE.read_bytes(), type=Dispatch)
    read = folder("ant", sandbox_keys)["report"].read(Incoming(answer), sent)

    assert b"<reqMsgId></reqMsgId>" in answer or b"<reqMsgId/>" in answer
    assert (read["state"], read["peer_code"]) == ("refused", "401")
