"""Answers that came and can't be gone by: a refusal by an unlisted code, a seal that does not hold. Each leaves its trace."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.app import load_partner
from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.partners.partner import AnswerUnread, Partner
from gateway.config import InsurerSettings, Settings
from gateway.kernel.clock import SystemClock
from gateway.telemetry.logs import JsonLines
from gateway.telemetry.metrics import Metrics
from gateway.wire.keys import KeyRing

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "gateway" / "cli" / "maptools" / "sample_dispatch.json"
INSURER = """insurer: odd
names: {zh: 测试, en: Odd}
protocol: json
seal: {profile: plain}
endpoint: http://partner.example/
kinds: {quick_claim: [report]}
acts: {report: {role: claim, retry: same_id}}
"""
REPORT = """mapping: odd/report
version: 1
channel: insurer
source: dispatch
target: {kind: json}
http: {path: /report}
request: {no: claim.claim_id}
answer: {result: {state: 'code(said, r.ok)', peer_code: r.ok}}
tables: {said: {"1": accepted, else: refused}}
"""


@pytest.fixture
async def odd(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Partner]:
    """A partner that answers as the test says, and whose folder lists no code at all."""
    folder = tmp_path / "mappings" / "insurers" / "odd"
    folder.mkdir(parents=True)
    for name, text in (("insurer.yaml", INSURER), ("faults.yaml", "{}\n"), ("report.yaml", REPORT)):
        (folder / name).write_text(text, "utf-8")
    (tmp_path / "keys").mkdir()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=request.param)

    app = web.Application()
    app.router.add_post("/report", answer)
    async with TestServer(app) as server:
        settings = Settings(*("production", *(str(tmp_path / name) for name in ("keys", "mappings", "schemas"))))
        keys, address = KeyRing.from_directory(tmp_path / "keys"), InsurerSettings(str(server.make_url("/")))
        metrics = Metrics.for_codes(["odd"])
        partner = load_partner(settings, folder, address, keys, metrics, SystemClock())
        yield partner
        await partner.client.close()


def report() -> Dispatch:
    made = msgspec.json.decode(SAMPLE.read_bytes(), type=Dispatch)
    return msgspec.structs.replace(made, act=msgspec.structs.replace(made.act, name="report"))


async def exchanged(partner: Partner) -> ActResult:
    sent = report()
    return (await partner.exchange(partner.prepare(sent), sent)).result


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(JsonLines().format(record)) for record in caplog.records]


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (b'{"ok": "2"}', "2"),
        (b'{"ok": "E-0021"}', "E-0021"),
        (b'{"ok": "999901198503120012"}', "other"),
        ('{"ok": "测试患者甲拒赔"}'.encode(), "other"),
    ],
    indirect=["odd"],
)
async def test_a_refusal_by_an_unlisted_code_is_unknown_and_names_the_code_if_it_looks_like_one(
    odd: Partner, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lianpei")

    result = await exchanged(odd)

    assert (result.state, result.peer_code) == ("unknown", f"unlisted-code:{told}")
    (line,) = [one for one in logged(caplog) if one["event"] == "code-unlisted"]
    assert (line["insurer"], line["code"]) == ("odd", f"peer:{told}")


@pytest.mark.parametrize("odd", [b"<html>no</html>"], indirect=True)
async def test_an_answer_that_is_not_accepted_is_counted_and_logged_without_its_words(
    odd: Partner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lianpei")

    with pytest.raises(AnswerUnread) as unread:
        await exchanged(odd)

    (line,) = [one for one in logged(caplog) if one["event"] == "answer-not-accepted"]
    assert (line["insurer"], line["code"]) == ("odd", unread.value.error_code)
    counted = [one for one in odd.metrics.render()[0].decode().splitlines() if one.startswith("lianpei_refused_total{")]
    assert sum(float(one.rpartition(" ")[2]) for one in counted) == 1
