"""One member of a message travels encrypted under another name, as ``data`` does in ``encData``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import refusal
from gateway.wire.seals.ciphers import IN_BLOCKS, Content, build_cipher
from gateway.wire.seals.ciphers import SETTINGS as CIPHER_SETTINGS
from gateway.wire.seals.encodings import Encoding
from gateway.wire.seals.members import json_bytes, json_value
from gateway.wire.seals.settings import Settings


class Covers(StrEnum):
    """What the signature stands over: the member in clear, or what travels. ``sealed`` is verified before it is decrypted."""

    SEALED = "sealed"
    CLEAR = "clear"


class ValueForm(StrEnum):
    """What the encrypted member holds: a JSON value, or a text that this seal does not look into."""

    JSON = "json"
    TEXT = "text"

    def write(self, value: Any) -> bytes:
        """A text is written as it stands in both forms but JSON."""
        if self is ValueForm.TEXT and isinstance(value, str):
            return value.encode()
        return json_bytes(value)

    def read(self, data: bytes) -> Any:
        """Raises ``SealRefused`` (seal-form)."""
        if self is ValueForm.JSON:
            return json_value(data)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise refusal.form("a text is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class FieldCipher:
    field: str
    into: str
    content: Content
    encoding: Encoding
    covers: Covers
    form: ValueForm

    def close(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The members as they travel."""
        if self.field not in members:
            return dict(members)
        rest = {name: value for name, value in members.items() if name != self.field}
        return {**rest, self.into: self.encoding.write(self.content.encrypt(self.form.write(members[self.field])))}

    def open(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The members in clear; a message without the encrypted one stays as it is. Raises ``SealRefused``."""
        if self.field in members and self.field != self.into:
            raise refusal.ambiguous("the message says a member in clear that must travel encrypted")
        if self.into not in members:
            return dict(members)
        rest = {name: value for name, value in members.items() if name != self.into}
        return {**rest, self.field: self._clear(members[self.into])}

    def _clear(self, text: Any) -> Any:
        try:
            data = self.encoding.read(text) if isinstance(text, str) else b""
        except ValueError:
            raise refusal.decrypt("the encrypted member is not written as agreed") from None
        try:
            return self.form.read(self.content.decrypt(data))
        except SealRefused:
            raise refusal.decrypt() from None


def build_field_cipher(config: Mapping[str, Any], keys: KeyRing, profile: str) -> FieldCipher:
    """Settings of ``encrypt``: ``field`` (data), ``into`` (the same), ``encoding`` (base64), ``covers`` (sealed | clear),
    ``holds`` (json | text), and those of the cipher.
    """
    known = CIPHER_SETTINGS | {"field", "into", "encoding", "covers", "holds"}
    settings = Settings(f"{profile}, encrypt", config, known)
    field, covers = settings.text("field", "data"), settings.choice("covers", Covers, Covers.SEALED)
    if covers is Covers.CLEAR and settings.text("cipher") in IN_BLOCKS:
        raise _blocks_uncovered(settings)
    return FieldCipher(
        field,
        settings.text("into", field),
        build_cipher(settings, keys),
        settings.choice("encoding", Encoding, Encoding.BASE64),
        covers,
        settings.choice("holds", ValueForm, ValueForm.JSON),
    )


def _blocks_uncovered(settings: Settings) -> ConfigRefused:
    return settings.refuse("covers", "must be sealed for RSA blocks, because they prove no order")
