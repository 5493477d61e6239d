"""SM2 (GB/T 32918): signatures with SM3, encryption, keys, over the system's libcrypto.

Signatures and ciphertexts are DER here, as libcrypto speaks them; ``sm2_forms`` turns them into the forms of a wire.
The user id is always given to the library, because its default differs between OpenSSL versions.
"""

import ctypes
from ctypes import c_char_p, c_size_t, c_void_p
from typing import Any, NoReturn

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.libcrypto import libcrypto, take_der
from gateway.wire.pem import pem_from_der

DEFAULT_USER_ID = b"1234567812345678"
"""GM/T 0009: the id that both ends use when they agreed on none."""

SM2_OID_DER = bytes.fromhex("06082a811ccf5501822d")
"""1.2.156.10197.1.301, as it stands in every SM2 key file."""

_MAX_SIGNATURE = 80


def is_sm2(der: bytes) -> bool:
    """Whether a PKCS#8 or SubjectPublicKeyInfo names the SM2 curve."""
    return SM2_OID_DER in der[:64]


class _Handle:
    """An ``EVP_PKEY``: never changed after loading, so threads may share it; each call makes its own context."""

    def __init__(self, pointer: int | None) -> None:
        self._pointer = pointer
        if not pointer or libcrypto().EVP_PKEY_is_a(pointer, b"SM2") != 1:
            libcrypto().ERR_clear_error()
            raise _unusable("the file is no SM2 key")

    def __reduce__(self) -> NoReturn:
        raise TypeError("an SM2 key can't be pickled: it is a place in this process's memory")

    def __del__(self) -> None:
        if getattr(self, "_pointer", None):
            libcrypto().EVP_PKEY_free(self._pointer)
            self._pointer = None

    def _digest_context(self, start: str, user_id: bytes) -> tuple[int, int]:
        lib = libcrypto()
        message, key = lib.EVP_MD_CTX_new(), lib.EVP_PKEY_CTX_new_from_pkey(None, self._pointer, None)
        lib.EVP_MD_CTX_set_pkey_ctx(message, key)
        named = lib.EVP_PKEY_CTX_set1_id(key, user_id, len(user_id)) > 0
        if named and getattr(lib, start)(message, None, lib.EVP_sm3(), None, self._pointer) > 0:
            return message, key
        _free(message, key)
        raise _unusable("an SM2 key can't be used with SM3")

    def _crypt(self, start: Any, run: Any, data: bytes) -> bytes | None:
        lib = libcrypto()
        context = lib.EVP_PKEY_CTX_new_from_pkey(None, self._pointer, None)
        try:
            size = c_size_t(0)
            if start(context) <= 0 or run(context, None, ctypes.byref(size), data, len(data)) <= 0:
                return None
            out = ctypes.create_string_buffer(size.value)
            if run(context, out, ctypes.byref(size), data, len(data)) <= 0:
                return None
            return out.raw[: size.value]
        finally:
            lib.EVP_PKEY_CTX_free(context)
            lib.ERR_clear_error()


def _unusable(message: str) -> ConfigRefused:
    return ConfigRefused(message, code="sm2-key", hint="give an unencrypted PKCS#8 or public key on curve SM2")


def _free(message: int, key: int) -> None:
    libcrypto().EVP_MD_CTX_free(message)
    libcrypto().EVP_PKEY_CTX_free(key)
    libcrypto().ERR_clear_error()


class Sm2PublicKey(_Handle):
    """Verifies signatures and encrypts to the key's owner."""

    @classmethod
    def from_der(cls, der: bytes) -> "Sm2PublicKey":
        """Load a SubjectPublicKeyInfo. Raises ``ConfigRefused``."""
        return cls(libcrypto().d2i_PUBKEY(None, ctypes.byref(c_char_p(der)), len(der)))

    def to_der(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return take_der(libcrypto().i2d_PUBKEY, self._pointer or 0)

    def to_pem(self) -> bytes:
        return pem_from_der(self.to_der(), "PUBLIC KEY")

    def verify(self, signature: bytes, data: bytes, user_id: bytes = DEFAULT_USER_ID) -> bool:
        """True only if the DER ``signature`` was made over ``data`` by this key under this user id."""
        message, key = self._digest_context("EVP_DigestVerifyInit", user_id)
        try:
            return bool(libcrypto().EVP_DigestVerify(message, signature, len(signature), data, len(data)) == 1)
        finally:
            _free(message, key)

    def encrypt(self, data: bytes) -> bytes:
        """DER SEQUENCE(x, y, C3, C2). ``data`` is not empty. Raises ``ConfigRefused``."""
        sealed = self._crypt(libcrypto().EVP_PKEY_encrypt_init, libcrypto().EVP_PKEY_encrypt, data)
        if sealed is None:
            raise _unusable("an SM2 key can't encrypt")
        return sealed

    def same_as(self, other: "Sm2PublicKey") -> bool:
        return bool(libcrypto().EVP_PKEY_eq(self._pointer, other._pointer) == 1)


class Sm2PrivateKey(_Handle):
    """Signs and decrypts. Never prints its value."""

    @classmethod
    def from_der(cls, der: bytes) -> "Sm2PrivateKey":
        """Load an unencrypted PKCS#8 key. Raises ``ConfigRefused``."""
        return cls(libcrypto().d2i_AutoPrivateKey(None, ctypes.byref(c_char_p(der)), len(der)))

    @classmethod
    def generate(cls) -> "Sm2PrivateKey":
        lib = libcrypto()
        context, made = lib.EVP_PKEY_CTX_new_from_name(None, b"SM2", None), c_void_p()
        try:
            if lib.EVP_PKEY_keygen_init(context) <= 0 or lib.EVP_PKEY_generate(context, ctypes.byref(made)) <= 0:
                raise _unusable("an SM2 key can't be generated")
            return cls(made.value)
        finally:
            lib.EVP_PKEY_CTX_free(context)
            lib.ERR_clear_error()

    def public_key(self) -> Sm2PublicKey:
        return Sm2PublicKey.from_der(take_der(libcrypto().i2d_PUBKEY, self._pointer or 0))

    def to_pem(self) -> bytes:
        """PKCS#8 in clear: the caller writes it to a file that only its owner may read."""
        info = libcrypto().EVP_PKEY2PKCS8(self._pointer)
        try:
            return pem_from_der(take_der(libcrypto().i2d_PKCS8_PRIV_KEY_INFO, info), "PRIVATE KEY")
        finally:
            libcrypto().PKCS8_PRIV_KEY_INFO_free(info)

    def sign(self, data: bytes, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """DER SEQUENCE(r, s) over SM3(ZA ‖ data)."""
        message, key = self._digest_context("EVP_DigestSignInit", user_id)
        try:
            out, size = ctypes.create_string_buffer(_MAX_SIGNATURE), c_size_t(_MAX_SIGNATURE)
            if libcrypto().EVP_DigestSign(message, out, ctypes.byref(size), data, len(data)) <= 0:
                raise _unusable("an SM2 key can't sign")
            return out.raw[: size.value]
        finally:
            _free(message, key)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """The plain bytes of a DER ciphertext; the check value C3 is compared.

        Raises ``SealRefused`` (seal-decrypt) for another key's message, damaged bytes or a check value that differs.
        """
        plain = self._crypt(libcrypto().EVP_PKEY_decrypt_init, libcrypto().EVP_PKEY_decrypt, ciphertext)
        if plain is None:
            raise SealRefused(
                "an SM2 ciphertext does not open", code="seal-decrypt", hint="check which key the peer used"
            )
        return plain
