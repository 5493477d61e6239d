"""A partner whose signature travels in HTTP headers, over a real socket: our request is signed, its answer is verified."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from partner_folder import SAMPLES, Folder
from support.seal_ends import make_keys

from gateway.app import load_partner
from gateway.claims.partners.partner import Partner, Reply
from gateway.config import InsurerSettings, Settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import ConfigRefused, OutcomeUnknown, SealRefused
from gateway.telemetry.metrics import Metrics
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal

ACT = "eligibility"
COMMON = {"profile": "exact-bytes", "algorithm": "ecdsa-sha256", "time_header": "X-Time", "nonce_header": "X-Nonce"}
OURS = {**COMMON, "own_key": "gateway-ec", "peer_key": "insurer-ec"}
ANSWER = (SAMPLES / "package" / "01_S200_answer.json").read_bytes()
THEIRS = {**COMMON, "own_key": "insurer-ec", "peer_key": "gateway-ec"}


def partner_of(home: Path, keys: KeyRing, endpoint: str, seal: Mapping[str, object]) -> Partner:
    """The package dialect's folder, beside the one that it extends, with another seal."""
    folder = home / "package-400"
    for code in ("package", "package-400"):
        shutil.copytree(Folder(code).home, home / code, dirs_exist_ok=True)
    seal = {"$drop": ["key", "exception"]} | dict(seal)
    lines = (folder / "insurer.yaml").read_text("utf-8").splitlines()
    text = [f"seal: {msgspec.json.encode(seal).decode()}" if line.startswith("seal:") else line for line in lines]
    (folder / "insurer.yaml").write_text("\n".join(text), "utf-8")
    settings = Settings(mode="development", keys=str(keys.directory), mappings=str(home), schemas="schemas")
    metrics = Metrics.for_codes(["package-400"])
    return load_partner(settings, folder, InsurerSettings(endpoint=endpoint), keys, metrics, SystemClock())


@asynccontextmanager
async def insurer(keys: KeyRing, spoil: Mapping[str, str]) -> AsyncIterator[str]:
    """Verifies every request and signs its answer; ``spoil`` replaces headers of the answer."""
    seal, clock = build_seal(THEIRS, keys), SystemClock()

    async def serve(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seal.open_with(await request.read(), headers, Role.REQUEST, clock.now())  # type: ignore[attr-defined]
        sealed = seal.seal(Plain(ANSWER), Role.ANSWER, clock.now())
        return web.Response(body=sealed.body, headers={**sealed.headers, **spoil})

    app = web.Application()
    app.router.add_post("/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    (tmp_path / "keys").mkdir()
    return make_keys(tmp_path / "keys")


async def exchanged(partner: Partner) -> Reply:
    dispatch = Folder("package-400").dispatch(ACT)
    sent = msgspec.structs.replace(dispatch, act=msgspec.structs.replace(dispatch.act, sent_at=SystemClock().now()))
    try:
        return await partner.exchange(partner.prepare(sent), sent)
    finally:
        await partner.client.close()


async def test_both_ends_believe_each_other(tmp_path: Path, keys: KeyRing) -> None:
    async with insurer(keys, {}) as endpoint:
        reply = await exchanged(partner_of(tmp_path, keys, endpoint, OURS))
    assert (reply.http_status, reply.raw) == (200, ANSWER)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"X-Nonce": "another"}, "seal-bad-signature"),
        ({"X-Signature": ""}, "seal-unsigned"),
        ({"X-Time": "1"}, "seal-bad-signature"),
    ],
)
async def test_an_answer_with_other_headers_is_unknown(
    tmp_path: Path, keys: KeyRing, spoil: Mapping[str, str], code: str
) -> None:
    async with insurer(keys, spoil) as endpoint:
        with pytest.raises(OutcomeUnknown) as unknown:
            await exchanged(partner_of(tmp_path, keys, endpoint, OURS))
    assert unknown.value.error_code == code


async def test_a_callback_is_verified_by_its_headers(tmp_path: Path, keys: KeyRing) -> None:
    partner = partner_of(tmp_path, keys, "http://127.0.0.1:1", OURS)
    sealed = build_seal(THEIRS, keys).seal(Plain(b"{}"), Role.REQUEST, SystemClock().now())
    headers = {name.lower(): value for name, value in sealed.headers.items()}
    assert partner.open_callback(b"{}", headers).once == headers["x-nonce"]
    with pytest.raises(SealRefused):
        partner.open_callback(b"{}", {})
    await partner.client.close()


async def test_past_its_date_a_weak_folder_does_not_load(tmp_path: Path, keys: KeyRing) -> None:
    seal = {"profile": "encrypted-body", "cipher": "sm4-ecb", "key": "key-16"}
    for exception, code in (({"until": "2020-01-01", "reason": "r"}, "weak-seal-expired"), (None, "seal-setting")):
        with pytest.raises(ConfigRefused) as refused:
            partner_of(tmp_path, keys, "http://127.0.0.1:1", seal | ({"exception": exception} if exception else {}))
        assert refused.value.error_code == code
