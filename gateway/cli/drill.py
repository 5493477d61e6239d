"""The rotation drill: the partner's simulator, a process of its own, must accept what the next key sealed, and its word must open.

The simulator is told the next key's public half alone. The partner's side and its passwords are throw-away ones, so a drill
needs nothing of the partner and reaches nobody outside this machine. What is sent is an example of the partner folder.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.app import load_partner
from gateway.claims.canonical.dispatch import Dispatch
from gateway.claims.canonical.visit import require_numbered
from gateway.claims.partners.manifest import Manifest, load_manifest
from gateway.claims.partners.partner import Partner
from gateway.config import InsurerSettings, Settings
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.telemetry.metrics import Metrics
from gateway.wire.devkeys import create_development_keys
from gateway.wire.keymaking import public_half_pem
from gateway.wire.keys import CERTIFICATE, KEY, PUBLIC, SECRET, KeyRing
from gateway.wire.listen import listen
from gateway.wire.seals.overlap import seal_names

_START_S = 20.0
_PATIENCE_S = 3.0
"""How long the simulator may take to call back after the last message."""


@dataclass(frozen=True, slots=True)
class Proof:
    act: str
    came_back: str
    """Which sealed word of the simulator opened."""


async def prove(settings: Settings, code: str, ring: KeyRing, role: str, name: str) -> Proof:
    """Raises ``ConfigRefused``: drill-impossible without a simulator or a seal, drill-failed when a word was not believed."""
    folder = Path(settings.mappings) / "insurers" / code
    manifest = load_manifest(folder)
    if manifest.seal.get("profile") == "plain":
        raise _impossible("the partner's messages are not sealed")
    with tempfile.TemporaryDirectory(prefix="lianpei-drill-") as place:
        theirs = Path(place)
        create_development_keys(theirs)
        stand_ins = KeyRing.from_directory(theirs, environment={})
        ours = _our_side(ring, stand_ins, manifest, role, name)
        _tell_next_key(ring.using({role: name}), role, theirs)
        return await _talk(settings, folder, manifest, ours, theirs)


def _our_side(ring: KeyRing, stand_ins: KeyRing, manifest: Manifest, role: str, name: str) -> KeyRing:
    """Our ring with the next key in use, and the stand-in partner's keys and passwords in place of the real ones."""
    others = [one for one in (*seal_names(manifest.seal, ring), *manifest.secrets.values()) if one != role]
    missing = [one for one in (role, *others) if one not in stand_ins.entries]
    if missing:
        raise _impossible("the simulator does not know a key that the partner's manifest names")
    entries = {one: stand_ins.entries[one] for one in others}
    return ring.using({role: name, **{one: one for one in others}}, entries)


def _tell_next_key(ring: KeyRing, role: str, theirs: Path) -> None:
    """Only what the partner would be given: the public half, or the shared secret by a link to where it lies."""
    entry = ring.entry(role)
    for suffix in (KEY, PUBLIC, CERTIFICATE, SECRET):
        (theirs / f"{role}{suffix}").unlink(missing_ok=True)
    if entry.public is not None:
        (theirs / f"{role}{PUBLIC}").write_bytes(public_half_pem(entry.public))
    if entry.certificate is not None:
        (theirs / f"{role}{CERTIFICATE}").write_bytes(entry.certificate.public_bytes(Encoding.PEM))
    if entry.secret is not None:
        (theirs / f"{role}{SECRET}").symlink_to((ring.directory / f"{ring.name_of(role)}{SECRET}").resolve())


async def _talk(settings: Settings, folder: Path, manifest: Manifest, ours: KeyRing, theirs: Path) -> Proof:
    code = folder.name
    ear = _Ear()
    async with _door(ear) as gateway, _simulator(code, theirs, gateway) as endpoint:
        deployed = InsurerSettings(endpoint=endpoint)
        partner = load_partner(settings, folder, deployed, ours, Metrics.for_codes([code]), SystemClock())
        ear.partner = partner
        try:
            return await _until_proven(partner, folder, manifest, ear)
        finally:
            await partner.client.close()


async def _until_proven(partner: Partner, folder: Path, manifest: Manifest, ear: "_Ear") -> Proof:
    """Acts in the order of a claim, until the simulator sealed something and it opened."""
    sealed_answers = manifest.seal.get("answers", "sealed") == "sealed"
    act = ""
    for dispatch in _examples(folder, manifest):
        act = dispatch.act.name
        try:
            reply = await partner.exchange(partner.prepare(dispatch), dispatch)
        except LianpeiError as refused:
            raise _failed(f"{act} was not answered in a way that opens ({refused.error_code})") from None
        if reply.result.state in ("refused", "unknown"):
            raise _failed(f"the simulator refused {act} (its code {reply.result.peer_code or '-'})")
        if sealed_answers:
            return Proof(act, "its sealed answer opened")
    await ear.heard(_PATIENCE_S)
    if not ear.opened:
        raise _failed("no sealed word of the simulator opened")
    return Proof(act, "its sealed callback opened")


def _examples(folder: Path, manifest: Manifest) -> Iterator[Dispatch]:
    """The folder's own examples for the steps of its first kind, up to where money is asked for, sent now."""
    found: dict[str, Dispatch] = {}
    for file in sorted((folder / "examples").glob("*.dispatch.json")):
        dispatch = msgspec.json.decode(file.read_bytes(), type=Dispatch)
        require_numbered(dispatch.lines)
        found.setdefault(dispatch.act.name, dispatch)
    acts = next(iter(manifest.kinds.values()), ())
    steps = [
        name for name in acts if name in found and manifest.rule(name).role == "step" and not manifest.rule(name).when
    ]
    for name in steps or [name for name in acts if name in found][:1]:
        now = SystemClock().now()
        yield msgspec.structs.replace(found[name], act=msgspec.structs.replace(found[name].act, sent_at=now))


@dataclass(slots=True)
class _Ear:
    """The callback door of the drill: opens what the simulator says by itself, and acknowledges nothing."""

    partner: Partner | None = None
    opened: bool = False
    _rang: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.partner is not None:
            try:
                headers = {name.lower(): value for name, value in request.headers.items()}
                self.partner.open_callback(body, headers)
                self.opened = True
            except LianpeiError:
                self.opened = False
            self._rang.set()
        return web.Response(status=503)

    async def heard(self, patience_s: float) -> None:
        try:
            await asyncio.wait_for(self._rang.wait(), patience_s)
        except TimeoutError:
            return


@asynccontextmanager
async def _door(ear: _Ear) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{path:.*}", ear.hear)
    runner = web.AppRunner(app, access_log=None)
    try:
        yield f"http://127.0.0.1:{await listen(runner, '127.0.0.1', 0, None)}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _simulator(code: str, keys: Path, gateway: str) -> AsyncIterator[str]:
    """The partner's simulator in a process of its own, on a free port of this machine. Gives its address."""
    command = [
        "-m",
        "gateway",
        "sandbox",
        "--plain",
        "--keys",
        str(keys),
        "--gateway",
        gateway,
        "--ports",
        json.dumps({code: 0}),
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
        if not line.startswith(b'{"listening"'):
            raise _impossible("no simulator of this partner can be started here")
        yield f"http://127.0.0.1:{json.loads(line)['listening'][code]}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _impossible(why: str) -> ConfigRefused:
    return ConfigRefused(
        f"the drill can't be held: {why}",
        code="drill-impossible",
        hint="the simulators need lianpei[sandbox]; agree on a test with the partner where there is no simulator",
    )


def _failed(why: str) -> ConfigRefused:
    return ConfigRefused(
        f"the next key is not proven: {why}", code="drill-failed", hint="nothing was switched; see lianpei keys check"
    )
