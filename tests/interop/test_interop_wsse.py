"""Our WS-Security message is believed by xmlsec1 and by zeep; zeep's is believed by us, unless it is weak."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xmlsec
import zeep.exceptions
from lxml import etree
from zeep.wsse import utils as zeep_utils
from zeep.wsse.signature import BinarySignature, verify_envelope

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal
from gateway.wire.seals.xml.names import SOAP11, SOAP12, WSSE, WSU

OURS, THEIRS = "eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa"


def envelope(soap: str = SOAP11, lines: int = 3) -> bytes:
    inner = "".join(f'<t:line n="{number}">测试 &amp; {number}</t:line>' for number in range(lines))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap-env:Envelope xmlns:soap-env="{soap}" xmlns:x="urn:unused" '
        f'xmlns="urn:default"><soap-env:Body><t:Upload xmlns:t="urn:test">{inner}<plain/></t:Upload>'
        "</soap-env:Body></soap-env:Envelope>"
    ).encode()


@pytest.fixture
def seals(keys: KeyRing) -> tuple[Seal, Seal]:
    ours = build_seal({"profile": "wsse-x509", "own_key": OURS, "peer_key": THEIRS}, keys)
    theirs = build_seal({"profile": "wsse-x509", "own_key": THEIRS, "peer_key": OURS}, keys)
    return ours, theirs


def xmlsec1(message: bytes, certificate: Path, directory: Path, soap: str = SOAP11) -> subprocess.CompletedProcess[str]:
    (directory / "message.xml").write_bytes(message)
    identities = [f"{soap}:Body", f"{WSU}:Timestamp", f"{WSSE}:BinarySecurityToken"]
    options = [option for identity in identities for option in ("--id-attr:Id", identity)]
    command = ["xmlsec1", "--verify", "--pubkey-cert-pem", str(certificate), *options, "message.xml"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_xmlsec1_verifies_our_message(
    seals: tuple[Seal, Seal], keys: KeyRing, now: datetime, tmp_path: Path, soap: str
) -> None:
    body = seals[0].seal(Plain(envelope(soap)), Role.REQUEST, now).body
    done = xmlsec1(body, keys.certificate_file(OURS), tmp_path, soap)
    assert done.returncode == 0
    assert "References (ok/all): 3/3" in done.stderr
    altered = xmlsec1(body.replace("测试".encode(), "假".encode(), 1), keys.certificate_file(OURS), tmp_path, soap)
    assert altered.returncode != 0


def test_zeep_verifies_our_message(seals: tuple[Seal, Seal], keys: KeyRing, now: datetime) -> None:
    body = seals[0].seal(Plain(envelope()), Role.REQUEST, now).body
    verify_envelope(etree.fromstring(body), str(keys.certificate_file(OURS)))
    with pytest.raises(zeep.exceptions.SignatureVerificationFailed):
        verify_envelope(etree.fromstring(body), str(keys.certificate_file(THEIRS)))


def zeep_signed(keys: KeyRing, now: datetime, **algorithms: Any) -> bytes:
    """What a zeep client sends: its own ids, prefixes and header order."""
    certificate, key = keys.tls_files(THEIRS)
    root = etree.fromstring(envelope())
    stamp = zeep_utils.WSU.Timestamp()
    lifetime = (now, now + timedelta(seconds=60))
    for name, moment in zip(("Created", "Expires"), lifetime, strict=True):
        child = etree.SubElement(stamp, f"{{{WSU}}}{name}")
        child.text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    zeep_utils.get_security_header(root).append(stamp)
    signed, _ = BinarySignature(str(key), str(certificate), **algorithms).apply(root, {})
    return etree.tostring(signed, encoding="UTF-8")


STRONG = {
    "signature_method": xmlsec.Transform.RSA_SHA256,
    "digest_method": xmlsec.Transform.SHA256,
}


def test_we_verify_zeeps_message(seals: tuple[Seal, Seal], keys: KeyRing, now: datetime) -> None:
    opened = seals[0].open(zeep_signed(keys, now, **STRONG), Role.ANSWER, now)
    assert "测试".encode() in opened.document


def test_zeeps_default_sha1_is_refused(seals: tuple[Seal, Seal], keys: KeyRing, now: datetime) -> None:
    with pytest.raises(SealRefused) as refused:
        seals[0].open(zeep_signed(keys, now), Role.ANSWER, now)
    assert refused.value.error_code == "seal-algorithm"


def test_a_long_message_verifies_too(seals: tuple[Seal, Seal], keys: KeyRing, now: datetime, tmp_path: Path) -> None:
    body = seals[0].seal(Plain(envelope(lines=3000)), Role.REQUEST, now).body
    assert len(body) > 100_000
    assert xmlsec1(body, keys.certificate_file(OURS), tmp_path).returncode == 0
    assert seals[1].open(body, Role.REQUEST, now).document
