"""Which consents were withdrawn, in memory: a set that is looked into before every send and costs nothing else."""

from gateway.claims.bill import Bill
from gateway.store.api import AnyStore

_PAGE = 1000


class Withdrawals:
    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._seen = 0

    def cover(self, bill: Bill) -> bool:
        """Whether the consent that this bill names was withdrawn."""
        return bool(self._known) and (bill.hospital, bill.submission.consent.consent_id) in self._known

    def add(self, hospital: str, consent_id: str) -> None:
        self._known.add((hospital, consent_id))

    async def read_on(self, store: AnyStore) -> None:
        """What was withdrawn since the last look: at the start all of it, later what other processes were told."""
        while True:
            after = (self._seen,) if self._seen else None
            rows = await store.read(store.find, "consent_withdrawal", {}, limit=_PAGE, after=after)
            for row in rows:
                self.add(row["hospital"], row["consent_id"])
                self._seen = row["seq"]
            if len(rows) < _PAGE:
                return
