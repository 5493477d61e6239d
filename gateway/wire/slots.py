"""Keys in a PKCS#11 slot (HSM, smart card, SoftHSM): the slot signs and decrypts, the private half never leaves it.

A slot key is one of the crypto library's own private keys, so a seal or a certificate request uses it like any other; only
its bytes are not to be had. ``<name>.pkcs11`` holds its address as an RFC 7512 URI:
``pkcs11:token=lianpei;object=ant-2027?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=hsm-pin``, where ``pin-source``
names a secret of the key ring.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

if TYPE_CHECKING:
    from gateway.wire.keyfiles import PrivateKey

_URI = re.compile(r"pkcs11:([^?\s]*)\?(\S+)")
_PROBE = b"Lianpei asks whether this slot signs for the public key beside it"


def open_slot_key(path: Path, secret_of: Callable[[str], Secret[str]]) -> "PrivateKey":
    """Log in, find the key and let it prove itself by one signature. Raises ``ConfigRefused``."""
    token, label, module, pin_source = _address(path)
    slot = _Slot.open(path.name, module, token, secret_of(pin_source))
    private, public = slot.pair(label)
    key: SlotRsaKey | SlotEcKey
    if isinstance(public, rsa.RSAPublicKey):
        key = SlotRsaKey(slot, private, public)
    elif isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        key = SlotEcKey(slot, private, public)
    else:
        raise slot.refuse("holds a key of another kind than RSA or P-256")
    _prove(key)
    return key


def _prove(key: "SlotRsaKey | SlotEcKey") -> None:
    try:
        if isinstance(key, SlotRsaKey):
            signature = key.sign(_PROBE, padding.PKCS1v15(), SHA256())
            key.public_key().verify(signature, _PROBE, padding.PKCS1v15(), SHA256())
        else:
            signature = key.sign(_PROBE, ec.ECDSA(SHA256()))
            key.public_key().verify(signature, _PROBE, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise ConfigRefused(
            f"{key.slot.name}: the slot's private and public key differ",
            code="key-mismatch",
            hint="give both halves of one pair the same label",
        ) from None


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


def _log_in(binding: ModuleType, module: str, token: str, pin: Secret[str]) -> Any:
    found = binding.lib(module).get_token(token_label=token)
    try:
        return found.open(user_pin=pin.expose())
    except binding.exceptions.UserAlreadyLoggedIn:
        return found.open()  # a login counts for the whole process: another key of this token was first


class _Slot:
    """One logged-in session. A session does one thing at a time, so calls take turns."""

    def __init__(self, name: str, binding: ModuleType, session: Any) -> None:
        self.name = name
        self.binding = binding
        self._session = session
        self._turn = threading.Lock()

    @classmethod
    def open(cls, name: str, module: str, token: str, pin: Secret[str]) -> "_Slot":
        binding = _pkcs11(name)
        try:
            return cls(name, binding, _log_in(binding, module, token, pin))
        except (binding.PKCS11Error, RuntimeError):
            raise ConfigRefused(
                f"{name}: the slot can't be opened",
                code="key-slot",
                hint="check module-path, the token's label, and the PIN that pin-source names",
            ) from None

    def pair(self, label: str) -> tuple[Any, object]:
        """The private key's handle and the public key."""
        from pkcs11.util.ec import encode_ec_public_key
        from pkcs11.util.rsa import encode_rsa_public_key

        kinds = self.binding.ObjectClass
        with self.turn():
            private = self._session.get_key(object_class=kinds.PRIVATE_KEY, label=label)
            public = self._session.get_key(object_class=kinds.PUBLIC_KEY, label=label)
            is_rsa = public.key_type is self.binding.KeyType.RSA
            der = encode_rsa_public_key(public) if is_rsa else encode_ec_public_key(public)
        return private, load_der_public_key(der)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the session. What the slot says no to becomes ``ConfigRefused``."""
        with self._turn:
            try:
                yield
            except self.binding.NoSuchKey:
                raise self.refuse("holds no such key pair") from None
            except self.binding.PKCS11Error:
                raise self.refuse("can't do this") from None

    def refuse(self, what: str) -> ConfigRefused:
        return ConfigRefused(
            f"{self.name}: the slot {what}",
            code="key-slot",
            hint="see which keys and mechanisms the token has (pkcs11-tool --list-objects --list-mechanisms)",
        )


class _Inside:
    """What both kinds share: the handle, and that nothing private comes out."""

    def __init__(self, slot: _Slot, handle: Any) -> None:
        self.slot = slot
        self._handle = handle

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key in a slot can't be pickled")

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

    def __init__(self, slot: _Slot, handle: Any, public: rsa.RSAPublicKey) -> None:
        super().__init__(slot, handle)
        self._public = public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    def sign(self, data: bytes, padding: padding.AsymmetricPadding, algorithm: Any) -> bytes:
        name = _digest_name(self.slot, algorithm)
        mechanism, parameter = self._signing(padding, name)
        with self.slot.turn():
            return bytes(self._handle.sign(data, mechanism=mechanism, mechanism_param=parameter))

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        """Raises ``ValueError`` for another key's message, as the library does, and ``ConfigRefused`` for another padding."""
        if padding.name != "EME-OAEP":
            raise self.slot.refuse("opens OAEP only")
        # The library keeps the padding's own digest and that of its mask to itself; a label is nobody's practice.
        digest, mask = getattr(padding, "algorithm", None), getattr(padding.mgf, "_algorithm", None)  # type: ignore[attr-defined]
        if not isinstance(digest, HashAlgorithm) or not isinstance(mask, HashAlgorithm):
            raise self.slot.refuse("opens OAEP only")
        parameter = (self._mechanism(_hyphened(digest)), self._mask(mask), None)
        said = self.slot.binding.exceptions
        with self.slot.turn():
            try:
                plain = self._handle.decrypt(
                    ciphertext, mechanism=self._mechanism("RSA_PKCS_OAEP"), mechanism_param=parameter
                )
            except (said.EncryptedDataInvalid, said.EncryptedDataLenRange, said.GeneralError, said.DataLenRange):
                raise ValueError("Decryption failed") from None
        return bytes(plain)

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

    def __init__(self, slot: _Slot, handle: Any, public: ec.EllipticCurvePublicKey) -> None:
        super().__init__(slot, handle)
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
        with self.slot.turn():
            raw = bytes(self._handle.sign(digest.finalize(), mechanism=self.slot.binding.Mechanism.ECDSA))
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


def _digest_name(slot: _Slot, algorithm: object) -> str:
    name = algorithm.name.upper() if isinstance(algorithm, HashAlgorithm) else ""
    if name not in ("SHA256", "SHA384", "SHA512"):
        raise slot.refuse("signs over SHA-256, SHA-384 and SHA-512 only")
    return name


def _hyphened(digest: HashAlgorithm) -> str:
    return {"sha1": "SHA_1"}.get(digest.name, digest.name.upper())
