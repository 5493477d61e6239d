"""The data keys' rows: who has one, under which master key, of which person (blind) and class, and since when erased."""

from collections import OrderedDict

from gateway.store.api import AnyStore, Row
from gateway.store.errors import VaultRefused
from gateway.store.rows import DataKeyRow
from gateway.store.unit import Unit
from gateway.store.vault import BillVault, Vault, WrappedKey

MOST_CACHED = 4096
"""Unwrapped data keys held in memory: enough for the bills under way."""
NOTICE = "notice"
"""The class of partners' messages that belong to no bill."""
CONSENT = "consent"
"""The class of registered consents."""


class DataKeys:
    """Finds and makes bills' vaults. Used from the event loop of the store's one process."""

    def __init__(self, store: AnyStore, vault: Vault) -> None:
        self.vault = vault
        self._store = store
        self._known: OrderedDict[str, BillVault] = OrderedDict()

    def fresh(self, unit: Unit, order_id: str, data_class: str, cert_no: str, now: int) -> BillVault:
        """A new data key, its row put into ``unit`` with the bill's. ``now`` in epoch ms."""
        made, wrapped = self.vault.new_bill(order_id)
        person = self.vault.person(cert_no) if cert_no else ""
        unit.add(DataKeyRow(order_id, wrapped.master, wrapped.wrapped, person, data_class, now))
        self._remember(order_id, made)
        return made

    def of(self, order_id: str) -> BillVault:
        """The bill's vault. Raises ``VaultRefused``: ``vault-erased``, ``vault-key-unknown`` or ``vault-tampered``."""
        known = self._known.get(order_id)
        if known is not None:
            return known
        row = self._store.get("data_key", order_id=order_id)
        if row is None:
            raise VaultRefused(
                "a bill has no data key",
                code="vault-tampered",
                hint="Keys are never deleted, only emptied: compare the database with the last good copy.",
            )
        if row["erased_at"]:
            raise erased()
        found = self.vault.bill(order_id, wrapped_of(row))
        self._remember(order_id, found)
        return found

    def unless_erased(self, order_id: str) -> BillVault | None:
        """The bill's vault, or None once it was erased."""
        try:
            return self.of(order_id)
        except VaultRefused as closed:
            if closed.error_code != "vault-erased":
                raise
            return None

    def forget(self, order_id: str) -> None:
        self._known.pop(order_id, None)

    def _remember(self, order_id: str, bill: BillVault) -> None:
        self._known[order_id] = bill
        if len(self._known) > MOST_CACHED:
            self._known.popitem(last=False)


def erased() -> VaultRefused:
    return VaultRefused("the bill was erased", code="vault-erased", hint="Its content can't be read again by anybody.")


def wrapped_of(row: Row) -> WrappedKey:
    return WrappedKey(row["master"], row["wrapped"])


def erase(unit: Unit, row: Row, now: int) -> None:
    """Destroy a data key and the way from the person to the bill; the row stays to say when."""
    key = {"order_id": row["order_id"]}
    unit.update("data_key", key, expect={"wrapped": row["wrapped"]}, wrapped="", person="", erased_at=now)


def rewrap(unit: Unit, row: Row, vault: Vault) -> None:
    new = vault.rewrap(row["order_id"], wrapped_of(row))
    key = {"order_id": row["order_id"]}
    unit.update("data_key", key, expect={"wrapped": row["wrapped"]}, master=new.master, wrapped=new.wrapped)
