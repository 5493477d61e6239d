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
        data = self._decode(text)
        if self.write(data) != (text.replace("\r\n", "\n") if self is Encoding.BASE64_LINES else text):
            raise ValueError("the text is another spelling of these bytes than the agreed one")
        return data

    def _decode(self, text: str) -> bytes:
        if self in (Encoding.HEX, Encoding.HEX_UPPER):
            return bytes.fromhex(text)
        try:
            if self is Encoding.BASE64URL:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return base64.b64decode("".join(text.split()) if self is Encoding.BASE64_LINES else text, validate=True)
        except (binascii.Error, ValueError) as bad:
            raise ValueError("the text is no Base64") from bad
