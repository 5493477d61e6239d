"""``encrypted-body``: the whole document encrypted with a shared or the receiver's key, as text or as one JSON member.

It proves nothing about the sender: a token or TLS does.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.ciphers import IN_BLOCKS, Content, build_cipher
from gateway.wire.seals.ciphers import SETTINGS as CIPHER_SETTINGS
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.members import json_bytes, json_object
from gateway.wire.seals.settings import Answers, Settings
from gateway.wire.seals.signatures import key_names

JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class EncryptedBodySeal:
    profile: str
    content: Content
    encoding: Encoding
    field: str
    """The JSON member that carries the text; empty: the text is the body."""
    content_type: str
    answers: Answers
    key_ids: tuple[str, ...]

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:  # noqa: ARG002 - this profile has no time
        if self.answers.apply_to(role):
            return Sealed(plain.document, self.content_type)
        text = self.encoding.write(self.content.encrypt(plain.document))
        body = json_bytes({self.field: text}) if self.field else text.encode()
        return Sealed(body, self.content_type, key_ids=self.key_ids)

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:  # noqa: ARG002 - this profile has no time
        if self.answers.apply_to(role):
            return Plain(body)
        try:
            data = self.encoding.read(self._text(body))
        except ValueError:
            raise refusal.form("the encrypted text is not written as agreed") from None
        return Plain(self.content.decrypt(data), once=hashlib.sha256(data).hexdigest())

    def _text(self, body: bytes) -> str:
        if not self.field:
            return body.strip().decode("ascii")
        text = json_object(body).get(self.field)
        if not isinstance(text, str):
            raise refusal.form("the body lacks the encrypted member")
        return text


def build(config: Mapping[str, Any], keys: KeyRing, today: date) -> EncryptedBodySeal:  # noqa: ARG001 - builders' shape
    """Settings: those of the cipher; ``encoding`` (base64), ``field`` (none), ``content_type`` (application/json),
    ``answers`` (sealed | plain).
    """
    known = CIPHER_SETTINGS | {"encoding", "field", "content_type", "answers"}
    settings = Settings("encrypted-body", config, known)
    if settings.text("cipher") in IN_BLOCKS:
        raise settings.refuse("cipher", "must not be RSA in blocks, because they prove no order and nothing signs them")
    key = settings.optional("key")
    return EncryptedBodySeal(
        settings.profile,
        build_cipher(settings, keys),
        settings.choice("encoding", Encoding, Encoding.BASE64),
        settings.optional("field"),
        settings.text("content_type", JSON),
        settings.choice("answers", Answers, Answers.SEALED),
        (key,) if key else key_names(settings),
    )
