"""A claims room with money acts written as rows, and reconciliation over it, on a clock that a test turns."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from gateway.claims.canonical.dispatch import StatementLine
from gateway.claims.operators.roles import Operator, Role
from gateway.claims.partners.manifest import load_manifest
from gateway.claims.partners.registry import Registry
from gateway.claims.reconciliation.booking import Booking
from gateway.claims.reconciliation.desk import ReconDesk
from gateway.claims.reconciliation.lock import CutOff
from gateway.claims.reconciliation.night import Hours, Night
from gateway.claims.reconciliation.office import ReconOffice
from gateway.claims.reconciliation.run import Runner
from gateway.claims.reconciliation.statement import Statement
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import LianpeiError
from gateway.kernel.ids import change_no, new_act_id, new_claim_id, new_order_id
from gateway.store.unit import Unit
from support.room import Room

ROOT = Path(__file__).resolve().parents[2]
HOSPITAL, OTHER_HOSPITAL = "H99990100001", "H99990100002"
PEER = "package"
LI = Operator("li.na", frozenset(Role), "token:1")
WANG = Operator("wang.wei", frozenset(Role), "token:2")


def registry() -> Registry:
    partner = SimpleNamespace(manifest=load_manifest(ROOT / "mappings" / "insurers" / PEER), acts={})
    return Registry({PEER: cast(Any, partner)})


@dataclass
class Act:
    order_id: str
    claim_id: str
    act_id: str
    approved: int
    at: datetime
    hospital: str = HOSPITAL

    def told(self, **changes: Any) -> StatementLine:
        """As a faithful peer states it."""
        said = {"our_id": self.act_id, "amount": self.approved, "at": self.at, **changes}
        return StatementLine(**said)


@dataclass
class PaperSource:
    """A peer whose books the test writes."""

    peer: str = PEER
    books: dict[date, list[StatementLine]] = field(default_factory=dict)
    wrong: LianpeiError | None = None
    asked: int = 0

    async def fetch(self, day: date) -> Statement | None:
        self.asked += 1
        if self.wrong is not None:
            raise self.wrong
        lines = self.books.get(day)
        return None if lines is None else Statement(lines, repr(lines).encode())


@dataclass
class DayRoom:
    room: Room
    source: PaperSource
    office: ReconOffice
    today: date

    def at(self, hour: int, minute: int = 0, days: int = 0) -> datetime:
        moment = datetime(self.today.year, self.today.month, self.today.day, hour, minute, tzinfo=SHANGHAI)
        return moment + timedelta(days=days)

    async def act(
        self, approved: int, at: datetime, *, state: str = "decided", hospital: str = HOSPITAL, claimed: int = 0
    ) -> Act:
        order_id, claim_id, act_id = new_order_id(), new_claim_id(), new_act_id()
        moment = int(at.timestamp() * 1000)
        unit = Unit()
        unit.insert("bill", order_id=order_id, hospital=hospital, idem_key=order_id, state="decided")
        unit.insert(
            "claim",
            claim_id=claim_id,
            order_id=order_id,
            seq=1,
            insurer=PEER,
            kind="direct_pay",
            state=state,
            claimed=claimed or approved,
            approved=approved,
            updated_at=moment,
        )
        for field_, new in (("bill.state", "decided"), ("claim.state", state), ("claim.approved", str(approved))):
            of = "" if field_ == "bill.state" else claim_id
            unit.insert(
                "change", order_id=order_id, change_no=change_no(), claim_id=of, field=field_, new=new, at=moment
            )
        unit.insert(
            "act",
            act_id=act_id,
            claim_id=claim_id,
            order_id=order_id,
            insurer=PEER,
            name="settle",
            prepared_at=moment - 1000,
            answered_at=moment if state == "decided" else 0,
        )
        await self.room.store.commit(unit)
        return Act(order_id, claim_id, act_id, approved, at, hospital)

    async def undone(self, act: Act, amount: int, at: datetime) -> str:
        """Part of an act is taken back; the refund act's id."""
        undo_id, refund = f"und_{new_act_id()[4:]}", new_act_id()
        unit = Unit()
        head = {"undo_id": undo_id, "order_id": act.order_id}
        unit.insert("undo", **head, hospital=act.hospital, idem_key=undo_id, state="done")
        leg = {"leg": f"claim:{act.claim_id}", "kind": "claim", "state": "undone", "act_id": refund}
        unit.insert("undo_leg", **head, **leg, amount=amount, updated_at=int(at.timestamp() * 1000))
        await self.room.store.commit(unit)
        return refund

    async def night(self, *lines: StatementLine, days: int = 1) -> list[dict[str, Any]]:
        """The day ``days - 1`` after today ends; the peer's book of it is ``lines``. Returns our books of it."""
        day = self.today + timedelta(days=days - 1)
        self.source.books[day] = list(lines)
        return await self.night_without_book(days)

    async def night_without_book(self, days: int = 1) -> list[dict[str, Any]]:
        self.room.clock.days = days
        await self.office.night.round()
        return await self.books(days)

    async def books(self, days: int = 1) -> list[dict[str, Any]]:
        day = self.today + timedelta(days=days - 1)
        return await self.room.store.read(self.office.desk.overview, day.isoformat(), PEER, "")

    async def story(self, hospital: str = HOSPITAL, days: int = 1) -> dict[str, Any]:
        [book] = [one for one in await self.books(days) if one["hospital"] == hospital]
        return await self.room.store.read(self.office.desk.story, book["recon_id"])

    async def classes(self, hospital: str = HOSPITAL, days: int = 1) -> list[tuple[str, str]]:
        """Class and state of every difference."""
        return sorted((item["class"], item["state"]) for item in (await self.story(hospital, days))["items"])


def day_room(room: Room) -> DayRoom:
    today = datetime.now(SHANGHAI).date()
    source = PaperSource()
    runner = Runner(room.ledger, 30 * 60_000)
    hours = Hours(lock_at=datetime.min.time(), retry_s=1800, give_up_s=86_400)
    night = Night(room.ledger, CutOff(room.ledger, Booking(room.ledger, registry())), runner, [source], hours)
    return DayRoom(room, source, ReconOffice(room.ledger, night, runner, ReconDesk(room.ledger)), today)
