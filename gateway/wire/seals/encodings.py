"""How bytes are written as text in a message: hex in one case or Base64 in one form, as agreed."""

import base64
import binascii
from enum import StrEnum


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
            return base64.encodebytes(data).decode().rstrip("\n")
        if self is Encoding.BASE64URL:
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        return base64.b64encode(data).decode()

    def read(self, text: str) -> bytes:
        """Raises ``ValueError`` for any spelling but the agreed one, so that one value has one text."""
        if self in (Encoding.HEX, Encoding.HEX_UPPER):
            data = bytes.fromhex(text)
            cased = text.lower() if self is Encoding.HEX else text.upper()
            known = text == cased and len(text) == 2 * len(data)
        elif self is Encoding.BASE64_LINES:
            data = base64.b64decode("".join(text.split()), validate=True)
            known = self.write(data) == text.replace("\r\n", "\n")
        else:
            data, known = self._base64(text)
        if not known:
            raise ValueError("the text is another spelling of these bytes than the agreed one")
        return data

    def _base64(self, text: str) -> tuple[bytes, bool]:
        """The bytes, and whether the last characters' unread bits are nought, which alone can still differ."""
        whole = text.encode("ascii")
        if self is Encoding.BASE64URL:
            whole = whole.translate(_FROM_URL) + b"=" * (-len(whole) % 4)
        data = binascii.a2b_base64(whole, strict_mode=True)
        return data, binascii.b2a_base64(binascii.a2b_base64(whole[-4:]), newline=False) == whole[-4:]


_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
