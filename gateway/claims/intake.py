"""From what a hospital sent to a sound canonical ``Submission``: canonical JSON directly, other formats by their mapping."""

import hashlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from gateway.claims.canonical.claim import Submission
from gateway.claims.explain import LONGEST, explain_invalid, first_mistake
from gateway.claims.rules import Finding, require_sound
from gateway.kernel.errors import BadClaim, BadRequest
from gateway.kernel.strictjson import strict_json
from gateway.mapping.api import Incoming
from gateway.mapping.errors import MappingFailed

_decoder = msgspec.json.Decoder(Submission)


class Reader(Protocol):
    """A hospital mapping, compiled."""

    @property
    def kind(self) -> str: ...

    def read(self, incoming: Incoming) -> dict[str, object]: ...


class Intake:
    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers

    @property
    def formats(self) -> tuple[str, ...]:
        return ("canonical", *sorted(self._readers))

    def kind_of(self, form: str) -> str:
        """What a body of this format is: json, xml, csv or form."""
        reader = self._readers.get(form)
        return "json" if reader is None else reader.kind

    def read(self, form: str, body: bytes) -> tuple[Submission, list[Finding]]:
        """The bill, and what is odd about it and does not refuse it.

        Raises ``BadRequest`` (form), ``BadClaim`` (canonical form, rules) or ``BadMoney`` (identities); naming fields only.
        """
        if form == "canonical":
            try:
                submission = _decoder.decode(body)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as bad:
                raise self._explained(body, bad) from None
        else:
            submission = self._mapped(form, body)
        return submission, require_sound(submission)

    def _explained(self, body: bytes, bad: Exception) -> BadClaim:
        """Raises ``MessageRefused`` where it is no JSON at all. A long body is not read again for that: one mistake is enough."""
        if len(body) <= LONGEST or not isinstance(bad, msgspec.ValidationError):
            strict_json(body)
        return BadClaim(
            "the body is not a canonical submission",
            code="schema-invalid",
            hint="Mend the fields named; the schema is at /schemas/submission.schema.json.",
            fields=explain_invalid(bad, body, Submission),
        )

    def _mapped(self, form: str, body: bytes) -> Submission:
        reader = self._readers.get(form)
        if reader is None:
            offered = ", ".join(self.formats)
            raise BadRequest("this format is not offered", code="format-unknown", hint=f"Formats: {offered}.")
        try:
            return msgspec.convert(reader.read(Incoming(body)), Submission)
        except MappingFailed as failed:
            # Which line of the mapping it was is the operator's matter: `lianpei map explain` tells it.
            reason, fields = failed.reason, failed.fields
        except msgspec.ValidationError as bad:
            reason, fields = "a value is not what the canonical form takes", (first_mistake(bad, Submission),)
        raise BadClaim(
            f"the message can't be read as a bill: {reason}",
            code="format-incomplete",
            hint="Mend the fields named; docs/hospital-formats.md says what the format holds.",
            fields=fields,
        )


def canonical_bytes(submission: Submission) -> tuple[bytes, str]:
    """The submission encoded and its digest. Another spelling of the same JSON (order, blanks) has the same digest."""
    encoded = msgspec.json.encode(submission)
    return encoded, hashlib.sha256(encoded).hexdigest()
