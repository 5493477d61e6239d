"""How a bill is to be settled: what the hospital and the patient agreed on before it was brought."""

from enum import StrEnum
from typing import Annotated as A

from gateway.claims.canonical.types import ID, UNSET, Model, UnsetType
from gateway.kernel.fields import O, leaf


class OnExpiry(StrEnum):
    QUICK_CLAIM = "quick_claim"
    CANCEL = "cancel"


class CounterWish(Model, frozen=True, kw_only=True):
    """What is absent is as the gateway's settings say (``[claims.counter]``)."""

    confirm: A[bool, leaf("先试算后确认", O)] = False
    """Rest at the quotes until the patient confirms them."""
    quick_claim: A[bool, leaf("允许转快赔", O)] | UnsetType = UNSET
    """A direct-pay attempt that is proven dead may go on as a quick-claim under the same order."""
    on_expiry: A[OnExpiry, leaf("试算过期处理", O)] = OnExpiry.QUICK_CLAIM
    """What happens to quotes that nobody confirms; ``quick_claim`` only where a quick-claim is allowed."""
    guarantee: A[str, leaf("担保单号", O, pattern=ID)] | UnsetType = UNSET
    """The guarantee that this stay has: its order id."""
