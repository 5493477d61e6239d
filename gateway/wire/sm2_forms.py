"""The forms in which SM2 signatures and ciphertexts travel, turned into the DER that libcrypto speaks and back.

Signature: ``der`` = SEQUENCE(r, s); ``raw`` = r ‖ s, 64 bytes.
Ciphertext: ``asn1`` = SEQUENCE(x, y, C3, C2) (GM/T 0009); ``c1c3c2`` = 04 ‖ x ‖ y ‖ C3 ‖ C2 (GB/T 32918.4-2016);
``c1c2c3`` = 04 ‖ x ‖ y ‖ C2 ‖ C3 (the draft order that older peers still use). Some peers drop the leading 04.
"""

from enum import StrEnum

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

_COORDINATE = 32
_POINT = 1 + 2 * _COORDINATE
_CHECK = 32


class SignatureForm(StrEnum):
    DER = "der"
    RAW = "raw"


class CipherForm(StrEnum):
    C1C3C2 = "c1c3c2"
    C1C2C3 = "c1c2c3"
    ASN1 = "asn1"


class Leading(StrEnum):
    """Whether the point of a raw ciphertext starts with its 04 on the wire."""

    KEEP = "keep"
    DROP = "drop"


@asn1.sequence
class _Cipher:
    x: int
    y: int
    c3: bytes
    c2: bytes


def signature_to_wire(der: bytes, form: SignatureForm) -> bytes:
    return der if form is SignatureForm.DER else raw_from_der(der)


def signature_from_wire(signature: bytes, form: SignatureForm) -> bytes:
    """DER. Raises ``ValueError`` for bytes that are no signature of that form."""
    return signature if form is SignatureForm.DER else der_from_raw(signature)


def raw_from_der(der: bytes) -> bytes:
    """r ‖ s, each 32 bytes: also the one spelling under which a used signature is remembered."""
    r, s = decode_dss_signature(der)
    if r.bit_length() > 256 or s.bit_length() > 256 or r <= 0 or s <= 0:
        raise ValueError("r and s must be positive and fit 32 bytes")
    return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


def der_from_raw(raw: bytes) -> bytes:
    if len(raw) != 2 * _COORDINATE:
        raise ValueError("a raw signature has 64 bytes")
    return encode_dss_signature(int.from_bytes(raw[:_COORDINATE], "big"), int.from_bytes(raw[_COORDINATE:], "big"))


def cipher_to_wire(der: bytes, form: CipherForm, leading: Leading = Leading.KEEP) -> bytes:
    if form is CipherForm.ASN1:
        return der
    parts = asn1.decode_der(_Cipher, der)
    mark = b"\x04" if leading is Leading.KEEP else b""
    point = mark + parts.x.to_bytes(_COORDINATE, "big") + parts.y.to_bytes(_COORDINATE, "big")
    return point + (parts.c3 + parts.c2 if form is CipherForm.C1C3C2 else parts.c2 + parts.c3)


def cipher_from_wire(data: bytes, form: CipherForm, leading: Leading = Leading.KEEP) -> bytes:
    """DER. Raises ``ValueError`` when the bytes are too short or carry no uncompressed point."""
    if form is CipherForm.ASN1:
        return data
    if leading is Leading.DROP:
        data = b"\x04" + data
    if len(data) <= _POINT + _CHECK or data[0] != 4:
        raise ValueError("a ciphertext starts with 04 and holds a point, a check value and data")
    x, y, rest = data[1 : 1 + _COORDINATE], data[1 + _COORDINATE : _POINT], data[_POINT:]
    c3, c2 = (rest[:_CHECK], rest[_CHECK:]) if form is CipherForm.C1C3C2 else (rest[-_CHECK:], rest[:-_CHECK])
    return asn1.encode_der(_Cipher(x=int.from_bytes(x, "big"), y=int.from_bytes(y, "big"), c3=c3, c2=c2))
