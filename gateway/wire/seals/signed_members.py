"""``sorted-pairs`` and ``sorted-json``: a signature over a canonical text of the message's members.

Source: docs/seals.md. Opening returns only what the signed text shows: members that stand outside it (``unsigned``, dropped
empties) never leave this module.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal, signatures
from gateway.wire.seals.base import HeaderSeal, Plain, Role, Sealed
from gateway.wire.seals.canonical import PAIR_SETTINGS, Canonical, Members, Written, build_json, build_pairs, build_tail
from gateway.wire.seals.canonical import SETTINGS as TEXT_SETTINGS
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.field_cipher import Covers, FieldCipher, ValueForm, build_field_cipher
from gateway.wire.seals.freshness import Freshness, build_freshness
from gateway.wire.seals.members import BodyForm, form_text, json_bytes, json_object, json_value
from gateway.wire.seals.settings import Answers, Settings

SETTINGS = signatures.SETTINGS | {
    "body",
    "signature_field",
    "signature_header",
    "encoding",
    "unsigned",
    "time_field",
    "time_form",
    "window_s",
    "nonce_field",
    "document_field",
    "constants",
    "encrypt",
    "answers",
}
_ABSENT: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in the message; an empty name means: not at all."""

    body: BodyForm
    signature_field: str
    signature_header: str
    encoding: Encoding
    unsigned: frozenset[str]
    time_field: str
    nonce_field: str
    document_field: str
    constants: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignedMembersSeal(HeaderSeal):
    profile: str
    layout: Layout
    canonical: Canonical
    signatures: signatures.Signatures
    freshness: Freshness
    cipher: FieldCipher | None
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        """The document's members, or the document as one of them with ``plain.protected`` beside it."""
        layout = self.layout
        if self.answers.apply_to(role):
            return Sealed(plain.document, layout.body.content_type)
        members = self._members(plain, now)
        travels = members if self.cipher is None else self.cipher.close(members)
        clear = self.cipher is not None and self.cipher.covers is Covers.CLEAR
        written = self.canonical.write(self._signed(members if clear else travels))
        signature = layout.encoding.write(self.signatures.sign(written.text))
        headers = {layout.signature_header: signature} if layout.signature_header else {}
        body = self._body(travels, written, signature)
        return Sealed(body, layout.body.content_type, headers, self.key_ids)

    def open_with(self, body: bytes, headers: Mapping[str, str], role: Role, now: datetime) -> Plain:
        if self.answers.apply_to(role):
            return Plain(body)
        members = self.layout.body.read(body)
        signature = self._signature(members, headers)
        clear_is_signed = self.cipher is not None and self.cipher.covers is Covers.CLEAR
        written = self.canonical.write(self._signed(self._opened_unproven(members) if clear_is_signed else members))
        if not self.signatures.verify(signature, written.text):
            raise refusal.signature()
        self._require_fresh(written.covered, now)
        if self.cipher is not None and not clear_is_signed:
            opened = self.cipher.open(written.covered)
            written = Written(opened, json_bytes(opened), written.text)
        return self._plain(written)

    def _members(self, plain: Plain, now: datetime) -> dict[str, Any]:
        layout = self.layout
        if layout.document_field:
            value = self._text(plain.document) if self._is_text else json_value(plain.document)
            members = {**plain.protected, layout.document_field: value}
        else:
            members = json_object(plain.document)
        members |= layout.constants
        members.pop(layout.signature_field, None)
        if layout.time_field:
            members[layout.time_field] = self.freshness.write(now)
        if layout.nonce_field:
            members[layout.nonce_field] = secrets.token_hex(16)
        if layout.body is BodyForm.FORM:
            return {
                name: value if isinstance(value, dict | list) else form_text(value) for name, value in members.items()
            }
        return members

    @property
    def _is_text(self) -> bool:
        """Whether the document travels as a text inside its member."""
        if self.cipher is not None and self.cipher.field == self.layout.document_field:
            return self.cipher.form is ValueForm.TEXT
        return self.layout.body is BodyForm.FORM

    def _text(self, document: bytes) -> str:
        try:
            return document.decode()
        except UnicodeDecodeError:
            raise refusal.form("the document is not UTF-8") from None

    def _signed(self, members: Members) -> Members:
        """Without what is agreed to stand outside the signature."""
        apart = self.layout.unsigned | {self.layout.signature_field}
        if apart.isdisjoint(members):
            return members
        return {name: value for name, value in members.items() if name not in apart}

    def _body(self, travels: Members, written: Written, signature: str) -> bytes:
        layout = self.layout
        own = {layout.signature_field: signature} if layout.signature_field else {}
        if layout.body is BodyForm.JSON and written.covered is travels and own and travels:
            # The sorted text is the message already, so that only the signature is to be added.
            return written.document[:-1] + b"," + json_bytes(own)[1:]
        return layout.body.write({**travels, **own})

    def _signature(self, members: Members, headers: Mapping[str, str]) -> bytes:
        layout = self.layout
        if layout.signature_header:
            text: Any = headers.get(layout.signature_header.lower(), "")
        else:
            text = members.get(layout.signature_field, "")
        if text in ("", None):
            raise refusal.unsigned()
        try:
            return layout.encoding.read(text) if isinstance(text, str) else b""
        except ValueError:
            raise refusal.signature("the signature is not written as agreed") from None

    def _opened_unproven(self, members: Members) -> dict[str, Any]:
        """Decrypted before it is verified: a failure here must look like a wrong signature, or it answers guesses."""
        assert self.cipher is not None
        try:
            return self.cipher.open(members)
        except SealRefused as bad:
            raise refusal.signature() if bad.error_code == "seal-decrypt" else bad from None

    def _require_fresh(self, covered: Members, now: datetime) -> None:
        layout = self.layout
        if layout.time_field:
            stamp = covered.get(layout.time_field, "")
            self.freshness.require(stamp if isinstance(stamp, str) else form_text(stamp), now)
        if layout.nonce_field and not covered.get(layout.nonce_field):
            raise refusal.form("the message carries no nonce")

    def _plain(self, written: Written) -> Plain:
        layout, covered = self.layout, written.covered
        nonce = covered.get(layout.nonce_field) if layout.nonce_field else None
        once = form_text(nonce) if nonce is not None else hashlib.sha256(written.text).hexdigest()
        if not layout.document_field:
            return Plain(written.document, once=once)
        document = covered.get(layout.document_field, _ABSENT)
        beside = {name: value for name, value in covered.items() if name != layout.document_field}
        return Plain(document.encode() if isinstance(document, str) else json_bytes(document), beside, once)


def build_pairs_seal(config: Mapping[str, Any], keys: KeyRing, today: date) -> SignedMembersSeal:  # noqa: ARG001
    """Settings: see docs/seals.md, sorted-pairs."""
    settings = Settings("sorted-pairs", config, SETTINGS | PAIR_SETTINGS)
    return build(settings, keys, build_pairs(settings, build_tail(settings, keys)))


def build_json_seal(config: Mapping[str, Any], keys: KeyRing, today: date) -> SignedMembersSeal:  # noqa: ARG001
    """Settings: see docs/seals.md, sorted-json."""
    settings = Settings("sorted-json", config, SETTINGS | TEXT_SETTINGS)
    return build(settings, keys, build_json(settings, build_tail(settings, keys)))


def build(settings: Settings, keys: KeyRing, canonical: Canonical) -> SignedMembersSeal:
    header = settings.optional("signature_header")
    encrypt = settings.section("encrypt")
    layout = Layout(
        body=settings.choice("body", BodyForm, BodyForm.JSON),
        signature_field="" if header else settings.text("signature_field", "sign"),
        signature_header=header,
        encoding=settings.choice("encoding", Encoding, Encoding.BASE64),
        unsigned=frozenset(settings.names("unsigned", ())),
        time_field=settings.optional("time_field"),
        nonce_field=settings.optional("nonce_field"),
        document_field=settings.optional("document_field"),
        constants={str(name): str(value) for name, value in (settings.section("constants") or {}).items()},
    )
    return SignedMembersSeal(
        settings.profile,
        layout,
        canonical,
        signatures.build_signatures(settings, keys),
        build_freshness(settings),
        None if encrypt is None else build_field_cipher(encrypt, keys, settings.profile),
        settings.choice("answers", Answers, Answers.SEALED),
        signatures.key_names(settings),
    )
