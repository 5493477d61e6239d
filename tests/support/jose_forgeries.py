"""How JOSE tokens are forged: by anyone who knows the public keys, and by an insurer who leaves the agreement."""

import base64
import json
import warnings
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.wire.seals import Plain, Role, Sealed

from .attacks import Scene
from .seal_ends import EC, RSA, both_ends

DOC = b'{"amount":"430.00"}'
JWS = {"profile": "jws", **RSA}
CLAIMED = {**JWS, "time_header": "iat", "once_header": "jti"}
KID = {**JWS, "own_kid": "{own}-1", "peer_kid": "{peer}-1"}
FLAT = {**JWS, "form": "flattened"}
DETACHED = {**JWS, "form": "detached"}
JWE = {"profile": "jwe", **RSA}
ECDH = {"profile": "jwe", **EC, "alg": "ECDH-ES+A256KW"}
DIRECT = {"profile": "jwe", "alg": "dir", "key": "key-32"}
NESTED = {"profile": "jwe", **RSA, "nested": {"alg": "ES256", **EC}}
Header = dict[str, Any]


def b64(data: bytes | Header) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def told(token: str, **headers: str) -> Sealed:
    return Sealed(token.encode(), "", headers)


def signed(header: Header, key: rsa.RSAPrivateKey, payload: bytes = DOC) -> str:
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def by_the_insurer(header: Header | bytes) -> Callable[[Scene], Sealed]:
    """Really signed by the insurer, but under a header that was not agreed."""

    def forge(scene: Scene) -> Sealed:
        text = f"{b64(header)}.{b64(DOC)}"
        made = scene.ring.rsa_private("insurer-rsa").sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return told(f"{text}.{b64(made)}")

    return forge


def by_a_stranger(**header: Any) -> Callable[[Scene], Sealed]:
    def forge(_: Scene) -> Sealed:
        key = rsa.generate_private_key(65537, 2048)
        own = RSAKey.import_key(key).as_dict(private=False)
        return told(signed({"alg": "RS256", **{k: own if v == "own" else v for k, v in header.items()}}, key))

    return forge


def unsigned(alg: str, signature: str = "") -> Callable[[Scene], Sealed]:
    return lambda _: told(f"{b64({'alg': alg})}.{b64(DOC)}.{signature}")


def hs256_with_the_public_key(scene: Scene) -> Sealed:
    public = scene.ring.rsa_public("insurer-rsa").public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        key = OctKey.import_key(base64.b64encode(public))
    return told(jws.serialize_compact({"alg": "HS256"}, DOC, key, ["HS256"]))


def parts(change: Callable[[list[str], list[str]], None]) -> Callable[[Scene], Sealed]:
    """The dot-separated parts of an honest token, and of another honest one to take parts from."""

    def forge(scene: Scene) -> Sealed:
        one, other = (scene.honest(doc).body.decode().split(".") for doc in (DOC, b'{"amount":"1.00","payee":"other"}'))
        change(one, other)
        return told(".".join(one))

    return forge


def put(place: int) -> Callable[[list[str], list[str]], None]:
    def change(one: list[str], other: list[str]) -> None:
        one[place] = other[place]

    return change


def shorter(place: int, left: int) -> Callable[[list[str], list[str]], None]:
    def change(one: list[str], _: list[str]) -> None:
        one[place] = b64(unb64(one[place])[:left])

    return change


def spelled_anew(one: list[str], _: list[str]) -> None:
    """The last Base64 character carries bits that nobody reads: another text for the same signature."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    one[2] = one[2][:-1] + alphabet[alphabet.index(one[2][-1]) ^ 1]
    assert len(one[2]) % 4


def flattened(change: Callable[[dict[str, Any]], object]) -> Callable[[Scene], Sealed]:
    def forge(scene: Scene) -> Sealed:
        message = json.loads(scene.honest(DOC).body)
        change(message)
        return Sealed(json.dumps(message).encode(), "")

    return forge


def detached(change: Callable[[str], str], body: bytes = DOC) -> Callable[[Scene], Sealed]:
    def forge(scene: Scene) -> Sealed:
        token = scene.honest(DOC).headers["X-JWS-Signature"]
        return Sealed(body, "", {"X-JWS-Signature": change(token)})

    return forge


def encoded_body(scene: Scene) -> Sealed:
    """Signed over the Base64url text of the body, as plain JWS has it, where the body's own bytes were agreed."""
    key = scene.ring.rsa_private("insurer-rsa")
    head, _, signature = signed({"alg": "RS256"}, key).split(".")
    return Sealed(DOC, "", {"X-JWS-Signature": f"{head}..{signature}"})


def at(seconds: int) -> Callable[[Scene], Sealed]:
    return lambda scene: scene.honest(DOC, scene.now + timedelta(seconds=seconds))


def encrypted(document: bytes = DOC, **header: Any) -> Callable[[Scene], Sealed]:
    """Encrypted to us by anyone, who needs only our public key, under a header that was not agreed."""

    def forge(scene: Scene) -> Sealed:
        whole = {"alg": "RSA-OAEP-256", "enc": "A256GCM", **header}
        names = [whole["alg"], whole["enc"], "DEF"]
        registry = jwe.JWERegistry(algorithms=names, strict_check_header=False)
        key = RSAKey.import_key(scene.ring.rsa_public("gateway-rsa"))
        return told(jwe.encrypt_compact(whole, document, key, registry=registry))

    return forge


def password_of_a_billion_rounds(_: Scene) -> Sealed:
    header = {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 10**9, "p2s": "AAAAAAAAAAA"}
    return told(f"{b64(header)}.{'A' * 54}.{'A' * 16}.AAAA.{'A' * 22}")


def point(x: bytes, y: bytes, curve: str = "P-256") -> Callable[[list[str], list[str]], None]:
    def change(one: list[str], _: list[str]) -> None:
        epk = {"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)}
        one[0] = b64({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": epk})

    return change


def other_curve(one: list[str], other: list[str]) -> None:
    numbers = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    point(numbers.x.to_bytes(48, "big"), numbers.y.to_bytes(48, "big"), "P-384")(one, other)


def inner(make: Callable[[Scene], str], **header: Any) -> Callable[[Scene], Sealed]:
    return lambda scene: encrypted(make(scene).encode(), cty="JWS", **header)(scene)


def ecdsa_by_a_stranger(_: Scene) -> str:
    key = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    return jws.serialize_compact({"alg": "ES256"}, DOC, key, ["ES256"])


def for_somebody_else(scene: Scene) -> Sealed:
    ours, _ = both_ends(scene.ring, JWE)
    return Sealed(ours.seal(Plain(DOC), Role.REQUEST, scene.now).body, "")


def zipped(one: list[str], _: list[str]) -> None:
    one[0] = b64({"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "LZMA"})
    one[3] = b64(zlib.compress(b"0" * 1000))


RS = {"alg": "RS256"}
OFF = (5).to_bytes(32, "big")
