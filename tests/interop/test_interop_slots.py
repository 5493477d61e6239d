"""Keys in a PKCS#11 slot (SoftHSM 2): the slot signs and opens for every seal, and others' tools believe it."""

import copy
import os
import pickle
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwe, jws
from joserfc.jwk import ECKey, RSAKey
from support.certificates import Issuer, put_certificate, put_key, put_private, rsa_key

from gateway.kernel.errors import ConfigRefused
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.jwk import ec_jwk, rsa_jwk
from gateway.wire.keymaking import certificate_request, parse_subject, public_half_pem
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal
from gateway.wire.tls import server_context

MODULE, PIN = "/usr/lib/softhsm/libsofthsm2.so", "TEST-pin-0001"
DOCUMENT = b"<document><signature></signature><request>x</request></document>"
SOAP = b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>'


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One token with an RSA and a P-256 pair made inside it, and a label whose two halves are of different pairs."""
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "conf").write_text(
        f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(home / "conf")  # read when the module is loaded, once per process
    words = ["softhsm2-util", "--init-token", "--free", "--label", "test", "--pin", PIN, "--so-pin", PIN]
    subprocess.run(words, check=True, capture_output=True)
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    with pkcs11.lib(MODULE).get_token(token_label="test").open(rw=True, user_pin=PIN) as session:
        session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, label="rsa")
        session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, label="rsa-2")
        curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        parameters.generate_keypair(store=True, label="ec")
        one, _ = session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, label="one")
        _, other = session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, label="other")
        one[pkcs11.Attribute.LABEL] = other[pkcs11.Attribute.LABEL] = "mixed"
    yield "test"
    del os.environ["SOFTHSM2_CONF"]


def address(label: str, token: str = "test", module: str = MODULE) -> bytes:
    return f"pkcs11:token={token};object={label}?module-path={module}&pin-source=pin\n".encode()


@pytest.fixture
def directory(token: str, tmp_path: Path) -> Path:
    put_private(tmp_path / "pin.secret", PIN.encode())
    (tmp_path / "us.pkcs11").write_bytes(address("rsa"))
    (tmp_path / "ec.pkcs11").write_bytes(address("ec"))
    put_key(tmp_path, "them", rsa_key())
    put_certificate(tmp_path, "them", Issuer().issue("them", rsa_key()))
    return tmp_path


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigRefused) as refused:
        call()
    assert PIN not in f"{refused.value} {refused.value.hint}"
    return refused.value.error_code


def test_openssl_verifies_what_the_slot_signed(directory: Path) -> None:
    ring, data = KeyRing.from_directory(directory), b"what is signed"
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    ec_key = ring.private("ec")
    assert isinstance(ec_key, ec.EllipticCurvePrivateKey)
    signatures = {
        "us": (ring.rsa_private("us").sign(data, padding.PKCS1v15(), SHA256()), []),
        "us pss": (
            ring.rsa_private("us").sign(data, pss, SHA256()),
            ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"],
        ),
        "ec": (ec_key.sign(data, ec.ECDSA(SHA256())), []),
    }
    (directory / "data").write_bytes(data)
    for name, (signature, options) in signatures.items():
        (directory / "signature").write_bytes(signature)
        (directory / "public.pem").write_bytes(public_half_pem(ring.public(name.split()[0])))
        words = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", *options, "data"]
        done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
        assert done.stdout == "Verified OK\n", name


def test_a_slot_key_seals_and_the_other_end_opens(directory: Path) -> None:
    ring, now = KeyRing.from_directory(directory), datetime.now(UTC)
    put_certificate(directory, "us", Issuer().issue("us", _Public(ring.rsa_public("us"))))
    ring = KeyRing.from_directory(directory)
    for profile, document in (("detached-text", DOCUMENT), ("wsse-x509", SOAP)):
        ours = build_seal({"profile": profile, "own_key": "us", "peer_key": "them"}, ring)
        theirs = build_seal({"profile": profile, "own_key": "them", "peer_key": "us"}, ring)
        assert theirs.open(ours.seal(Plain(document), Role.REQUEST, now).body, Role.REQUEST, now).document


class _Public:
    """An issuer needs the public half only."""

    def __init__(self, public: rsa.RSAPublicKey) -> None:
        self._public = public

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public


def test_a_slot_key_opens_what_joserfc_encrypted_to_it(directory: Path) -> None:
    ring, now = KeyRing.from_directory(directory), datetime.now(UTC)
    config = {"profile": "jwe-compact", "own_key": "us", "peer_key": "them", "alg": "RSA-OAEP"}
    peer = RSAKey.import_key(ring.rsa_public("us"))
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP", "A256GCM"])
    token = jwe.encrypt_compact({"alg": "RSA-OAEP", "enc": "A256GCM"}, b'{"a":1}', peer, registry=registry)
    body = b'{"payload":"%s"}' % token.encode()
    assert build_seal(config, ring).open(body, Role.REQUEST, now).document == b'{"a":1}'


def test_the_contract_of_the_library_is_kept(directory: Path) -> None:
    """A seal expects ``ValueError`` for a message to another key; a padding that the token lacks is our own mistake."""
    key = KeyRing.from_directory(directory).rsa_private("us")
    oaep = padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)
    assert key.decrypt(key.public_key().encrypt(b"x", oaep), oaep) == b"x"
    with pytest.raises(ValueError, match="Decryption failed"):
        key.decrypt(rsa_key().public_key().encrypt(b"x", oaep), oaep)
    with pytest.raises(ValueError, match="Decryption failed"):
        key.decrypt(b"short", oaep)
    wide = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    assert code_of(lambda: key.decrypt(key.public_key().encrypt(b"x", wide), wide)) == "key-slot"
    assert code_of(lambda: key.decrypt(b"", padding.PKCS1v15())) == "key-slot"
    assert code_of(lambda: key.sign(b"", padding.PKCS1v15(), SHA1())) == "key-slot"


def test_a_slot_key_signs_requests_and_a_certificate_request(directory: Path) -> None:
    ring = KeyRing.from_directory(directory)
    for name in ("us", "ec"):
        key = RequestKey(name, ring.private(name))
        assert ring.verification_key(name).verify(key.sign(b"request"), b"request")
        request = certificate_request(ring.private(name), parse_subject("CN=us,C=CN"), [], directory)
        done = subprocess.run(["openssl", "req", "-verify", "-noout"], input=request, capture_output=True, check=False)
        assert b"verify OK" in done.stderr + done.stdout


def test_after_the_module_was_begun_anew_no_key_signs_for_another(directory: Path) -> None:
    """Its handles count from one again, so an old one may be another key's: each signature is held against its public key."""
    import pkcs11

    (directory / "two.pkcs11").write_bytes(address("rsa-2"))
    ring = KeyRing.from_directory(directory)
    for first, second in (("us", "two"), ("two", "us")):
        pkcs11.lib(MODULE).reinitialize()
        for name in (first, second, first):
            with suppress(ConfigRefused):
                signature = ring.rsa_private(name).sign(b"x", padding.PKCS1v15(), SHA256())
                ring.rsa_public(name).verify(signature, b"x", padding.PKCS1v15(), SHA256())
    for name in ("us", "two"):
        assert ring.rsa_private(name).sign(b"x", padding.PKCS1v15(), SHA256())


def test_nothing_private_comes_out(directory: Path) -> None:
    ring = KeyRing.from_directory(directory)
    for name in ("us", "ec"):
        key = ring.private(name)
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        assert code_of(key.private_numbers) == "key-slot"
        assert (
            code_of(lambda key=key: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())) == "key-slot"
        )
        assert copy.deepcopy(key) is key
        assert PIN not in repr(key) + str(vars(key.slot))  # type: ignore[union-attr]
        with pytest.raises(TypeError):
            pickle.dumps(key)
    put_certificate(directory, "us", Issuer().issue("us", _Public(ring.rsa_public("us"))))
    assert code_of(lambda: server_context(KeyRing.from_directory(directory), "us")) == "key-slot"


@pytest.mark.parametrize(
    ("text", "pin", "code"),
    [
        (address("nobody"), PIN, "key-slot"),
        (address("rsa", token="nobody"), PIN, "key-slot"),
        (address("rsa", module="/nowhere/module.so"), PIN, "key-slot"),
        (address("mixed"), PIN, "key-mismatch"),
        (b"pkcs11:token=test", PIN, "key-form"),
        (address("rsa") + b"more", PIN, "key-form"),
        (address("rsa"), None, "key-missing"),
    ],
)
def test_a_slot_that_does_not_serve_is_refused_at_load(
    token: str, tmp_path: Path, text: bytes, pin: str | None, code: str
) -> None:
    (tmp_path / "us.pkcs11").write_bytes(text)
    if pin:
        put_private(tmp_path / "pin.secret", pin.encode())
    assert code_of(lambda: KeyRing.from_directory(tmp_path)) == code


def test_a_certificate_of_another_key_than_the_slots_is_refused(directory: Path) -> None:
    put_certificate(directory, "us", Issuer().issue("us", rsa_key()))
    assert code_of(lambda: KeyRing.from_directory(directory)) == "key-mismatch"


def test_a_wrong_pin_is_refused(token: str, tmp_path: Path) -> None:
    """In a process of its own: a login counts for a whole process, and this one has logged in."""
    (tmp_path / "us.pkcs11").write_bytes(address("rsa"))
    put_private(tmp_path / "pin.secret", b"TEST-pin-9999")
    code = f"from gateway.wire.keys import KeyRing; from pathlib import Path; KeyRing.from_directory(Path({str(tmp_path)!r}))"
    done = subprocess.run([".venv/bin/python", "-c", code], capture_output=True, text=True, check=False)
    assert "the slot can't be opened" in done.stderr
    assert "9999" not in done.stderr


@pytest.mark.parametrize(("name", "algorithm"), [("us", "RS256"), ("us", "PS256"), ("ec", "ES256")])
def test_joserfc_signs_in_the_slot(directory: Path, name: str, algorithm: str) -> None:
    ring = KeyRing.from_directory(directory)
    ours, theirs = jwk_of(ring.private(name)), jwk_of(ring.public(name))
    token = jws.serialize_compact({"alg": algorithm}, b"claim", ours, algorithms=[algorithm])
    assert jws.deserialize_compact(token, theirs, algorithms=[algorithm]).payload == b"claim"
    assert "d" not in ours.dict_value


def jwk_of(key: object) -> RSAKey | ECKey:
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return rsa_jwk(key)
    assert isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey)
    return ec_jwk(key)
