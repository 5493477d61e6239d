"""What a payment channel can do: ``mappings/payment/<channel>/channel.yaml``, read once and held against every order.

Facts about the person and the place of paying are checked by the window, which alone knows them (``for_patient``); what
an order itself says is checked by the payment room (``for_order``). Sources of the rules: 寿光 (refund at the window only,
real-name visits only, local insured only), 宁波 (300.00 per act, 1,000.00 per day), 赣州 (no inpatients online).
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from gateway.kernel.errors import ConfigRefused, Conflict
from gateway.payment.model import CHANNEL, COLLECTING, LegKind, OrderKind, PaymentOrder, Timing

FILE = "channel.yaml"
Place = Literal["counter", "ward", "pharmacy", "online"]
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: an unknown key is a mistake."""


class Names(_Closed, frozen=True):
    zh: str
    en: str


class Limits(_Closed, frozen=True):
    """分 per payer; 0 is no limit. A day is one of Shanghai's. Acts whose outcome is unknown count too."""

    per_act: Annotated[int, msgspec.Meta(ge=0)] = 0
    per_day: Annotated[int, msgspec.Meta(ge=0)] = 0


class Capabilities(_Closed, frozen=True):
    channel: Annotated[str, msgspec.Meta(pattern=CHANNEL)]
    names: Names
    kinds: frozenset[OrderKind]
    timings: frozenset[Timing] = frozenset(Timing)
    places: frozenset[Place] = frozenset(("counter", "ward", "pharmacy", "online"))
    """Where it can be paid."""
    legs: frozenset[LegKind] = frozenset()
    """Shares of a bill that the patient can settle in this one app."""
    limits: Limits = Limits()
    payer_token: bool = False
    """It debits an account that the order must name."""
    refund: Literal["online", "window"] = "online"
    """``window``: money goes back only over the hospital's counter."""
    real_name_only: bool = False
    local_only: bool = False
    """Only for patients insured where the hospital is."""

    def for_order(self, order: PaymentOrder) -> str:
        """Why this channel can't carry the order, as a stable code; empty when it can."""
        if order.kind is OrderKind.REFUND and self.refund == "window":
            return "refund-at-window"
        if order.kind not in self.kinds:
            return "channel-kind"
        if order.timing not in self.timings:
            return "channel-timing"
        if self.payer_token and order.kind in COLLECTING and not order.payer_token:
            return "payer-token-missing"
        return "limit-per-act" if self.over_act(order.kind, order.amount, order.per_act or 0) else ""

    def over_act(self, kind: OrderKind, amount: int, own: int) -> bool:
        most = least(self.limits.per_act, own)
        return kind in COLLECTING and bool(most) and amount > most

    def for_patient(self, place: str, *, real_name: bool, local: bool) -> str:
        """Why this patient can't pay through it here, as a stable code; empty when they can."""
        if place not in self.places:
            return "channel-place"
        if self.real_name_only and not real_name:
            return "real-name-only"
        return "local-insured-only" if self.local_only and not local else ""


def least(channels: int, own: int) -> int:
    """A channel's limit, or the payer's own where that is lower; a channel without a limit (0) has none of the payer's."""
    return min(channels, own) if own else channels


def load_capabilities(folder: Path) -> Capabilities:
    """Raises ``ConfigRefused`` when the file is missing, wrong, or names another channel than its folder."""
    try:
        # BaseLoader keeps every scalar as text; ``convert`` gives it the type that the field has.
        raw = yaml.load((folder / FILE).read_text("utf-8"), Loader=_Loader)  # noqa: S506
        read = msgspec.convert(raw, Capabilities, strict=False)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as bad:
        raise ConfigRefused(
            f"payment/{folder.name}/{FILE}: {bad}", code="channel-file", hint="See docs/payment.md."
        ) from bad
    if read.channel != folder.name:
        raise ConfigRefused(f"payment/{folder.name}/{FILE}: channel is not the folder's name", code="channel-file")
    return read


def load_all(mappings: Path) -> dict[str, Capabilities]:
    """Every channel under ``mappings/payment``, by code."""
    folders = sorted(path.parent for path in (mappings / "payment").glob(f"*/{FILE}"))
    return {folder.name: load_capabilities(folder) for folder in folders}


_HINTS = {
    "refund-at-window": "Give the money back over the counter.",
    "channel-kind": "Use a channel that takes this kind of order.",
    "channel-timing": "Use a channel that takes this order of settling and paying.",
    "payer-token-missing": "Name the account that the channel debits.",
    "limit-per-act": "Pay at the counter or through another channel.",
}


def require_able(capabilities: Capabilities, order: PaymentOrder) -> None:
    """Raises ``Conflict`` with the rule's code: the room will never send this order through this channel."""
    code = capabilities.for_order(order)
    if code:
        raise Conflict("the channel's rules forbid this order", code=code, hint=_HINTS[code])
