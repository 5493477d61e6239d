"""How bytes are written as text in a message: hex in one case or Base64 in one form, as agreed."""

from enum import StrEnum

import pybase64


class Encoding(StrEnum):
    HEX = "hex"
    HEX_UPPER = "hex-upper"
    BASE64 = "base64"
    BASE64_LINES = "base64-lines"
    """Broken into lines of 76 characters (MIME), as older Java encoders write it."""
    BASE64URL = "base64url"
    """Without padding (RFC 7515)."""

    def write(self, data: bytes) -> str:
        if self is Encoding.HEX:
            return data.hex()
        if self is Encoding.HEX_UPPER:
            return data.hex().upper()
        if self is Encoding.BASE64_LINES:
            return pybase64.encodebytes(data).decode().rstrip("\n")
        if self is Encoding.BASE64URL:
            return to_base64url(data).decode()
        return pybase64.b64encode(data).decode()

    def read(self, text: str) -> bytes:
        """Raises ``ValueError`` for any spelling but the agreed one, so that one value has one text."""
        if self in (Encoding.HEX, Encoding.HEX_UPPER):
            data = bytes.fromhex(text)
            cased = text.lower() if self is Encoding.HEX else text.upper()
            known = text == cased and len(text) == 2 * len(data)
        elif self is Encoding.BASE64_LINES:
            data = pybase64.b64decode("".join(text.split()), validate=True)
            known = self.write(data) == text.replace("\r\n", "\n")
        else:
            data, known = self._base64(text)
        if not known:
            raise ValueError("the text is another spelling of these bytes than the agreed one")
        return data

    def _base64(self, text: str) -> tuple[bytes, bool]:
        whole = text.encode("ascii")
        return _strict(_padded(whole) if self is Encoding.BASE64URL else whole)


def to_base64url(data: bytes) -> bytes:
    """``Encoding.BASE64URL`` for those who go on with bytes."""
    return pybase64.urlsafe_b64encode(data).rstrip(b"=")


def from_base64url(text: bytes) -> bytes:
    """Raises ``ValueError`` for any spelling but the one without padding."""
    data, known = _strict(_padded(text))
    if not known:
        raise ValueError("the text is another spelling of these bytes than the agreed one")
    return data


def _padded(text: bytes) -> bytes:
    if b"+" in text or b"/" in text or b"=" in text:
        raise ValueError("Base64url knows no +, / or =")
    return text.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(text) % 4)


def _strict(whole: bytes) -> tuple[bytes, bool]:
    """The bytes, and whether the last characters' unread bits are nought, which alone can still differ."""
    data, end = pybase64.b64decode(whole, validate=True), whole[-4:]
    return data, pybase64.b64encode(pybase64.b64decode(end, validate=True)) == end
