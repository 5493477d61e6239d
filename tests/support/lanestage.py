"""A gateway with insurers of the test's own: one small folder each, each played in the test's process byte by byte."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from gateway.cli.stage import ROOT
from gateway.sandbox.hospital.encoding import to_json
from support.bills import SampleBill, sample_bill
from support.doorstage import LIMITS, DoorStage

_MANIFEST = """insurer: {code}
names: {{zh: 测试保险, en: Played}}
protocol: json
seal: {{profile: plain}}
kinds:
  direct_pay: [settle]
  quick_claim: [claim]
acts:
  settle: {{role: settle, timeout: {timeout}, status: status, undo: cancel}}
  claim: {{role: claim, timeout: {timeout}, status: status}}
  status: {{role: status, timeout: {timeout}}}
  cancel: {{role: undo, timeout: {timeout}, status: status}}
settling_time: 100ms
"""
_ACT = """mapping: {code}/{act}
version: 1
channel: insurer
source: dispatch
target: {{kind: json}}
http: {{path: /{act}}}
tables: {{said: {{"1": accepted, "2": refused, "3": not_found, else: unknown}}}}
request: {{no: {no}, policy: policy.policy_no, claimed: claim.claimed, patient: patient.name}}
answer:
  result:
    state: code(said, r.ok)
    peer_code: r.ok
    approved?: fen_int(r.fen) if r.ok == "1" else null
"""
_FAULTS = '"2": {code: not-covered, who: insurer, retry: "no", zh: 不赔, en: Not covered.}\n'


@dataclass(frozen=True)
class Call:
    act: str
    said: dict[str, Any]
    at: float
    """Loop time."""
    line: asyncio.StreamReader
    head: bytes = b""
    body: bytes = b""


Play = Callable[["Played", Call, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Played:
    """One insurer: settles what it is asked to unless ``play`` does something else. ``calls`` is what it heard."""

    code: str
    port: int
    think_s: float = 0.005
    calls: list[Call] = field(default_factory=list)
    settled: dict[str, int] = field(default_factory=dict)
    most_at_once: int = 0
    play: Play | None = None
    _server: asyncio.Server | None = None
    _now: int = 0

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def close(self) -> None:
        """Nobody listens any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def shut(self) -> bool:
        return self._server is None

    @property
    def under_way(self) -> int:
        """Calls that it has not answered, and whose caller has not given up."""
        return self._now

    def heard(self, act: str) -> list[Call]:
        return [call for call in self.calls if call.act == act]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while self._server is not None:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                body = await reader.readexactly(size)
                act = head.split(b" ")[1].decode().strip("/")
                call = Call(act, json.loads(body), asyncio.get_running_loop().time(), reader, head, body)
                self.calls.append(call)
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                try:
                    await (self.play or settles)(self, call, writer)
                finally:
                    self._now -= 1
                if writer.is_closing():
                    return
        writer.close()


def say(writer: asyncio.StreamWriter, told: dict[str, Any], status: str = "200 OK", head: str = "") -> None:
    body = json.dumps(told).encode()
    start = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    writer.write(start.encode() + body)


async def settles(insurer: Played, call: Call, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(insurer.think_s)
    number = call.said["no"]
    if call.act in ("settle", "claim"):
        insurer.settled.setdefault(number, call.said["claimed"] * 8 // 10)
    if call.act == "cancel":
        insurer.settled.pop(number, None)
        say(writer, {"ok": "1", "fen": 0})
    elif number in insurer.settled:
        say(writer, {"ok": "1", "fen": insurer.settled[number]})
    else:
        say(writer, {"ok": "3"})


async def hangs(insurer: Played, call: Call, writer: asyncio.StreamWriter) -> None:
    await call.line.read()
    writer.close()


async def refuses(insurer: Played, call: Call, writer: asyncio.StreamWriter) -> None:
    say(writer, {"ok": "2"})


@dataclass
class LaneStage(DoorStage):
    """Only the gateway is a process. ``more``: what each insurer's manifest says besides; its keys are the insurers."""

    more: dict[str, str] = field(default_factory=dict)
    timeout: str = "1s"

    def __enter__(self) -> Self:
        self.insurers = tuple(self.more)
        try:
            self.prepare()
            self._launch("gateway")
            self._listening("gateway")
            self.ready()
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self) -> None:
        self.evil_port = self.ports["package"]
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("hospitals", "payment"):
            shutil.copytree(ROOT / "mappings" / name, self.home / "mappings" / name, dirs_exist_ok=True)
        for code, more in self.more.items():
            write_folder(self.home / "mappings/insurers" / code, code, more, self.timeout)
        super().prepare()

    def _gateway_settings(self) -> str:
        told = super()._gateway_settings().replace(str(ROOT / "mappings"), str(self.home / "mappings"))
        told = told.replace(f", {LIMITS}", "")
        for code in self.more:
            told = told.replace(f"https://localhost:{self.ports[code]}", f"http://127.0.0.1:{self.ports[code]}")
        return told

    def played(self, code: str) -> Played:
        return Played(code, self.ports[code])


def write_folder(folder: Any, code: str, more: str, timeout: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "insurer.yaml").write_text(_MANIFEST.format(code=code, timeout=timeout) + more, "utf-8")
    (folder / "faults.yaml").write_text(_FAULTS, "utf-8")
    for act in ("settle", "claim", "status", "cancel"):
        no = "act.act_id" if act in ("settle", "claim") else "target.act_id"
        (folder / f"{act}.yaml").write_text(_ACT.format(code=code, act=act, no=no), "utf-8")


def quick_bill(code: str) -> SampleBill:
    """A bill that its patient paid; the insurer pays later."""
    made = sample_bill(code)
    told = made.submission | {"kind": "quick_claim"}
    return SampleBill(made.wish, told, to_json(told), made.key)
