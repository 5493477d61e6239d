"""Body encryption of the 泰康-like dialect: AES-128/ECB/PKCS5 over the whole text, Base64 in one line."""

import base64
import binascii

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad


def decrypt(key: bytes, body: bytes) -> bytes:
    """Raises ``ValueError`` for anything but one line of Base64 that this key opens."""
    try:
        cipher = base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ValueError("the body is not one line of Base64") from error
    plain: bytes = unpad(AES.new(key, AES.MODE_ECB).decrypt(cipher), AES.block_size)
    return plain


def encrypt(key: bytes, plain: bytes) -> bytes:
    return base64.b64encode(AES.new(key, AES.MODE_ECB).encrypt(pad(plain, AES.block_size)))
