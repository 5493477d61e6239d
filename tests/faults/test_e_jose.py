"""Attack documents on JWS and JWE: each is refused, for its own stated reason, before the library may follow it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.attacks import Attack, Scene, carried_out
from support.jose_forgeries import (
    CLAIMED,
    DETACHED,
    DIRECT,
    DOC,
    ECDH,
    FLAT,
    JWE,
    JWS,
    KID,
    NESTED,
    OFF,
    RS,
    at,
    b64,
    by_a_stranger,
    by_the_insurer,
    detached,
    ecdsa_by_a_stranger,
    encoded_body,
    encrypted,
    flattened,
    for_somebody_else,
    hs256_with_the_public_key,
    inner,
    other_curve,
    parts,
    password_of_a_billion_rounds,
    point,
    put,
    shorter,
    spelled_anew,
    told,
    unsigned,
    zipped,
)
from support.seal_ends import EC, HMAC, RSA, both_ends, make_keys

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Role, build_seal, open_message

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")

ATTACKS = [
    # Which algorithm
    Attack("alg none", JWS, unsigned("none"), "seal-unsigned", "says that it is not signed"),
    Attack("alg None", JWS, unsigned("None"), "seal-algorithm", "outside the agreed"),
    Attack("alg as a list", JWS, by_the_insurer({"alg": ["RS256"]}), "seal-algorithm", "outside the agreed"),
    Attack("no alg", JWS, by_the_insurer({"typ": "JOSE"}), "seal-algorithm", "outside the agreed"),
    Attack("HS256 with the public key", JWS, hs256_with_the_public_key, "seal-algorithm", "outside the agreed"),
    Attack("RS256 called PS256", JWS, by_the_insurer({"alg": "PS256"}), "seal-algorithm", "outside the agreed"),
    Attack(
        "an agreed secret, HS512", {"profile": "jws", "alg": "HS256", **HMAC}, unsigned("HS512"), "seal-algorithm", ""
    ),
    # Whose key
    Attack("its own key (jwk)", JWS, by_a_stranger(jwk="own"), "seal-untrusted-key", "brings its own key"),
    Attack("its own certificate (x5c)", JWS, by_a_stranger(x5c=["MIIB"]), "seal-untrusted-key", "brings its own key"),
    Attack("a key to fetch (jku)", JWS, by_a_stranger(jku="https://a.example/"), "seal-untrusted-key", "its own key"),
    Attack("a chain to fetch (x5u)", JWS, by_a_stranger(x5u="https://a.example/"), "seal-untrusted-key", "own key"),
    Attack("a path as key id", KID, by_a_stranger(kid="../../dev/null"), "seal-untrusted-key", "another key"),
    Attack("SQL as key id", KID, by_a_stranger(kid="x' UNION SELECT 'k"), "seal-untrusted-key", "another key"),
    Attack("no key id", KID, by_the_insurer(RS), "seal-untrusted-key", "another key"),
    Attack("our own key id", KID, by_a_stranger(kid="gateway-1"), "seal-untrusted-key", "another key"),
    Attack("signed by a stranger", JWS, by_a_stranger(), "seal-bad-signature", "does not belong"),
    # How to read it
    Attack("an unknown crit", JWS, by_the_insurer({**RS, "crit": ["exp"], "exp": 1}), "seal-header", "crit"),
    Attack("an empty crit", JWS, by_the_insurer({**RS, "crit": []}), "seal-header", "crit"),
    Attack("b64 false, not critical", JWS, by_the_insurer({**RS, "b64": False}), "seal-header", "b64"),
    Attack(
        "b64 false where not agreed", JWS, by_the_insurer({**RS, "b64": False, "crit": ["b64"]}), "seal-header", "b64"
    ),
    Attack("plain JWS where b64 false was agreed", DETACHED, encoded_body, "seal-header", "b64"),
    Attack("a nested type where none was agreed", JWS, by_the_insurer({**RS, "cty": "JWT"}), "seal-header", "cty"),
    Attack("a header member said twice", JWS, by_the_insurer(b'{"alg":"RS256","alg":"none"}'), "seal-form", "twice"),
    Attack("a header that is a list", JWS, by_the_insurer(b"[]"), "seal-form", "no JSON object"),
    Attack("a header of a megabyte", JWS, by_the_insurer({**RS, "x": "y" * 10**6}), "seal-form", "three parts"),
    # Its parts
    Attack(
        "the signature taken out", JWS, parts(lambda one, _: one.__setitem__(2, "")), "seal-unsigned", "no signature"
    ),
    Attack("the payload of another token", JWS, parts(put(1)), "seal-bad-signature", "does not belong"),
    Attack("the signature of another token", JWS, parts(put(2)), "seal-bad-signature", "does not belong"),
    Attack("a signature spelled anew", JWS, parts(spelled_anew), "seal-form", "no Base64url"),
    Attack("a part too many", JWS, parts(lambda one, _: one.append("AA")), "seal-form", "three parts"),
    Attack("an empty body", JWS, lambda _: told(""), "seal-unsigned", "no signature"),
    Attack(
        "an unprotected header",
        FLAT,
        flattened(lambda m: m.update(header={"alg": "none"})),
        "seal-header",
        "no unprotected header",
    ),
    Attack(
        "a second signature beside the first",
        FLAT,
        flattened(lambda m: m.update(signatures=[{"signature": m["signature"]}])),
        "seal-header",
        "holds protected, payload and signature",
    ),
    Attack(
        "the signature member taken out", FLAT, flattened(lambda m: m.pop("signature")), "seal-unsigned", "no signature"
    ),
    Attack("a dot inside a part", FLAT, flattened(lambda m: m.update(payload="a.b")), "seal-form", "must be texts"),
    Attack(
        "a payload beside the body",
        DETACHED,
        detached(lambda t: t.replace("..", ".e30.")),
        "seal-ambiguous",
        "own payload",
    ),
    Attack("another body", DETACHED, detached(lambda t: t, b"{}"), "seal-bad-signature", "does not belong"),
    Attack("no signature header", DETACHED, detached(lambda _: ""), "seal-unsigned", "no signature"),
    # Time and single use
    Attack("an old token", CLAIMED, at(-301), "seal-stale", "outside the agreed window"),
    Attack("a token from the future", CLAIMED, at(60), "seal-stale", "outside the agreed window"),
    Attack("no time", CLAIMED, by_the_insurer({**RS, "jti": "1"}), "seal-form", "time is not written"),
    Attack(
        "no single-use id",
        CLAIMED,
        lambda scene: by_the_insurer({**RS, "iat": int(scene.now.timestamp())})(scene),
        "seal-form",
        "no single-use id",
    ),
    # JWE
    Attack("RSA1_5 chosen by the message", JWE, encrypted(alg="RSA1_5"), "seal-algorithm", "outside the agreed"),
    Attack("CBC chosen by the message", JWE, encrypted(enc="A128CBC-HS256"), "seal-algorithm", "outside the agreed"),
    Attack("compressed", JWE, encrypted(b"0" * 10**6, zip="DEF"), "seal-algorithm", "compressed"),
    Attack("an unknown compression", JWE, parts(zipped), "seal-algorithm", "compressed"),
    Attack("a password of a billion rounds", JWE, password_of_a_billion_rounds, "seal-algorithm", "outside the agreed"),
    Attack(
        "direct with our public key",
        JWE,
        lambda _: told(f"{b64({'alg': 'dir', 'enc': 'A256GCM'})}..A.A.A"),
        "seal-algorithm",
        "",
    ),
    Attack("a key of its own", JWE, encrypted(jwk={"kty": "oct", "k": "AA"}), "seal-untrusted-key", "its own key"),
    Attack("for somebody else", JWE, for_somebody_else, "seal-decrypt", "does not decrypt"),
    Attack("a tag of four bytes", JWE, parts(shorter(4, 4)), "seal-decrypt", "does not decrypt"),
    Attack("no tag", DIRECT, parts(shorter(4, 0)), "seal-decrypt", "does not decrypt"),
    Attack("the text of another token", JWE, parts(put(3)), "seal-decrypt", "does not decrypt"),
    Attack("the key of another token", JWE, parts(put(1)), "seal-decrypt", "does not decrypt"),
    Attack("a point that is not on the curve", ECDH, parts(point(OFF, OFF)), "seal-decrypt", "does not decrypt"),
    Attack("a point on another curve", ECDH, parts(other_curve), "seal-decrypt", "does not decrypt"),
    Attack("four parts", JWE, parts(lambda one, _: one.pop()), "seal-form", "five parts"),
    Attack("a JWS where a JWE was agreed", JWE, by_a_stranger(), "seal-form", "five parts"),
    Attack(
        "nothing signed inside", NESTED, inner(lambda _: f"{b64({'alg': 'none'})}.{b64(DOC)}."), "seal-unsigned", ""
    ),
    Attack("a stranger's signature inside", NESTED, inner(ecdsa_by_a_stranger), "seal-bad-signature", "not belong"),
    Attack("the document bare inside", NESTED, encrypted(), "seal-header", "cty"),
]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("jose-attack-keys"))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def _is_jwe(attack: Attack) -> bool:
    assert isinstance(attack.agreement, Mapping)
    return attack.agreement["profile"] == "jwe"


@pytest.mark.parametrize("attack", [one for one in ATTACKS if not _is_jwe(one)], ids=lambda attack: attack.what)
def test_e2_a_signed_token_is_refused_for_its_own_reason(ring: KeyRing, now: datetime, attack: Attack) -> None:
    refused = carried_out(attack, ring, now)
    assert (refused.error_code, attack.says in refused.message) == (attack.code, True), refused.message


@pytest.mark.parametrize("attack", [one for one in ATTACKS if _is_jwe(one)], ids=lambda attack: attack.what)
def test_e3_an_encrypted_token_is_refused_for_its_own_reason(ring: KeyRing, now: datetime, attack: Attack) -> None:
    started = time.thread_time()
    refused = carried_out(attack, ring, now)
    assert (refused.error_code, attack.says in refused.message) == (attack.code, True), refused.message
    assert time.thread_time() - started < 1.0


def _no_padding(one: list[str], _: list[str]) -> None:
    one[1] = b64(b"\x01" * 256)


def test_e3_who_decrypts_in_vain_learns_nothing_of_why(ring: KeyRing, now: datetime) -> None:
    """A wrong key wrap (padding) and a wrong tag (MAC) have one text, and cost alike."""
    told, seconds = [], []
    for forge in (parts(_no_padding), parts(put(4))):
        spent = []
        for _ in range(15):
            ours, insurer = both_ends(ring, JWE)
            forged = forge(Scene(ring, ours, insurer, now))
            started = time.thread_time()
            with pytest.raises(SealRefused) as refused:
                open_message(ours, forged.body, {}, Role.REQUEST, now)
            spent.append(time.thread_time() - started)
        told.append((refused.value.error_code, refused.value.message, refused.value.hint))
        seconds.append(median(spent))

    assert told[0] == told[1]
    assert max(seconds) < 2 * min(seconds), seconds


def test_e3_a_bomb_costs_nothing(ring: KeyRing, now: datetime) -> None:
    """A billion rounds take minutes; the header is refused before a single one."""
    started = time.process_time()
    carried_out(Attack("", JWE, password_of_a_billion_rounds, "", ""), ring, now)
    assert time.process_time() - started < 1.0


def test_e2_a_tiny_key_does_not_load(tmp_path: Any) -> None:
    pem = rsa.generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tiny.key.pem").write_bytes(pem)
    (tmp_path / "tiny.key.pem").chmod(0o600)
    with pytest.raises(ConfigRefused) as refused:
        KeyRing.from_directory(tmp_path)
    assert refused.value.error_code == "key-weak"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({**JWS, "alg": "none"}, "seal-setting"),
        ({**JWS, "alg": "HS256"}, "seal-setting"),
        ({"profile": "jws", "alg": "HS256", "secret": "key-16"}, "seal-setting"),
        ({**JWS, **EC}, "key-kind"),
        ({**JWS, "alg": "ES256"}, "key-kind"),
        ({**JWE, "alg": "ECDH-ES+A256KW"}, "key-kind"),
        ({**JWE, "alg": "PBES2-HS256+A128KW"}, "seal-setting"),
        ({**DIRECT, "key": "key-16"}, "seal-setting"),
        ({**NESTED, "nested": {**RSA, "form": "detached"}}, "seal-setting"),
    ],
)
def test_e2_a_dangerous_agreement_does_not_load(ring: KeyRing, config: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        build_seal(config, ring)
    assert refused.value.error_code == code
