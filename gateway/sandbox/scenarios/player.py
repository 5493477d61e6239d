"""Plays a scenario against a running house: what the hospital does, step by step, and what it must see."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

from gateway.kernel.clock import SHANGHAI
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.fhir import fhir_bundle
from gateway.sandbox.hospital.his import his_message
from gateway.sandbox.hospital.mobile import mobile_body
from gateway.sandbox.hospital.table import csv_file
from gateway.sandbox.hospital.visits import HOSPITAL_CODE, Wish, submission
from gateway.sandbox.hospital.yibao import yibao_body
from gateway.sandbox.scenarios.match import filled, gap, merged
from gateway.sandbox.scenarios.script import BillWish, Scenario, Step

_PATIENCE_S = 40.0
_POLL_S = 0.05
_GROUP = "Lianpei-Hospital"


class NotAsToldError(AssertionError):
    """A step ended otherwise than the scenario says."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A step that was played: what it was, what came, how long it took in seconds."""

    step: Step
    status: int
    document: Any
    took: float


@dataclass
class Player:
    """``urls``: each door and simulator. ``turn`` sets the house's clock on. ``slow`` shortens what takes long in life."""

    session: aiohttp.ClientSession
    urls: Mapping[str, str]
    turn: Callable[[str], None]
    first_seed: int
    slow: float = 1.0
    """Factor on the seconds of troubles: 0.1 plays 15 s in 1.5 s, and the 13.5 s count as if they had passed."""
    _bills: int = 0
    _spared: float = 0.0
    """Seconds by which troubles were shortened since the last bill."""
    _saved: dict[str, Any] = field(default_factory=dict)

    async def play(self, scenario: Scenario, told: Callable[[Seen], None] = lambda _: None) -> list[Seen]:
        """Every step with what was seen. Raises ``NotAsToldError`` that names the step."""
        self._saved = {"today": datetime.now(SHANGHAI).date().isoformat()}
        seen: list[Seen] = []
        for number, step in enumerate(scenario.steps, 1):
            try:
                seen.append(await self._step(step))
            except (NotAsToldError, LookupError) as wrong:
                raise NotAsToldError(f"{scenario.name}, step {number} ({step.say or _what(step)}): {wrong}") from None
            told(seen[-1])
        return seen

    async def _step(self, step: Step) -> Seen:
        if step.clock:
            self.turn(step.clock)
            return Seen(step, 0, None, 0)
        began, until = time.monotonic(), time.monotonic() + _PATIENCE_S
        while True:
            status, document = await self._do(step)
            took = time.monotonic() - began
            lack = self._lack(step, status, document)
            if not lack:
                break
            if step.until is msgspec.UNSET or time.monotonic() > until:
                raise NotAsToldError(lack)
            await asyncio.sleep(_POLL_S)
        if step.within and took + self._spared > step.within:
            raise NotAsToldError(f"it took {took + self._spared:.1f} s, not {step.within:g}")
        if step.bill is not None:
            self._spared = 0.0
        if step.save:
            self._saved[step.save] = document
        return Seen(step, status, document, took)

    def _lack(self, step: Step, status: int, document: Any) -> str:
        if step.status and status != step.status:
            return f"status {status}: {document!r}"
        if not step.status and status >= 400:
            return f"status {status}: {document!r}"
        wanted = step.until if step.until is not msgspec.UNSET else step.expect
        return "" if wanted is msgspec.UNSET else gap(filled(wanted, self._saved), document)

    async def _do(self, step: Step) -> tuple[int, Any]:
        if step.bill is not None:
            return await self._submit(step, step.bill)
        if step.trouble is not None:
            wish = step.trouble
            seconds = wish.seconds * self.slow
            self._spared += wish.seconds - seconds
            line = {"match": {"op": wish.op}, "do": wish.do, "seconds": seconds, "times": wish.times}
            return await self._call("POST", self.urls[wish.at] + "/_script", json.dumps(line).encode(), {})
        method, path = next((verb.upper(), at) for verb in ("get", "post", "put") if (at := getattr(step, verb)))
        body = b"" if step.body is None else json.dumps(filled(step.body, self._saved)).encode()
        return await self._call(method, self.urls[step.at] + filled(path, self._saved), body, self._headers(step))

    def _headers(self, step: Step) -> dict[str, str]:
        named = {"Idempotency-Key": f"{step.key}-{self.first_seed}"} if step.key else {}
        return named | ({_GROUP: step.hospital} if step.hospital else {}) | {"Prefer": "wait=25"}

    async def _submit(self, step: Step, wish: BillWish) -> tuple[int, Any]:
        seed, self._bills = self.first_seed + self._bills, self._bills + 1
        made = self._saved[f"{wish.like}_bill"] if wish.like else self._made(wish, seed, step.hospital)
        bill = merged(made, filled(wish.put, self._saved))
        if step.save:
            self._saved[f"{step.save}_bill"] = bill
        path, body, media = _written(bill, wish, seed)
        headers = self._headers(step) | {"Idempotency-Key": f"s{seed}", "Prefer": wish.prefer, "Content-Type": media}
        return await self._call("POST", self.urls["hospital"] + path, body, headers)

    def _made(self, wish: BillWish, seed: int, hospital: str) -> dict[str, Any]:
        numbers = (f"{wish.policy}{seed:08d}",) if wish.policy else ()
        about = Wish(
            wish.story, seed, wish.kind, wish.insurers, numbers, marks=True, hospital=hospital or HOSPITAL_CODE
        )
        return submission(about)

    async def _call(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        async with self.session.request(method, url, data=body or None, headers=headers) as answer:
            content = await answer.read()
            try:
                return answer.status, json.loads(content)
            except ValueError:
                return answer.status, content.decode("utf-8", "replace")


def _written(bill: dict[str, Any], wish: BillWish, seed: int) -> tuple[str, bytes, str]:
    """Path, body and media type of a bill in the form that the hospital speaks."""
    match wish.form:
        case "yibao-2207":
            return f"{wish.to}/{wish.form}", to_json(yibao_body(bill)), "application/json"
        case "yibao-6201":
            return f"{wish.to}/{wish.form}", to_json(mobile_body(bill)), "application/json"
        case "fhir-r4":
            return f"{wish.to}/{wish.form}", to_json(fhir_bundle(bill)), "application/fhir+json"
        case "his-soap":
            return f"{wish.to}/{wish.form}", his_message(bill, f"s{seed}").encode(), "application/xml"
        case "csv":
            return "/v1/uploads/csv", csv_file({f"s{seed}": bill}).encode(), "text/csv; charset=utf-8"
        case _:
            return wish.to, to_json(bill), "application/json"


def _what(step: Step) -> str:
    if step.bill is not None:
        return f"bill {step.bill.story} to {', '.join(step.bill.insurers)}"
    return step.get or step.post or step.put or (f"trouble at {step.trouble.at}" if step.trouble else step.clock)
