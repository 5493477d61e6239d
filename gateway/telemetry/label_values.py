"""The closed sets of label values: nothing else is ever a label, so that no label can hold personal data."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.kernel.errorwords import error_words

OTHER = "other"
_AT_COUNTER = ("prepare", "quote", "settle")
STAGES = ("door", "normalise", "map", "seal", "send", "open", "commit", "total", *_AT_COUNTER)
SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 60.0)
"""20 s and 60 s are the promised decision times of direct-pay: outpatient and inpatient."""
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.85, 1.0, 2.0)
_KNOWN_STATUSES = (200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504)
STATUSES = tuple(map(str, _KNOWN_STATUSES))
_DECIDED = ("paid", "partial", "zero", "refused", "withdrawn", "granted", "listed")
OUTCOMES = (*_DECIDED, "to_quick_claim", "not_sent", "reversed", "unknown")
ROUTES = (
    "/v1/claims",
    "/v1/claims/{format}",
    "/v1/orders/{order_id}",
    "/v1/events",
    "/v1/events/ack",
    "/v1/events/{event_id}/resend",
    "/v1/statements/{day}/{insurer}",
    "/v1/uploads/csv",
    "/v1/soap",
    "/v1/orders/{order_id}/payments",
    "/v1/orders/{order_id}/pay",
    "/v1/deposits",
    "/v1/deposits/{deposit_id}",
    "/v1/deposits/{deposit_id}/refund",
    "/v1/claims/{order_id}/confirm",
    "/v1/claims/{order_id}/documents",
    "/v1/claims/{order_id}/policy-order",
    "/v1/claims/{order_id}/payout-account",
    "/v1/guarantees",
    "/v1/guarantees/{order_id}",
    "/v1/guarantees/{order_id}/projection",
    "/v1/guarantees/{order_id}/withdrawal",
    "/v1/offers",
    "/v1/orders/{order_id}/undo",
    "/v1/undos/{undo_id}",
    "/v1/undos/{undo_id}/{leg}",
    "/openapi.json",
    "/errors/{code}",
    "/partners/{code}/{path}",
)
WEAK_ALGORITHMS = ("3DES", "CBC", "ECB", "MD5", "RSA1_5", "SHA-1")
CONNECTION_CAUSES = ("address-full", "door-full", "gave-way", "no-handshake")
LABELS = frozenset(
    {
        "cause",
        "insurer",
        "kind",
        "outcome",
        "stage",
        "name",
        "door",
        "route",
        "status",
        "code",
        "algorithm",
        "clock",
        "way",
        "version",
        "python",
    }
    | {"le"}
)
"""Every label name there is: a new one is added here on purpose."""


@dataclass(frozen=True, kw_only=True)
class LabelValues:
    """The closed sets. Partners, routes and certificates come from the configuration, the rest from the code."""

    insurers: Collection[str]
    kinds: Collection[str] = ("direct_pay", "quick_claim", "investigation")
    outcomes: Collection[str] = OUTCOMES
    doors: Collection[str] = ("hospital", "partner", "operator")
    routes: Collection[str] = ROUTES
    codes: Collection[str] = field(default_factory=error_words)
    certificates: Collection[str] = ()
    stages: Collection[str] = STAGES
    statuses: Collection[str] = STATUSES
    algorithms: Collection[str] = WEAK_ALGORITHMS
    clocks: Collection[str] = ("application", "approval")
    causes: Collection[str] = CONNECTION_CAUSES
    by_name: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        sets = {
            "insurer": self.insurers,
            "kind": self.kinds,
            "outcome": self.outcomes,
            "door": self.doors,
            "route": self.routes,
            "code": self.codes,
            "name": self.certificates,
            "stage": self.stages,
            "status": self.statuses,
            "algorithm": self.algorithms,
            "clock": self.clocks,
            "cause": self.causes,
        }
        object.__setattr__(self, "by_name", {name: frozenset(values) for name, values in sets.items()})


def closed(values: Iterable[str], sets: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """The values, ``other`` in place of each that is not in its set."""
    return tuple(value if value in known else OTHER for value, known in zip(values, sets, strict=True))
