"""Where one bill's content is sealed before it becomes a row."""

from gateway.claims.bill import Bill
from gateway.kernel.ids import new_notice_id
from gateway.store.api import Read
from gateway.store.data_keys import NOTICE, DataKeys, erased
from gateway.store.unit import Unit
from gateway.store.vault import BillVault


class Safe:
    """The vault of the bill ``order_id``, or of what belongs to no bill while that is empty."""

    def __init__(self, keys: DataKeys, order_id: str) -> None:
        self.order_id = order_id
        self._keys = keys
        self._new: Bill | None = None
        """A bill that has no data key yet: the first that is sealed makes it, so that all of its keys are dealt with at
        once and the processor has their code at hand."""
        self._fresh: BillVault | None = None
        """The data key of a bill whose rows are not written yet, or of one that was asked for (``turn_to``)."""
        self._erased = False

    def belong_to(self, bill: Bill) -> None:
        """Seal for ``bill`` from now on."""
        if bill.order_id != self.order_id:
            self.order_id, self._fresh = bill.order_id, None
            self._new = None if bill.stored else bill

    async def turn_to(self, order_id: str, read: Read) -> None:
        """Seal for a stored bill from now on, with its data key at hand."""
        self.order_id = order_id
        self._fresh = await read(self._keys.unless_erased, order_id)
        self._erased = self._fresh is None

    def vault(self, unit: Unit) -> BillVault:
        """A new bill's data key goes into ``unit`` with what is sealed first. Raises ``VaultRefused``."""
        if self._erased:
            raise erased()
        return self._fresh or self._made(unit) or self._keys.of(self.order_id)

    def message(self, record_id: str, body: bytes, unit: Unit, now: int) -> tuple[str, bytes | None]:
        """Whose data key sealed it, and the sealed bytes. A message without a bill gets a data key of its own; of what
        comes for an erased bill nothing is kept here.
        """
        if not self.order_id:
            notice = new_notice_id()
            return notice, self._keys.fresh(unit, notice, NOTICE, "", now).seal(record_id, body, "message")
        vault = self._fresh or self._made(unit)
        if vault is None and not self._erased:
            vault = self._keys.unless_erased(self.order_id)
        return self.order_id, None if vault is None else vault.seal(record_id, body, "message")

    def _made(self, unit: Unit) -> BillVault | None:
        bill, self._new = self._new, None
        if bill is not None:
            submission, at = bill.submission, int(bill.created_at.timestamp() * 1000)
            self._fresh = self._keys.fresh(unit, bill.order_id, submission.kind, submission.patient.cert_no, at)
        return self._fresh


def ref_id(claim_id: str, name: str) -> str:
    """The record id of a partner's own number."""
    return f"{claim_id}:{name}"
