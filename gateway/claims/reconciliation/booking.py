"""Which line of our book a claim or an undone leg makes, and when. Asked inside ``read``."""

from dataclasses import dataclass

from gateway.claims.ledger import Ledger
from gateway.claims.partners.registry import Registry
from gateway.claims.reconciliation.book import Kind, Line, Standing
from gateway.store.api import Row

_MONEY_ROLES = frozenset({"settle", "claim"})
_FINAL = frozenset({"decided", "closed"})
_AT_RISK = frozenset({"unknown", "manual", "reversing"})
_LEG = "claim:"


@dataclass(frozen=True, slots=True)
class Booked:
    """``line`` is None while there is nothing to say; ``final``: nothing of it will change any more."""

    insurer: str
    line: Line | None
    final: bool


class Booking:
    def __init__(self, ledger: Ledger, registry: Registry) -> None:
        self._ledger = ledger
        self._registry = registry

    def claim(self, row: Row, hospital: str) -> Booked:
        final = row["state"] in _FINAL
        if not final and row["state"] not in _AT_RISK:
            return Booked(row["insurer"], None, final=False)
        act = self._money_act(row)
        if act is None:
            return Booked(row["insurer"], None, final)
        standing, amount = _standing(row)
        at = act["answered_at"] if final and act["answered_at"] else row["updated_at"]
        line = _line(act["act_id"], Kind.PAY, standing, amount, at, row, hospital)
        return Booked(row["insurer"], line, final)

    def _money_act(self, row: Row) -> Row | None:
        """The act that moves this claim's money, as far as it was sent."""
        partner = self._registry.get(row["insurer"])
        acts = self._ledger.act_rows(row["claim_id"])
        moving = [act for act in acts if partner and partner.manifest.rule(act["name"]).role in _MONEY_ROLES]
        return moving[-1] if moving else None

    def legs(self, undo: Row, hospital: str) -> tuple[list[Booked], bool]:
        """Refunds of the insurers' legs of one undo, and whether all its legs have ended."""
        store = self._ledger.store
        rows = store.find("undo_leg", {"undo_id": undo["undo_id"]}, limit=100)
        claims = {claim["claim_id"]: claim for claim in self._ledger.claim_rows(undo["order_id"])}
        booked = []
        for leg in rows:
            claim = claims.get(leg["leg"].removeprefix(_LEG)) if leg["leg"].startswith(_LEG) else None
            if claim is not None and leg["state"] == "undone":
                act_id = leg["act_id"] or f"{leg['undo_id']}:{claim['seq']}"
                at, amount = leg["updated_at"], leg["amount"]
                line = _line(act_id, Kind.REFUND, Standing.DONE, amount, at, claim, hospital)
                booked.append(Booked(claim["insurer"], line, final=True))
        return booked, undo["state"] in ("done", "called_off")


def _standing(row: Row) -> tuple[Standing, int]:
    if row["state"] in _AT_RISK:
        return Standing.UNKNOWN, row["claimed"]
    return (Standing.DONE, row["approved"]) if row["approved"] > 0 else (Standing.REFUSED, row["claimed"])


def _line(act_id: str, kind: Kind, standing: Standing, amount: int, at: int, claim: Row, hospital: str) -> Line:
    claim_id = claim["claim_id"]
    return Line(
        key=act_id,
        kind=kind,
        standing=standing,
        amount=amount,
        at=at,
        ids=frozenset({act_id, claim_id}),
        hospital=hospital,
        order_id=claim["order_id"],
        claim_id=claim_id,
    )
