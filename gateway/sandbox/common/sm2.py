"""SM2 written out from GM/T 0003: signature (part 2), encryption (part 4), curve (part 5), with Jacobian arithmetic.

A reference to judge by, not for production: its running time depends on the secrets.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from Crypto.IO import PEM
from Crypto.Util.asn1 import DerBitString, DerOctetString, DerSequence
from cryptography.hazmat.primitives.hashes import SM3, Hash

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
DEFAULT_ID = b"1234567812345678"
_HALF = 32

Point: TypeAlias = tuple[int, int]
"""An affine point of the curve; the point at infinity has no such form and is refused everywhere."""
_Jacobian: TypeAlias = tuple[int, int, int]
_INFINITY: _Jacobian = (1, 1, 0)


class Sm2Error(ValueError):
    """A key, a cipher text or a signature that cannot be right."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    d: int = field(repr=False)
    public: Point


def sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def private_key(d: int) -> PrivateKey:
    if not 1 <= d <= N - 2:
        raise Sm2Error("a private key lies between 1 and n - 2")
    return PrivateKey(d, multiply(d, G))


def load_private(path: Path) -> PrivateKey:
    """A PKCS#8 PEM without pass phrase."""
    info = DerSequence().decode(_pem(path))
    inner = DerSequence().decode(DerOctetString().decode(info[2]).payload)
    return private_key(int.from_bytes(DerOctetString().decode(inner[1]).payload, "big"))


def load_public(path: Path) -> Point:
    """A SubjectPublicKeyInfo PEM with an uncompressed point."""
    info = DerSequence().decode(_pem(path))
    return point_from_bytes(DerBitString().decode(info[1]).value)


def _pem(path: Path) -> bytes:
    der, _, _ = PEM.decode(path.read_text("ascii"))
    return bytes(der)


def point_from_bytes(raw: bytes) -> Point:
    """``04 ‖ x ‖ y``. Raises ``Sm2Error`` for a point off the curve: using one would leak the private key."""
    if len(raw) != 1 + 2 * _HALF or raw[0] != 4:
        raise Sm2Error("a point is 04 followed by two coordinates")
    x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
    if x >= P or y >= P or (y * y - (x * x * x + A * x + B)) % P:
        raise Sm2Error("the point is not on the curve")
    return x, y


def point_to_bytes(point: Point) -> bytes:
    return b"\x04" + _wide(point[0]) + _wide(point[1])


def sign(key: PrivateKey, message: bytes, user_id: bytes = DEFAULT_ID) -> bytes:
    """DER SEQUENCE(r, s) over SM3(Z ‖ message)."""
    e = _digest(key.public, message, user_id)
    while True:
        k = 1 + secrets.randbelow(N - 1)
        r = (e + multiply(k, G)[0]) % N
        s = pow(1 + key.d, -1, N) * (k - r * key.d) % N
        if r and s and r + k != N:
            return bytes(DerSequence([r, s]).encode())


def verify(public: Point, message: bytes, signature: bytes, user_id: bytes = DEFAULT_ID) -> bool:
    try:
        r, s = _signature_pair(signature)
    except (ValueError, TypeError, IndexError):
        return False
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N) or t == 0:
        return False
    sum_ = _add(_scale(s, (*G, 1)), _scale(t, (*public, 1)))
    return sum_[2] != 0 and (_digest(public, message, user_id) + _affine(sum_)[0]) % N == r


def _signature_pair(signature: bytes) -> tuple[int, int]:
    pair = DerSequence().decode(signature, strict=True, nr_elements=2, only_ints_expected=True)
    if bytes(DerSequence([pair[0], pair[1]]).encode()) != signature:
        raise Sm2Error("the signature is not in its one DER form")
    return int(pair[0]), int(pair[1])


def encrypt(public: Point, plain: bytes) -> bytes:
    """``04 ‖ C1 ‖ C3 ‖ C2``."""
    while True:
        k = 1 + secrets.randbelow(N - 1)
        x, y = (_wide(half) for half in multiply(k, public))
        stream = _kdf(x + y, len(plain))
        if any(stream):
            return point_to_bytes(multiply(k, G)) + sm3(x + plain + y) + _xor(plain, stream)


def decrypt(key: PrivateKey, cipher: bytes) -> bytes:
    """The plain text of ``04 ‖ C1 ‖ C3 ‖ C2``. Raises ``Sm2Error`` when it is cut short, off the curve or changed."""
    if len(cipher) <= 97:
        raise Sm2Error("the cipher text is too short")
    shared = multiply(key.d, point_from_bytes(cipher[:65]))
    x, y = (_wide(half) for half in shared)
    plain = _xor(cipher[97:], _kdf(x + y, len(cipher) - 97))
    if not hmac.compare_digest(sm3(x + plain + y), cipher[65:97]):
        raise Sm2Error("the check value C3 does not fit")
    return plain


def multiply(scalar: int, point: Point) -> Point:
    return _affine(_scale(scalar, (*point, 1)))


def _digest(public: Point, message: bytes, user_id: bytes) -> int:
    curve = b"".join(map(_wide, (A, B, *G, *public)))
    z = sm3((len(user_id) * 8).to_bytes(2, "big") + user_id + curve)
    return int.from_bytes(sm3(z + message), "big")


def _kdf(seed: bytes, length: int) -> bytes:
    blocks = (length + 31) // 32
    return b"".join(sm3(seed + count.to_bytes(4, "big")) for count in range(1, blocks + 1))[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _wide(number: int) -> bytes:
    return number.to_bytes(_HALF, "big")


def _scale(scalar: int, point: _Jacobian) -> _Jacobian:
    """Four bits at a time: 64 additions instead of about 128."""
    table = [_INFINITY, point]
    for _ in range(14):
        table.append(_add(table[-1], point))
    total = _INFINITY
    for shift in range(252, -1, -4):
        for _ in range(4):
            total = _double(total)
        total = _add(total, table[scalar >> shift & 15])
    return total


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if not z:
        return point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    z3 = ((y + z) * (y + z) - gamma - delta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, z3


def _add(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    if not left[2]:
        return right
    if not right[2]:
        return left
    (x1, y1, z1), (x2, y2, z2) = left, right
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * z2 * zz2 % P, y2 * z1 * zz1 % P
    h, r = (u2 - u1) % P, (s2 - s1) % P
    if not h:
        return _double(left) if not r else _INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _affine(point: _Jacobian) -> Point:
    x, y, z = point
    if not z:
        raise Sm2Error("the result is the point at infinity")
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P
