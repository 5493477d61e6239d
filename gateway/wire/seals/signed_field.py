"""``signed-field``: one member of a JSON object or a form holds the document as text, another the signature over that text.

Source: domain profiles ``md5-aes`` and ``weibao`` (docs/seals.md, signed-field). Nothing but that member is covered, so nothing
else leaves this module: what stands beside it is neither believed nor shown.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal, signatures
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.canonical import Tail, build_tail
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.field_cipher import Covers, FieldCipher, build_field_cipher
from gateway.wire.seals.members import BodyForm
from gateway.wire.seals.settings import Answers, Settings

SETTINGS = signatures.SETTINGS | {
    "body",
    "field",
    "writes",
    "signature_field",
    "encoding",
    "key_text",
    "constants",
    "encrypt",
    "answers",
}


class Writes(StrEnum):
    """How the document stands in its member: as its own UTF-8 text, or as Base64."""

    TEXT = "text"
    BASE64 = "base64"

    def write(self, document: bytes) -> str:
        """Raises ``SealRefused`` (seal-form) for a text that is not UTF-8."""
        try:
            return Encoding.BASE64.write(document) if self is Writes.BASE64 else document.decode()
        except UnicodeDecodeError:
            raise refusal.form("the document is not UTF-8") from None

    def read(self, text: str) -> bytes:
        """Raises ``SealRefused`` (seal-form) for another spelling than the agreed one."""
        try:
            return Encoding.BASE64.read(text) if self is Writes.BASE64 else text.encode()
        except ValueError:
            raise refusal.form("the document is not written as agreed") from None


@dataclass(frozen=True, slots=True)
class SignedFieldSeal:
    profile: str
    body: BodyForm
    field: str
    writes: Writes
    signature_field: str
    encoding: Encoding
    tail: Tail
    constants: Mapping[str, str]
    signatures: signatures.Signatures
    cipher: FieldCipher | None
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - this profile has no time
        if self.answers.apply_to(role):
            return Sealed(plain.document, self.body.content_type)
        clear = self.writes.write(plain.document)
        member = {self.field: clear}
        travels = member if self.cipher is None else self.cipher.close(member)
        signed = clear if self._clear_is_signed else travels[self._carrier]
        signature = self.encoding.write(self.signatures.sign(self._signed(signed)))
        members = {**plain.protected, **self.constants, **travels, self.signature_field: signature}
        return Sealed(self.body.write(members), self.body.content_type, key_ids=self.key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - this profile has no time
        if self.answers.apply_to(role):
            return Plain(body)
        members = self.body.read(body)
        signature, carried = members.get(self.signature_field), members.get(self._carrier)
        if signature in ("", None):
            raise refusal.unsigned()
        if self.field != self._carrier and self.field in members:
            raise refusal.ambiguous("the message says a member in clear that must travel encrypted")
        if not isinstance(carried, str):
            raise refusal.form("the body lacks the signed member")
        signed = self._opened(carried, unproven=True) if self._clear_is_signed else carried
        text = self._signed(signed)
        if not self.signatures.verify(self._bytes(signature), text):
            raise refusal.signature()
        clear = signed if self.cipher is None or self._clear_is_signed else self._opened(carried, unproven=False)
        return Plain(self.writes.read(clear), once=hashlib.sha256(text).hexdigest())

    @property
    def _carrier(self) -> str:
        return self.field if self.cipher is None else self.cipher.into

    @property
    def _clear_is_signed(self) -> bool:
        return self.cipher is not None and self.cipher.covers is Covers.CLEAR

    def _signed(self, text: str) -> bytes:
        return self.tail.end(text).encode()

    def _opened(self, carried: str, *, unproven: bool) -> str:
        """Decrypted before it is verified, a failure must look like a wrong signature, or it answers guesses."""
        assert self.cipher is not None
        try:
            clear: str = self.cipher.open({self._carrier: carried})[self.field]
        except SealRefused as bad:
            raise refusal.signature() if unproven else bad from None
        return clear

    def _bytes(self, signature: Any) -> bytes:
        try:
            return self.encoding.read(signature) if isinstance(signature, str) else b""
        except ValueError:
            raise refusal.signature("the signature is not written as agreed") from None


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> SignedFieldSeal:  # noqa: ARG001 - builders' shape
    """Settings: those of the signature; ``body`` (json | form), ``field`` (data), ``writes`` (text | base64),
    ``signature_field`` (sign), ``encoding`` (base64), ``key_text`` and ``secret`` (see build_tail), ``constants``,
    ``encrypt`` (its ``field`` is the signed one, and it ``holds`` text), ``answers`` (sealed | plain).
    """
    settings = Settings("signed-field", config, SETTINGS)
    field, sign = settings.text("field", "data"), settings.text("signature_field", "sign")
    encrypt = settings.section("encrypt")
    cipher = None
    if encrypt is not None:
        cipher = build_field_cipher({**encrypt, "field": field, "holds": "text"}, keys, settings.profile)
    constants = {str(name): str(value) for name, value in (settings.section("constants") or {}).items()}
    taken = [field, sign, *constants, *([cipher.into] if cipher is not None and cipher.into != field else [])]
    if len(set(taken)) != len(taken):
        raise settings.refuse("signature_field", "and the other members must have names of their own")
    return SignedFieldSeal(
        settings.profile,
        settings.choice("body", BodyForm, BodyForm.JSON),
        field,
        settings.choice("writes", Writes, Writes.TEXT),
        sign,
        settings.choice("encoding", Encoding, Encoding.BASE64),
        build_tail(settings, keys),
        constants,
        signatures.build_signatures(settings, keys),
        cipher,
        settings.choice("answers", Answers, Answers.SEALED),
        signatures.key_names(settings),
    )
