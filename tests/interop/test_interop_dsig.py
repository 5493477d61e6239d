"""``xml-dsig`` against xmlsec1 and node's xml-crypto: they believe our signatures, and we believe theirs."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from Crypto.Hash import SHA256, SHA384, SHA512
from Crypto.PublicKey import RSA
from Crypto.Signature import pss
from lxml import etree
from support.verifiers import node, xmlsec1
from support.xml_keys import OURS, OURS_EC, THEIRS, THEIRS_EC, make_ring

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal
from gateway.wire.seals.xml.algorithms import C14n, Digest, Method
from gateway.wire.seals.xml.names import DS, ENVELOPED

DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<document xmlns="urn:d" xmlns:x="urn:x" xml:lang="zh">\n<request id="request">'
    '<name x:a="1" b="&quot;&#10;">测试 &lt;甲&gt;</name><empty/> <x:y xmlns:x="urn:z"/></request>\n</document>'
).encode()
WEAK = {"exception": {"until": "2099-12-31", "reason": "test"}}
INSIDE: dict[str, Any] = {"element": "{urn:d}request", "id_attribute": "id"}
BESIDE: dict[str, Any] = {**INSIDE, "form": "detached"}
FORMS: dict[str, dict[str, Any]] = {
    "whole": {},
    "whole, inclusive": {"c14n": "inclusive"},
    "whole, default namespace": {"prefix": "", "c14n": "inclusive"},
    "inside": INSIDE,
    "inside, inclusive": {**INSIDE, "c14n": "inclusive"},
    "beside": BESIDE,
    "beside, inclusive": {**BESIDE, "c14n": "inclusive"},
    "SHA-384": {"signature": "rsa-sha384", "digest": "sha384"},
    "SHA-512": {"signature": "rsa-sha512", "digest": "sha512"},
    "ECDSA": {"signature": "ecdsa-sha256", "c14n": "inclusive"},
    "certificate": {"key_info": "x509-data"},
    "MYbank": {"c14n": "inclusive", "digest": "sha1", **WEAK},
    "SHA-1": {"signature": "rsa-sha1", "digest": "sha1", **WEAK},
}
NODE_FORMS = {name: form for name, form in FORMS.items() if name not in ("ECDSA", "SHA-384")}
NODE_FORMS["PSS"] = {"signature": "rsa-pss-sha256"}
NODE_DOCUMENT = DOCUMENT.replace(b' xml:lang="zh"', b"")
"""xml-crypto knows neither ECDSA nor SHA-384, and does not inherit ``xml:`` attributes as C14N 1.0 asks (xmlsec1 does); the
xmlsec1 of Debian 12 does not know PSS.
"""
Ends = Callable[[dict[str, Any]], tuple[Seal, Seal]]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("dsig-keys"))


@pytest.fixture
def both(ring: KeyRing) -> Ends:
    def build(settings: dict[str, Any]) -> tuple[Seal, Seal]:
        own, peer = names(settings)
        config = {"profile": "xml-dsig", **settings}
        ours = build_seal({**config, "own_key": own, "peer_key": peer}, ring)
        return ours, build_seal({**config, "own_key": peer, "peer_key": own}, ring)

    return build


def names(settings: dict[str, Any]) -> tuple[str, str]:
    return (OURS_EC, THEIRS_EC) if settings.get("signature") == "ecdsa-sha256" else (OURS, THEIRS)


def algorithms(settings: dict[str, Any]) -> tuple[str, str, str]:
    method = Method(settings.get("signature", "rsa-sha256")).uri
    return method, Digest(settings.get("digest", "sha256")).uri, C14n(settings.get("c14n", "exclusive")).uri


@pytest.mark.parametrize("form", FORMS)
def test_xmlsec1_believes_our_signature(both: Ends, ring: KeyRing, now: datetime, tmp_path: Path, form: str) -> None:
    settings = FORMS[form]
    message = both(settings)[0].seal(Plain(DOCUMENT), Role.REQUEST, now).body
    certificate = str(ring.certificate_file(names(settings)[0]))
    command = ("--verify", "--pubkey-cert-pem", certificate)
    good, _, said = xmlsec1(*command, directory=tmp_path, message=message, ids=["id:urn:d:request"])
    assert good, said
    if form not in ("whole", "beside, inclusive"):
        return
    altered = message.replace("测试".encode(), "假".encode())
    assert not xmlsec1(*command, directory=tmp_path, message=altered, ids=["id:urn:d:request"])[0]


@pytest.mark.parametrize(
    ("form", "spacing"), [*((form, "") for form in FORMS), ("MYbank", "\r\n  "), ("beside", "\r\n  ")]
)
def test_we_believe_xmlsec1s_signature(
    both: Ends, ring: KeyRing, now: datetime, tmp_path: Path, form: str, spacing: str
) -> None:
    """With line ends inside SignedInfo too, as MYbank's answers have them."""
    settings = FORMS[form]
    key = str(ring.directory / f"{names(settings)[0]}.key.pem")
    good, message, said = xmlsec1(
        "--sign",
        "--privkey-pem",
        key,
        directory=tmp_path,
        message=template(settings, spacing),
        ids=["id:urn:d:request"],
    )
    assert good, said
    assert "测试".encode() in both(settings)[1].open(message, Role.REQUEST, now).document


def template(settings: dict[str, Any], spacing: str) -> bytes:
    """Our document with an empty signature, in another layout than ours."""
    method, digest, c14n = algorithms(settings)
    detached, element = settings.get("form") == "detached", "element" in settings
    before = "" if detached else f'<Transform Algorithm="{ENVELOPED}"/>{spacing}'
    signature = spacing.join(
        (
            f'<Signature xmlns="{DS}">',
            "<SignedInfo>",
            f'<CanonicalizationMethod Algorithm="{c14n}"/>',
            f'<SignatureMethod Algorithm="{method}"/>',
            f'<Reference URI="{"#request" if element else ""}">',
            f'<Transforms>{before}<Transform Algorithm="{c14n}"/></Transforms>',
            f'<DigestMethod Algorithm="{digest}"/>',
            "<DigestValue/>",
            "</Reference>",
            "</SignedInfo>",
            "<SignatureValue/></Signature>",
        )
    )
    place = "</request>" if element and not detached else "</document>"
    return DOCUMENT.replace(place.encode(), (signature + place).encode())


def ask_xml_crypto(jobs: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """One process for all jobs."""
    good, results, said = node("dsig.js", message=json.dumps(list(jobs.values())).encode())
    assert good, said
    return dict(zip(jobs, json.loads(results), strict=True))


def test_xml_crypto_believes_our_signatures(both: Ends, ring: KeyRing, now: datetime) -> None:
    jobs = {}
    for form, settings in NODE_FORMS.items():
        message = both(settings)[0].seal(Plain(NODE_DOCUMENT), Role.REQUEST, now).body.decode()
        jobs[form] = {"verify": message, "cert": ring.certificate_file(OURS).read_text()}
        jobs[f"{form}, altered"] = jobs[form] | {"verify": message.replace("测试", "假")}
        jobs[f"{form}, another key"] = jobs[form] | {"cert": ring.certificate_file(THEIRS).read_text()}
    results = ask_xml_crypto(jobs)
    assert [name for name, result in results.items() if "测试" in result.get("text", "")] == list(NODE_FORMS)


def test_we_believe_xml_cryptos_signatures(both: Ends, ring: KeyRing, now: datetime) -> None:
    results = ask_xml_crypto({form: signing_job(settings, ring) for form, settings in NODE_FORMS.items()})
    for form, settings in NODE_FORMS.items():
        message = results[form]["text"].encode()
        assert "测试".encode() in both(settings)[1].open(message, Role.REQUEST, now).document, form


def signing_job(settings: dict[str, Any], ring: KeyRing) -> dict[str, Any]:
    signature, digest, c14n = algorithms(settings)
    detached, element = settings.get("form") == "detached", "element" in settings
    return {
        "sign": NODE_DOCUMENT.decode(),
        "key": (ring.directory / f"{OURS}.key.pem").read_text(),
        "signature": signature,
        "digest": digest,
        "c14n": c14n,
        "target": "/*/*[local-name()='request']" if element else "/*",
        "transforms": [c14n] if detached else [ENVELOPED, c14n],
        "prefix": "" if settings.get("prefix") == "" else "dsig",
        "place": "/*" if detached or not element else "/*/*[local-name()='request']",
        "id": "id",
    }


@pytest.mark.parametrize("hashes", [SHA256, SHA384, SHA512])
def test_pycryptodome_believes_our_pss(both: Ends, ring: KeyRing, now: datetime, hashes: Any) -> None:
    name = hashes.__name__.rpartition(".")[2].lower()
    message = both({"signature": f"rsa-pss-{name}"})[0].seal(Plain(DOCUMENT), Role.REQUEST, now).body
    root = etree.fromstring(message)
    info, value = root.find(f".//{{{DS}}}SignedInfo"), root.findtext(f".//{{{DS}}}SignatureValue")
    assert info is not None
    content = etree.tostring(info, method="c14n", exclusive=True)
    key = RSA.import_key(ring.certificate_file(OURS).read_bytes())
    pss.new(key).verify(hashes.new(content), base64.b64decode(value or ""))
