"""Symmetric keys as partners hand them out: the text itself, hex or Base64."""

import binascii
from collections.abc import Collection
from enum import StrEnum

import pybase64

from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.seals.settings import Settings


class KeyForm(StrEnum):
    TEXT = "text"
    """The secret's characters are the key's bytes."""
    HEX = "hex"
    BASE64 = "base64"


def secret_key(settings: Settings, keys: KeyRing, name: str, lengths: Collection[int] = ()) -> Secret[bytes]:
    """The secret that setting ``name`` names, read as ``key_form`` (text).

    Raises ``ConfigRefused`` for another form, for none of ``lengths`` (bytes), or, where any will do, for an empty key.
    """
    text = keys.secret(settings.text(name)).expose()
    form = settings.choice("key_form", KeyForm, KeyForm.TEXT)
    try:
        key = _read(text, form)
    except (ValueError, binascii.Error):
        key = b""
    if not key or (lengths and len(key) not in lengths):
        wanted = f"of {' or '.join(map(str, lengths))} bytes, " if lengths else ""
        raise settings.refuse(name, f"must name a secret {wanted}written as {form}")
    return Secret(key)


def _read(text: str, form: KeyForm) -> bytes:
    if form is KeyForm.HEX:
        return bytes.fromhex(text)
    return pybase64.b64decode(text, validate=True) if form is KeyForm.BASE64 else text.encode()
