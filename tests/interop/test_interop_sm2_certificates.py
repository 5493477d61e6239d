"""SM2 authorities, certificates and revocation lists as the openssl command makes them."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keyfiles import read_certificates
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal
from gateway.wire.trust import Trust

CONFIG = """
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = here
[here]
database = {place}/index.txt
crlnumber = {place}/crlnumber
default_md = sm3
default_crl_days = 7
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[short]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
[odd]
basicConstraints = critical,CA:false
1.2.3.4 = critical,ASN1:NULL
"""
NOW = datetime.now(UTC) + timedelta(hours=2)
"""After every certificate that these tests make, however long others run before."""
USER_ID = ["-sigopt", "distid:1234567812345678"]
"""The id of GM/T 0009, which openssl 3.0 does not take by itself."""


@dataclass(frozen=True)
class Authority:
    """A folder of certificates and keys by name."""

    place: Path

    def run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.place, check=True, capture_output=True, timeout=20)

    def make(self, name: str, issuer: str = "", kind: str = "leaf", days: int = 30) -> None:
        key, digest = f"{name}.key.pem", "-sm3"
        self.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", key)
        self.run("req", "-new", "-key", key, digest, "-subj", f"/CN={name}", "-config", "ca.cnf", "-out", "it.csr")
        by = ["-CA", f"{issuer}.cert.pem", "-CAkey", f"{issuer}.key.pem"] if issuer else ["-signkey", key]
        told = [
            "-days",
            str(days),
            digest,
            "-extfile",
            "ca.cnf",
            "-extensions",
            kind,
            "-out",
            f"{name}.cert.pem",
            *USER_ID,
        ]
        self.run("x509", "-req", "-in", "it.csr", *by, *told)
        (self.place / key).chmod(0o600)

    def revoke(self, *names: str) -> None:
        (self.place / "index.txt").write_text("")
        (self.place / "crlnumber").write_text("01\n")
        signing = ["-config", "ca.cnf", "-keyfile", "root.key.pem", "-cert", "root.cert.pem", *USER_ID]
        for name in names:
            self.run("ca", *signing, "-revoke", f"{name}.cert.pem")
        self.run("ca", *signing, "-gencrl", "-out", "root.crl.pem")

    def code(self, name: str, *between: str, now: datetime = NOW, revocations: bool = False) -> str:
        """Why the certificate does not count; empty when it does."""
        lists = self.place / "root.crl.pem" if revocations else None
        trust = Trust.from_files(self.place / "root.cert.pem", lists)
        certificates = [read_certificates(self.place / f"{one}.cert.pem")[0] for one in (name, *between)]
        try:
            trust.require(name, certificates[0], certificates[1:], now)
        except ConfigRefused as refused:
            return refused.error_code
        return ""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    place = tmp_path_factory.mktemp("sm2-authority")
    (place / "ca.cnf").write_text(CONFIG.format(place=place))
    authority = Authority(place)
    authority.make("root", kind="authority")
    authority.make("middle", "root", "short")
    authority.make("below", "middle", "authority")
    authority.make("partner", "root")
    authority.make("branch", "middle")
    authority.make("too-deep", "below")
    authority.make("by-a-leaf", "partner")
    authority.make("odd", "root", "odd")
    authority.make("stranger", kind="authority")
    authority.make("strangers", "stranger")
    return authority


def test_a_certificate_leads_to_its_authority_directly_or_through_another(made: Authority) -> None:
    assert made.code("partner") == ""
    assert made.code("branch", "middle") == ""


@pytest.mark.parametrize(
    ("name", "between"),
    [
        ("branch", []),
        ("strangers", ["stranger"]),
        ("by-a-leaf", ["partner"]),
        ("too-deep", ["below", "middle"]),
        ("odd", []),
    ],
    ids=["no intermediate", "another authority", "a leaf as issuer", "path too long", "critical extension"],
)
def test_any_other_path_is_refused(made: Authority, name: str, between: list[str]) -> None:
    assert made.code(name, *between) == "certificate-untrusted"


@pytest.mark.parametrize("days", [-1, 31])
def test_before_its_first_and_after_its_last_day_it_does_not_count(made: Authority, days: int) -> None:
    assert made.code("partner", now=NOW + timedelta(days=days)) == "certificate-untrusted"


def test_a_certificate_that_was_changed_is_not_signed(made: Authority) -> None:
    der = bytearray(read_certificates(made.place / "partner.cert.pem")[0].public_bytes(Encoding.DER))
    der[der.index(b"partner")] ^= 1
    changed = x509.load_der_x509_certificate(bytes(der))
    with pytest.raises(ConfigRefused) as refused:
        Trust.from_files(made.place / "root.cert.pem").require("changed", changed, [], NOW)
    assert refused.value.error_code == "certificate-untrusted"


def test_revocation_lists_of_an_sm2_authority_count(made: Authority) -> None:
    made.revoke()
    assert made.code("partner", revocations=True) == ""
    assert made.code("partner", now=NOW + timedelta(days=8), revocations=True) == "crl-stale"
    made.revoke("partner")
    assert made.code("partner", revocations=True) == "certificate-revoked"


def test_the_key_of_a_certificate_opens_what_its_owner_signed(made: Authority, tmp_path: Path) -> None:
    """The partner is known by certificate alone; its certificate with another key is refused at load."""
    for file in ("branch.key.pem", "partner.cert.pem", "partner.key.pem"):
        (tmp_path / file).write_bytes((made.place / file).read_bytes())
        (tmp_path / file).chmod(0o600)
    (tmp_path / "ours.key.pem").write_bytes((tmp_path / "branch.key.pem").read_bytes())
    (tmp_path / "ours.key.pem").chmod(0o600)
    config = {"profile": "exact-bytes", "algorithm": "sm2-sm3", "own_key": "partner", "peer_key": "partner"}
    ring = KeyRing.from_directory(tmp_path)
    sealed = build_seal(config, ring).seal(Plain(b"{}"), Role.REQUEST, NOW)
    (tmp_path / "partner.key.pem").unlink()
    opened = build_seal({**config, "own_key": "ours"}, KeyRing.from_directory(tmp_path))
    headers = {name.lower(): value for name, value in sealed.headers.items()}
    assert opened.open_with(sealed.body, headers, Role.REQUEST, NOW).document == b"{}"  # type: ignore[attr-defined]

    (tmp_path / "partner.key.pem").write_bytes((tmp_path / "ours.key.pem").read_bytes())
    (tmp_path / "partner.key.pem").chmod(0o600)
    with pytest.raises(ConfigRefused) as refused:
        KeyRing.from_directory(tmp_path)
    assert refused.value.error_code == "key-mismatch"
