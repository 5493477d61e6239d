"""Keys in a PKCS#11 slot (HSM, smart card, SoftHSM): the slot signs and decrypts, the private half never leaves it.

A slot key is one of the crypto library's own private keys, so a seal or a certificate request uses it like any other; only
its bytes are not to be had. ``<name>.pkcs11`` holds its address as an RFC 7512 URI:
``pkcs11:token=lianpei;object=ant-2027?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=hsm-pin``, where ``pin-source``
names a secret of the key ring.
"""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.wire.slotdevice import LOAD_S, SlotKey, device_of

if TYPE_CHECKING:
    from gateway.wire.keyfiles import PrivateKey

_URI = re.compile(r"pkcs11:([^?\s]*)\?(\S+)")
_PROBE = b"Lianpei asks whether this slot signs for the public key beside it"


def open_slot_key(path: Path, secret_of: Callable[[str], Secret[str]]) -> "PrivateKey":
    """Log in, find the key and let it prove itself by one signature. Raises ``ConfigRefused``."""
    token, label, module, pin_source = _address(path)
    slot = SlotKey(path.name, _pkcs11(path.name), module, token, label, secret_of(pin_source), device_of(module))
    public = _public(slot)
    key: SlotRsaKey | SlotEcKey
    if isinstance(public, rsa.RSAPublicKey):
        key = SlotRsaKey(slot, public)
    elif isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        key = SlotEcKey(slot, public)
    else:
        raise slot.refuse("holds a key of another kind than RSA or P-256")
    _prove(key)
    return key


def _public(slot: SlotKey) -> object:
    """The public key beside the private one; the first login."""
    from pkcs11.util.ec import encode_ec_public_key
    from pkcs11.util.rsa import encode_rsa_public_key

    def read(_: object) -> bytes:
        public = slot.public_half()
        is_rsa = public.key_type is slot.binding.KeyType.RSA
        return bytes(encode_rsa_public_key(public) if is_rsa else encode_ec_public_key(public))

    try:
        return load_der_public_key(slot.use(read, LOAD_S))
    except RuntimeError:  # the module itself can't be loaded
        raise slot.refuse("can't be opened") from None


def _prove(key: "SlotRsaKey | SlotEcKey") -> None:
    if isinstance(key, SlotRsaKey):
        key.sign(_PROBE, padding.PKCS1v15(), SHA256())
    else:
        key.sign(_PROBE, ec.ECDSA(SHA256()))


def _address(path: Path) -> tuple[str, str, str, str]:
    """Token, object label, module and the PIN's name."""
    found = _URI.fullmatch(path.read_text("utf-8", "replace").strip())
    parts = [] if found is None else [*found[1].split(";"), *found[2].split("&")]
    said = {name: unquote(value) for name, _, value in (part.partition("=") for part in parts)}
    if sorted(said) != ["module-path", "object", "pin-source", "token"] or not all(said.values()):
        raise ConfigRefused(
            f"{path.name} is no address of a key in a slot",
            code="key-form",
            hint="write pkcs11:token=…;object=…?module-path=…&pin-source=<name of a secret>",
        )
    return said["token"], said["object"], said["module-path"], said["pin-source"]


def _pkcs11(name: str) -> ModuleType:
    try:
        import pkcs11
    except ImportError:
        raise ConfigRefused(
            f"{name}: the PKCS#11 library is not installed", code="key-slot", hint="pip install 'lianpei[hsm]'"
        ) from None
    return pkcs11


class _Inside:
    """What both kinds share: the handle, and that nothing private comes out."""

    def __init__(self, slot: SlotKey) -> None:
        self.slot = slot

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key in a slot can't be pickled")

    def _another_key(self) -> ConfigRefused:
        """What the token signed is not by the key beside it: a wrong pair, or a token that came back with other handles."""
        self.slot.forget()
        return ConfigRefused(
            f"{self.slot.name}: the slot's private and public key differ",
            code="key-mismatch",
            hint="give both halves of one pair the same label",
        )

    def private_numbers(self) -> NoReturn:
        raise self._stays()

    def private_bytes(self, *_: object) -> NoReturn:
        raise self._stays()

    def exchange(self, *_: object) -> NoReturn:
        raise self._stays()

    def _stays(self) -> ConfigRefused:
        return ConfigRefused(
            f"{self.slot.name}: a key in a slot stays there",
            code="key-slot",
            hint="use a key file where a library needs the key itself (TLS does)",
        )


class SlotRsaKey(_Inside, rsa.RSAPrivateKey):
    """Signs PKCS#1 v1.5 and PSS, opens OAEP, where the token has the mechanism (SoftHSM 2: OAEP with SHA-1 only)."""

    def __init__(self, slot: SlotKey, public: rsa.RSAPublicKey) -> None:
        super().__init__(slot)
        self._public = public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    def sign(self, data: bytes, padding: padding.AsymmetricPadding, algorithm: Any) -> bytes:
        name = _digest_name(self.slot, algorithm)
        mechanism, parameter = self._signing(padding, name)
        signature = self.slot.use(lambda key: bytes(key.sign(data, mechanism=mechanism, mechanism_param=parameter)))
        try:
            self._public.verify(signature, data, padding, algorithm)
        except InvalidSignature:
            raise self._another_key() from None
        return signature

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        """Raises ``ValueError`` for another key's message, as the library does, and ``ConfigRefused`` for another padding."""
        if padding.name != "EME-OAEP":
            raise self.slot.refuse("opens OAEP only")
        # The library keeps the padding's own digest and that of its mask to itself; a label is nobody's practice.
        digest, mask = getattr(padding, "algorithm", None), getattr(padding.mgf, "_algorithm", None)  # type: ignore[attr-defined]
        if not isinstance(digest, HashAlgorithm) or not isinstance(mask, HashAlgorithm):
            raise self.slot.refuse("opens OAEP only")
        parameter = (self._mechanism(_hyphened(digest)), self._mask(mask), None)
        said, mechanism = self.slot.binding.exceptions, self._mechanism("RSA_PKCS_OAEP")

        def open_it(key: Any) -> bytes:
            try:
                return bytes(key.decrypt(ciphertext, mechanism=mechanism, mechanism_param=parameter))
            except (said.EncryptedDataInvalid, said.EncryptedDataLenRange, said.GeneralError, said.DataLenRange):
                raise ValueError("Decryption failed") from None

        return self.slot.use(open_it)

    def _signing(self, wanted: padding.AsymmetricPadding, name: str) -> tuple[Any, Any]:
        if isinstance(wanted, padding.PKCS1v15):
            return self._mechanism(f"{name}_RSA_PKCS"), None
        if not isinstance(wanted, padding.PSS):
            raise self.slot.refuse("signs PKCS#1 v1.5 and PSS only")
        salt, mask = wanted._salt_length, getattr(wanted.mgf, "_algorithm", None)
        size = {"SHA256": 32, "SHA384": 48, "SHA512": 64}[name]
        length = salt if isinstance(salt, int) else size
        if not isinstance(mask, HashAlgorithm):
            raise self.slot.refuse("signs PKCS#1 v1.5 and PSS only")
        return self._mechanism(f"{name}_RSA_PKCS_PSS"), (self._mechanism(name), self._mask(mask), length)

    def _mechanism(self, name: str) -> Any:
        return getattr(self.slot.binding.Mechanism, name)

    def _mask(self, digest: HashAlgorithm) -> Any:
        return getattr(self.slot.binding.MGF, digest.name.upper())


class SlotEcKey(_Inside, ec.EllipticCurvePrivateKey):
    """Signs ECDSA on P-256; signatures are DER, as the crypto library's are."""

    def __init__(self, slot: SlotKey, public: ec.EllipticCurvePublicKey) -> None:
        super().__init__(slot)
        self._public = public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        _digest_name(self.slot, signature_algorithm.algorithm)
        digest = Hash(signature_algorithm.algorithm)  # type: ignore[arg-type]  # the line above refused a prehashed one
        digest.update(data)
        hashed, mechanism = digest.finalize(), self.slot.binding.Mechanism.ECDSA
        raw = self.slot.use(lambda key: bytes(key.sign(hashed, mechanism=mechanism)))
        half = len(raw) // 2
        signature = encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        try:
            self._public.verify(signature, data, signature_algorithm)
        except InvalidSignature:
            raise self._another_key() from None
        return signature


def _digest_name(slot: SlotKey, algorithm: object) -> str:
    name = algorithm.name.upper() if isinstance(algorithm, HashAlgorithm) else ""
    if name not in ("SHA256", "SHA384", "SHA512"):
        raise slot.refuse("signs over SHA-256, SHA-384 and SHA-512 only")
    return name


def _hyphened(digest: HashAlgorithm) -> str:
    return {"sha1": "SHA_1"}.get(digest.name, digest.name.upper())
