"""What a person may ask of the claims room's keeper, and the reason that goes into the audit with it."""

import re
from typing import Literal

import msgspec

from gateway.kernel.errors import BadRequest
from gateway.kernel.ids import is_id

Action = Literal["rewrap", "erase", "export", "retention", "evidence", "checkpoint", "recorded"]
_NUMBER = re.compile(r"\d{6}")


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    action: Action
    reason: str = ""
    """A case or ticket number: ids only, because it is kept in the clear for ever."""
    order_id: str = ""
    cert_no: str = ""
    """A person's certificate number: only its blind index is ever compared or kept."""
    claim_id: str = ""
    reveal: tuple[str, ...] = ()
    """Paths of the fields an evidence bundle opens."""
    messages: bool = False
    """Whether an evidence bundle has the messages' bytes."""
    apply: bool = False
    insurer: str = ""
    """Whose acts are wanted, where recorded ones are."""
    most: int = 100


def is_plain(text: str) -> bool:
    """An id without a long number: it may be kept in the clear for ever."""
    return is_id(text) and not _NUMBER.search(text)


def require_reason(wish: Wish) -> str:
    """The reason. Raises ``BadRequest`` when it is missing or could hold personal data."""
    return sound_reason(wish.reason, "--reason")


def sound_reason(reason: str, where: str) -> str:
    """``where`` says how the caller gives it. Raises ``BadRequest``."""
    if not is_plain(reason):
        raise BadRequest(
            "a reason is needed: the number of the case or ticket behind this",
            code="reason-needed",
            hint=f"{where} case-2026-114: letters, digits and _ . : -, at most five digits in a row, no names.",
        )
    return reason
