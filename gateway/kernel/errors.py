"""The whole error family, split by what we know and who must act.

LianpeiError
├── InputRefused            the hospital sent something we can't take: nothing was sent on, mend it and send again
│   ├── BadRequest          the request's form (JSON, headers, ids, limits)
│   ├── BadMoney            amounts that do not tie out or are no amounts
│   ├── BadClaim            the canonical form or a rule of the model is broken
│   ├── NotAllowed          who asks is not known, or asks for what is not theirs
│   │   ├── NotTheirs       who asks is known, and asks in another hospital's name
│   │   └── RoleMissing     an operator without the role for it
│   ├── NotFound            no such thing for this caller (the same answer for another hospital's)
│   ├── Conflict            a state that does not allow this
│   │   ├── KeyReused       the same idempotency key with another body
│   │   └── UnderWay        somebody works on it: the same request is good a while later
│   ├── TooMuch             a size or depth limit
│   ├── TooOften            a rate limit: the same request is good a while later
│   └── TooSlow             the request was not whole in time
├── ConfigRefused           a setting, key or partner folder is wrong: that part does not load, the rest serves
│   └── MappingRefused      a mapping file is wrong, at file:line:column
├── MessageRefused          a partner's message can't be trusted or read: nothing of it is used
│   └── SealRefused         signature, encryption, time window or replay
├── NotSent                 no byte reached the peer: safe to send again
│   └── NotNow              the insurer's lane lets nothing in: full, closed, resting; it says when to come again
├── OutcomeUnknown          bytes may have reached the peer: ask, never send again as new
└── Busy                    we shed load: nothing was accepted, try later

Every error has a stable ``code`` (kebab case, explained in errors.tsv beside this) and a ``hint`` that says what to do. Messages name
rules and fields; they never carry values, because an error text ends up in logs and on screens.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class LianpeiError(Exception):
    """Something went wrong in Lianpei."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    retry_after_s: int = 0
    """When the same request may be good, in whole seconds; 0 where repeating it never helps."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str = "",
        fields: tuple[str, ...] = (),
        errors: tuple[Mapping[str, Any], ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.hint = hint
        self.fields = fields
        self.errors = errors
        """Where several rules are broken: each by its name, its fields and what is wrong."""


class InputRefused(LianpeiError):
    code = "input-refused"
    http_status = 422


class BadRequest(InputRefused):
    code = "bad-request"
    http_status = 400


class BadMoney(InputRefused):
    code = "bad-money"


class BadClaim(InputRefused):
    code = "bad-claim"


class NotAllowed(InputRefused):
    code = "not-allowed"
    http_status = 401


class NotTheirs(NotAllowed):
    http_status = 403


class RoleMissing(NotAllowed):
    code = "role-missing"
    http_status = 403


class NotFound(InputRefused):
    code = "not-found"
    http_status = 404


class Conflict(InputRefused):
    code = "conflict"
    http_status = 409


class KeyReused(Conflict):
    code = "idempotency-key-reused"
    http_status = 422


class UnderWay(Conflict):
    code = "order-busy"
    retry_after_s = 1


class TooMuch(InputRefused):
    code = "too-much"
    http_status = 413


class TooOften(InputRefused):
    code = "too-often"
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: int = 1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class TooSlow(InputRefused):
    code = "too-slow"
    http_status = 408


class ConfigRefused(LianpeiError):
    code = "config-refused"


class MappingRefused(ConfigRefused):
    code = "mapping-refused"


class MessageRefused(LianpeiError):
    code = "message-refused"
    http_status = 400


class SealRefused(MessageRefused):
    code = "seal-refused"
    http_status = 401


class NotSent(LianpeiError):
    code = "not-sent"
    http_status = 502


class NotNow(NotSent):
    """``opens_at``: when the insurer may be called again; ``again_at``: when this one is to come, a time of its own. Epoch ms."""

    code = "not-now"
    http_status = 503
    retry_after_s = 1

    def __init__(self, message: str, *, code: str, opens_at: int, again_at: int, hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.opens_at, self.again_at = opens_at, again_at


class OutcomeUnknown(LianpeiError):
    code = "outcome-unknown"
    http_status = 502


class Busy(LianpeiError):
    code = "busy"
    http_status = 503
    retry_after_s = 1
