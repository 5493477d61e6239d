"""One type per kind of id, so that an act id cannot be passed where an order id is meant.

Ids are ``<prefix>_<26 characters>``: 48 bits of time and 80 random bits in Crockford base 32, so they sort by age and
can't be guessed. They carry no personal data and match ``[A-Za-z0-9_.:-]{1,64}`` everywhere.
"""

import re
import string
import time
from collections.abc import Sequence
from typing import NewType

from gateway.kernel.entropy import take

OrderId = NewType("OrderId", str)
"""One bill brought by a hospital: one visit, one or more policies."""
ClaimId = NewType("ClaimId", str)
"""One policy's share of an order, sent to one insurer."""
ActId = NewType("ActId", str)
"""One thing sent outward; the idempotency key that all attempts keep."""
EventId = NewType("EventId", str)
SettlementId = NewType("SettlementId", str)
"""The payment side's order number: random, so that it says nothing about the visit."""
HospitalCode = NewType("HospitalCode", str)
InsurerCode = NewType("InsurerCode", str)

ID_PATTERN = r"^[A-Za-z0-9_.:\-]{1,64}(?!\n)$"
_ID = re.compile(ID_PATTERN)
_ID_MARKS = (string.ascii_letters + string.digits + "_.:-").encode()
_LONGEST_ID = 64
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_FOLDED = 8 * _ALPHABET.encode()
"""Each byte's character: eight bytes share one, so a random byte gives five random bits."""


def _marks(epoch_ms: int) -> str:
    """Ten characters, two at a time."""
    high, low = divmod(epoch_ms, 1 << 20)
    fast = _PAIRS[low >> 10] + _PAIRS[low & 1023]
    return _PAIRS[high >> 20 & 1023] + _PAIRS[high >> 10 & 1023] + _PAIRS[high & 1023] + fast


def _fresh(prefix: str) -> str:
    return f"{prefix}_{_marks(time.time_ns() // 1_000_000)}{take(16).translate(_FOLDED).decode()}"


def new_request_id() -> str:
    """Of a refused request: named in its answer and in the log."""
    return _fresh("req")


def new_order_id() -> OrderId:
    return OrderId(_fresh("ord"))


def new_claim_id() -> ClaimId:
    return ClaimId(_fresh("clm"))


def new_act_id() -> ActId:
    return ActId(_fresh("act"))


def new_event_id() -> EventId:
    return EventId(_fresh("evt"))


def new_notice_id() -> str:
    """A partner's message that belongs to no bill."""
    return _fresh("ntc")


def new_correction_id() -> str:
    """What two persons settle about a claim."""
    return _fresh("cor")


def new_undo_id() -> str:
    """A wish to take an order back."""
    return _fresh("und")


def new_deposit_id() -> str:
    """Money that a patient pays before the bill is known."""
    return _fresh("dep")


def new_recovery_id() -> str:
    """Money that an insurer advanced and the patient owes back."""
    return _fresh("rcy")


def new_consent_record_id() -> str:
    """What seals a registered consent."""
    return _fresh("cnr")


def new_recon_id() -> str:
    """One peer's and one hospital's books of one day."""
    return _fresh("rec")


def new_difference_id() -> str:
    return _fresh("dif")


def new_entry_id() -> str:
    """What two persons enter about a difference."""
    return _fresh("ent")


def id_floor(prefix: str, epoch_ms: int) -> str:
    """No id of this prefix that is made from this moment on sorts before it."""
    return f"{prefix}_{_marks(max(epoch_ms, 0))}"


def id_time(made: str) -> int:
    """When an id of ours was made, in epoch ms."""
    number = 0
    for mark in made.partition("_")[2][:10]:
        number = number * 32 + _ALPHABET.index(mark)
    return number


def new_settlement_id() -> SettlementId:
    """Fully random: a time-ordered id would let the payment side line up orders with visits."""
    return SettlementId("stl_" + take(26).translate(_FOLDED).decode())


_last_change = 0


def change_no() -> int:
    """A number for a recorded change: rises within a process, and across restarts with the clock."""
    global _last_change
    _last_change = max(_last_change + 1, time.time_ns())
    return _last_change


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def are_ids(texts: Sequence[str]) -> bool:
    """Whether each of them is one: a bill has hundreds, so all are looked at together."""
    strange = "".join(texts).encode("ascii", "replace").translate(None, _ID_MARKS)
    return not strange and "" not in texts and max(map(len, texts), default=0) <= _LONGEST_ID
