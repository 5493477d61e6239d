"""A simulated hospital: brings bills, sends again when it hears nothing, asks, takes back; and remembers what it was promised."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import CIMultiDict

from gateway.claims.door.auth import Caller, Guard, Tenant
from gateway.claims.door.entrance import _CAME, Came
from gateway.claims.door.handlers import Handlers
from gateway.claims.intake import Intake
from gateway.claims.undo.wish import LegWord, UndoWish
from gateway.kernel.errors import LianpeiError
from gateway.kernel.ids import HospitalCode
from gateway.sandbox.hospital.visits import HOSPITAL_CODE, Wish, submission
from simulation.chance import stream
from simulation.node import Node
from simulation.patient import Patient
from simulation.process import Gone
from simulation.purse import Purse, purse_of

if TYPE_CHECKING:
    from simulation.world import World

_ENDED = ("done", "called_off", "stuck")
_INTAKE = Intake({})
_TENANT = Tenant(HospitalCode(HOSPITAL_CODE), "simulated")


class DoorRequest(dict[Any, Any]):
    """What the door's handlers read of a request."""

    def __init__(self, key: str, body: bytes, wait: int = 1, **match_info: str) -> None:
        super().__init__({_CAME: Came(Caller(_TENANT), body)})
        self.headers = CIMultiDict({"Idempotency-Key": key, "Prefer": f"wait={wait}"})
        self.match_info = match_info
        self.path = "/v1/claims"


class OpenGuard(Guard):
    """Callers are proven elsewhere."""

    def __init__(self) -> None:
        pass


@cache
def _sample(kind: str, insurers: tuple[str, ...]) -> dict[str, Any]:
    return submission(Wish("outpatient" if kind == "direct_pay" else "self-pay", 700_001, kind, insurers))


def body_of(kind: str, insurers: tuple[str, ...], number: int, asks: bool) -> dict[str, Any]:
    sample = _sample(kind, insurers)
    visit = sample["visit"] | {"visit_id": f"visit-{number}"}
    policies = [policy | {"policy_no": f"P{number}-{policy['order_no']}"} for policy in sample["policies"]]
    own: dict[str, Any] = {"visit": visit, "policies": policies}
    if asks:
        own["counter"] = {"confirm": True}
    if "invoice" in sample:
        own["invoice"] = sample["invoice"] | {"bill_no": f"9{number:09d}"}
    return sample | own


@dataclass
class Brought:
    """One bill as the hospital knows it."""

    key: str
    visit_id: str
    kind: str
    insurers: tuple[str, ...]
    submission: dict[str, Any] = field(repr=False)
    order_id: str = ""
    """Set when the gateway acknowledged it."""
    undo_ids: list[str] = field(default_factory=list)
    patient: Patient | None = None
    """Who must agree to the quotes."""
    purse: Purse | None = None
    deposits: list[str] = field(default_factory=list)

    @cached_property
    def body(self) -> bytes:
        """The same whenever it is sent."""
        paid = self.purse.parts(self.deposits) if self.purse is not None else {}
        return json.dumps(self.submission | paid, ensure_ascii=False).encode()


class Hospital:
    def __init__(self, world: "World", numbers: random.Random) -> None:
        self.world = world
        self.bills: list[Brought] = []
        self._numbers = numbers

    def bring(self, number: int, kind: str, insurers: tuple[str, ...]) -> Brought:
        numbers = stream(self.world.seed, f"patient {number}")
        asks = kind == "direct_pay" and numbers.random() < 0.3
        bill = Brought(f"key-{number}", f"visit-{number}", kind, insurers, body_of(kind, insurers, number, asks))
        if self.world.moneydesk is not None and kind == "direct_pay":
            bill.purse = purse_of(stream(self.world.seed, f"purse {number}"))
        if asks:
            bill.patient = Patient(self.world, bill, numbers)
            self.world.spawn(bill.patient.answer())
        self.bills.append(bill)
        return bill

    async def visit(self, bill: Brought) -> None:
        """Submit until it is heard; then perhaps take it back."""
        numbers = self._numbers
        await asyncio.sleep(numbers.uniform(0.0, 8.0))
        if bill.purse is not None and self.world.moneydesk is not None:
            bill.deposits = await self.world.moneydesk.take_deposits(bill.key, bill.purse)
        if numbers.random() < 0.15:  # the cashier presses twice
            self.world.spawn(self._submit(bill))
        if not await self._submit(bill):
            return
        if bill.purse is not None and bill.purse.taps and self.world.moneydesk is not None:
            self.world.spawn(self.world.moneydesk.tap(bill.order_id, bill.purse))
        waits = self.world.disk.get("bill", order_id=bill.order_id)
        pending = waits is not None and waits["state"] == "pending"
        if numbers.random() < (0.6 if pending else 0.3):
            await asyncio.sleep(numbers.choice((0.0, 0.5, 3.0) if pending else (0.0, 3.0, 60.0)))
            await self._undo(bill)

    async def _submit(self, bill: Brought) -> bool:
        for _ in range(60):
            node = self.world.some_node(self._numbers)
            if node is not None and await self._submitted(bill, node):
                return True
            await asyncio.sleep(self._numbers.uniform(0.5, 5.0))
        return False

    async def _submitted(self, bill: Brought, node: Node) -> bool:
        door = Handlers(OpenGuard(), _INTAKE, node.engine, self.world.metrics)
        request: Any = DoorRequest(bill.key, bill.body, self._numbers.choice((1, 2, 25)))
        self.world.story.tell(
            "hospital", "submits", key=bill.key, kind=bill.kind, to=node.name, of="+".join(bill.insurers)
        )
        try:
            answer: web.Response = await node.call(door.submit(request))
        except Gone:
            return False
        except LianpeiError as no:
            self.world.story.tell("hospital", "is refused", key=bill.key, code=no.error_code)
            return False
        told = json.loads(answer.body or b"{}")  # type: ignore[arg-type]
        self.world.story.tell("hospital", "hears", key=bill.key, state=told["state"], order=told["order_id"])
        if bill.order_id and bill.order_id != told["order_id"]:
            self.world.story.broke("one-bill-per-key", key=bill.key)
        bill.order_id = told["order_id"]
        return True

    async def _undo(self, bill: Brought) -> None:
        wish = UndoWish(scope="whole", reason="other", requested_by="cashier-7")
        for attempt in range(30):
            node = self.world.some_node(self._numbers)
            if node is not None:
                self.world.story.tell("hospital", "asks to undo", key=bill.key, to=node.name)
                try:
                    work = node.ledger.work()
                    row = await node.call(node.desk.ask(HOSPITAL_CODE, bill.order_id, f"undo-{bill.key}", wish, work))
                except Gone:
                    pass
                except LianpeiError as no:
                    self.world.story.tell("hospital", "undo refused", code=no.error_code)
                    if no.error_code in ("undo-under-way", "order-undone"):
                        return
                else:
                    bill.undo_ids.append(row["undo_id"])
                    await self._see_through(row["undo_id"])
                    return
            await asyncio.sleep(1.0 + attempt)

    async def _see_through(self, undo_id: str) -> None:
        """Undo 医保 when it is its turn; the payment room's part is told by ``Till``."""
        word = LegWord(outcome="undone", reference="yb-1")
        for _ in range(200):
            await asyncio.sleep(2.0)
            node = self.world.some_node(self._numbers)
            leg = self.world.disk.get("undo_leg", undo_id=undo_id, leg="yibao")
            undo = self.world.disk.get("undo", undo_id=undo_id)
            ended = ("done", "called_off") if self.world.loop.time() < self.world.persons_until else _ENDED
            if undo is not None and undo["state"] in ended:
                return
            if node is None or leg is None or leg["state"] != "asked":
                continue
            try:
                await node.call(node.desk.told(HOSPITAL_CODE, undo_id, "yibao", word, node.ledger.work()))
            except (Gone, LianpeiError):
                continue
            return
