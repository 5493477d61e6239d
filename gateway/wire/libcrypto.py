"""The few libcrypto 3 functions that SM2 needs, with their C signatures.

Every function declares argument and result types, because ctypes would otherwise cut a pointer down to an int.
A call releases the interpreter lock, so SM2 work runs beside the event loop when it is given to a thread.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_long, c_size_t, c_ubyte, c_ulong, c_void_p
from functools import cache
from typing import Any

from gateway.kernel.errors import ConfigRefused

LIBRARY = "libcrypto.so.3"
"""The system's OpenSSL 3: the crypto wheel brings its own library, but that one knows no SM2."""

_BYTES_OUT = POINTER(POINTER(c_ubyte))

_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "OpenSSL_version_num": (c_ulong, ()),
    "ERR_clear_error": (None, ()),
    "CRYPTO_free": (None, (c_void_p, c_char_p, c_int)),
    "EVP_sm3": (c_void_p, ()),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_is_a": (c_int, (c_void_p, c_char_p)),
    "EVP_PKEY_eq": (c_int, (c_void_p, c_void_p)),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, (c_void_p, c_void_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_int)),
    "EVP_PKEY_keygen_init": (c_int, (c_void_p,)),
    "EVP_PKEY_generate": (c_int, (c_void_p, POINTER(c_void_p))),
    "EVP_PKEY_encrypt_init": (c_int, (c_void_p,)),
    "EVP_PKEY_encrypt": (c_int, (c_void_p, c_void_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_PKEY_decrypt_init": (c_int, (c_void_p,)),
    "EVP_PKEY_decrypt": (c_int, (c_void_p, c_void_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_MD_CTX_set_pkey_ctx": (None, (c_void_p, c_void_p)),
    "EVP_DigestSignInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestSign": (c_int, (c_void_p, c_void_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "d2i_AutoPrivateKey": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "d2i_PUBKEY": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "d2i_X509": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "X509_get_pubkey": (c_void_p, (c_void_p,)),
    "X509_free": (None, (c_void_p,)),
    "i2d_PUBKEY": (c_int, (c_void_p, _BYTES_OUT)),
    "EVP_PKEY2PKCS8": (c_void_p, (c_void_p,)),
    "i2d_PKCS8_PRIV_KEY_INFO": (c_int, (c_void_p, _BYTES_OUT)),
    "PKCS8_PRIV_KEY_INFO_free": (None, (c_void_p,)),
}


@cache
def libcrypto() -> Any:
    """The library with typed functions. Raises ``ConfigRefused`` when the system has no OpenSSL 3."""
    try:
        library = ctypes.CDLL(LIBRARY)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        raise ConfigRefused(
            "SM2 needs OpenSSL 3 of the system",
            code="sm2-library",
            hint=f"install the package that brings {LIBRARY} (libssl3 on Debian), then start again",
        ) from None
    return library


def take_der(encode: Any, handle: int) -> bytes:
    """Run an ``i2d_…`` function that allocates its own output, copy the bytes and free them."""
    buffer = POINTER(c_ubyte)()
    length = encode(handle, ctypes.byref(buffer))
    if length <= 0:
        libcrypto().ERR_clear_error()
        raise ConfigRefused("a key can't be written as DER", code="sm2-key")
    try:
        return ctypes.string_at(buffer, length)
    finally:
        libcrypto().CRYPTO_free(buffer, b"", 0)
