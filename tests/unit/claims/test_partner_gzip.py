"""Quirk 39: a partner that wants its requests packed, said by a query switch; its answers may be packed too."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.app import load_partner
from gateway.claims.canonical.dispatch import Dispatch
from gateway.claims.partners.partner import Partner
from gateway.config import InsurerSettings, Settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import OutcomeUnknown
from gateway.telemetry.metrics import Metrics
from gateway.wire.keys import KeyRing

ROOT = Path(__file__).parents[3]
DISPATCH = ROOT / "gateway" / "cli" / "maptools" / "sample_dispatch.json"
MANIFEST = """insurer: packed
names: {zh: 测试, en: Packed}
protocol: json
seal: {profile: plain}
endpoint: http://partner.example/
kinds: {quick_claim: [report]}
acts:
  report: {role: claim, retry: same_id}
"""
ACT = """mapping: packed/report
version: 1
channel: insurer
source: dispatch
target: {kind: json}
http: {path: /report, query: {gzip: '=SWITCH'}, gzip: 'SWITCH'}
request: {name: patient.name, no: claim.claim_id}
answer:
  result: {state: 'code(said, r.ok)', peer_code: r.ok}
tables: {said: {"1": accepted, else: refused}}
"""


@dataclass
class Peer:
    """The partner's end: what came, and what it answers."""

    answer: bytes = b'{"ok": "1"}'
    came: list[tuple[str, bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.content.read()
        self.came.append((request.query["gzip"], raw))
        return web.Response(body=gzip.compress(self.answer), headers={"Content-Encoding": "gzip"})


@pytest.fixture
async def peer() -> AsyncIterator[tuple[Peer, str]]:
    peer, app = Peer(), web.Application(client_max_size=1 << 26)
    app.router.add_post("/report", peer.take)
    async with TestServer(app) as server:
        yield peer, str(server.make_url("/"))


def partner_at(address: str, home: Path, switch: str) -> Partner:
    folder = home / "mappings" / "insurers" / "packed"
    folder.mkdir(parents=True)
    (folder / "insurer.yaml").write_text(MANIFEST, "utf-8")
    (folder / "faults.yaml").write_text("{}\n", "utf-8")
    (folder / "report.yaml").write_text(ACT.replace("SWITCH", switch), "utf-8")
    (home / "keys").mkdir()
    settings = Settings("production", str(home / "keys"), str(home / "mappings"), str(home / "schemas"))
    keys, metrics = KeyRing.from_directory(home / "keys"), Metrics.for_codes(["packed"])
    return load_partner(settings, folder, InsurerSettings(address), keys, metrics, SystemClock())


def dispatch() -> Dispatch:
    made = msgspec.json.decode(DISPATCH.read_bytes(), type=Dispatch)
    return msgspec.structs.replace(made, act=msgspec.structs.replace(made.act, name="report"))


@pytest.mark.parametrize("switch", ["true", "false"])
async def test_quirk_39_a_request_goes_packed_when_its_mapping_says_so(
    peer: tuple[Peer, str], tmp_path: Path, switch: str
) -> None:
    partner, sent = partner_at(peer[1], tmp_path, switch), dispatch()
    prepared = partner.prepare(sent)

    reply = await partner.exchange(prepared, sent)
    await partner.client.close()

    (told, body), *_ = peer[0].came
    assert told == switch
    assert (gzip.decompress(body) if switch == "true" else body) == prepared.sealed.body
    assert (reply.result.state, reply.raw) == ("accepted", peer[0].answer)


async def test_quirk_39_the_same_request_packed_twice_is_the_same_bytes(peer: tuple[Peer, str], tmp_path: Path) -> None:
    partner, sent = partner_at(peer[1], tmp_path, "true"), dispatch()
    for _ in range(2):
        await partner.exchange(partner.prepare(sent), sent)
    await partner.client.close()

    assert peer[0].came[0] == peer[0].came[1]


async def test_quirk_39_a_packed_answer_beyond_the_limit_is_unknown_and_stays_small(
    peer: tuple[Peer, str], tmp_path: Path
) -> None:
    peer[0].answer = b" " * (17 << 20)
    partner, sent = partner_at(peer[1], tmp_path, "true"), dispatch()

    with pytest.raises(OutcomeUnknown) as refused:
        await partner.exchange(partner.prepare(sent), sent)
    await partner.client.close()

    assert refused.value.error_code == "answer-too-large"
