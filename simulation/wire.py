"""The network between a node and the insurers: what a partner is in this world, and everything that may happen to a message."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.canonical.types import UNSET
from gateway.claims.partners.partner import Partner, Prepared, Reply, lane_of
from gateway.kernel.clock import Clock
from gateway.kernel.errors import NotSent, OutcomeUnknown
from gateway.kernel.spans import seconds
from gateway.mapping.api import Incoming, Outgoing, Pin
from gateway.telemetry.metrics import Metrics
from gateway.wire.seals.base import Plain, Sealed
from gateway.wire.seals.plain import PlainSeal
from simulation.insurer import Insurer
from simulation.profiles import FAULTS, SETTLING_S

if TYPE_CHECKING:
    from simulation.node import Node

_encode = msgspec.json.encode
_Told = TypeVar("_Told")
NEVER = 3600.0


@dataclass(frozen=True)
class Fate:
    """What becomes of one message: seconds there and back; ``lost`` before or after its effect."""

    refused: bool = False
    there: float = 0.01
    back: float = 0.01
    garbled: bool = False


class Weather:
    """How bad the network is."""

    def __init__(self, numbers: random.Random, bad: float) -> None:
        self._numbers = numbers
        self._bad = self._worst = bad

    def heal(self) -> None:
        self._bad = 0.0

    def hurt(self) -> None:
        """It is again as bad as it was at first."""
        self._bad = self._worst

    def message(self) -> Fate:
        numbers = self._numbers
        there, back = numbers.uniform(0.001, 0.2), numbers.uniform(0.001, 0.2)
        if numbers.random() >= self._bad:
            return Fate(there=there, back=back)
        match numbers.randrange(7):
            case 0:
                return Fate(refused=True)
            case 1:
                return Fate(there=NEVER)
            case 2 | 6:  # it arrives when nobody waits any more, at the latest within the settling time
                return Fate(there=numbers.uniform(0.5, SETTLING_S * 0.98))
            case 3:
                return Fate(there=there, garbled=True)
            case 4:
                return Fate(there=there, back=numbers.uniform(2.0, 10.0))
            case _:
                return Fate(there=there, back=NEVER)

    def call(self) -> tuple[bool, bool]:
        """Of a callback: whether it arrives, and whether the insurer hears our answer."""
        good = self._numbers.random() >= self._bad
        return good or self._numbers.random() < 0.5, good


def give(waits: "asyncio.Future[_Told]", told: _Told) -> None:
    """An answer arrives, if anybody still waits for it."""
    if not waits.done():
        waits.set_result(told)


class CallbackAct:
    """A callback's mapping: the document is the result."""

    def read_callback(self, incoming: Incoming) -> dict[str, Any]:
        read: dict[str, Any] = msgspec.json.decode(incoming.document)["result"]
        return read

    def write_reply(self, incoming: Incoming) -> Outgoing:
        return Outgoing(b"ok", "application/json", "POST", "/")


class SimulatedPartner(Partner):
    """The gateway's partner without mapping, seal and socket: a message is a dict, the way is ``Weather``'s."""

    def __init__(self, insurer: Insurer, node: "Node", clock: Clock, metrics: Metrics) -> None:
        self.manifest = insurer.profile.manifest
        self.faults = FAULTS
        self.acts = {}
        self.seal = self.bare = PlainSeal("application/json")
        self.clock = clock
        self.metrics = metrics
        self.lane = lane_of(self.manifest, clock)
        self.insurer = insurer
        self.node = node
        self.code = self.manifest.insurer

    def callback(self, path: str) -> Any:
        return "result", CallbackAct()

    def prepare(self, dispatch: Dispatch) -> Prepared:
        act, claim = dispatch.act, dispatch.claim
        message = {
            "act_id": act.act_id,
            "name": act.name,
            "attempt": act.attempt,
            "claim": claim.claim_id,
            "order": dispatch.visit.visit_id,
            "claimed": claim.claimed,
            "quoted": None if claim.quoted is UNSET else claim.quoted,
            "target": "" if dispatch.target is UNSET else dispatch.target.act_id,
        }
        called_by = act.act_id if self.insurer.profile.calls else ""
        out = Outgoing(b"", "application/json", "POST", "/", correlation=called_by, pin=Pin(act.name, 1, "sim"))
        return Prepared(out, Sealed(_encode(message), "application/json"), self.manifest.rule(act.name))

    async def exchange(self, prepared: Prepared, dispatch: Dispatch) -> Reply:
        node, message = self.node, msgspec.json.decode(prepared.sealed.body)
        node.require_alive()
        fate = node.world.weather.message()
        told = {"act": message["act_id"], "name": message["name"], "claim": message["claim"], "to": self.code}
        node.tell("connection refused" if fate.refused else "sends", **told)
        if fate.refused:
            await asyncio.sleep(fate.there)
            raise NotSent("refused", code="not-connected")
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(fate.there, self._arrive, message, fate, answer)
        try:
            async with asyncio.timeout(seconds(self.manifest.rule(message["name"]).timeout)):
                result = await answer
        except TimeoutError:
            node.tell("hears nothing", **told)
            raise OutcomeUnknown("no answer in time", code="answer-timeout") from None
        if fate.garbled:
            node.tell("hears garbage", **told)
            raise OutcomeUnknown("not readable", code="answer-form")
        node.tell("hears", **told, state=result["state"], amount=result.get("approved"))
        raw = _encode(result | {"no": message["act_id"]})
        return Reply(raw, 200, self.judged(msgspec.convert(result, ActResult)))

    def _arrive(self, message: dict[str, Any], fate: Fate, answer: "asyncio.Future[dict[str, Any]]") -> None:
        """The message reaches the insurer, whoever still waits for the answer."""
        if fate.there >= NEVER:
            return
        result = self.insurer.handle(message)
        if fate.back < NEVER:
            asyncio.get_running_loop().call_later(fate.back, give, answer, result)

    def open_callback(self, body: bytes, headers: Mapping[str, str]) -> Plain:
        return Plain(body)

    def seal_reply(self, outgoing: Outgoing) -> Sealed:
        return Sealed(outgoing.document, outgoing.content_type)
