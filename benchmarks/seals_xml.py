"""XML seals beside their primitives: at each end the document is read, canonicalised once, digested, and signed or verified
(and, where the Body is encrypted: enciphered, written as Base64, read as XML and deciphered, with the key wrapped by RSA).
"""

import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from benchmarks.seal_case import Case
from gateway.kernel.xml import parse_xml
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal
from gateway.wire.seals.xml.algorithms import Method, signing_key, verifying_key
from gateway.wire.seals.xml.ciphers import KeyTransport
from gateway.wire.seals.xml.names import SOAP11

OURS, THEIRS = "eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa"
_LINE = (
    '<t:line no="%d"><t:code>XJ01AA%04d</t:code><t:name>测试药品 &amp; 规格</t:name><t:quantity>2</t:quantity>'
    "<t:amount>12.30</t:amount><t:date>2025-03-06</t:date></t:line>"
)
_SOAP = f'<s:Envelope xmlns:s="{SOAP11}" xmlns:t="urn:test"><s:Body><t:Claim>%s</t:Claim></s:Body></s:Envelope>'
_BARE_XML = '<t:Claims xmlns:t="urn:test"><t:Claim id="claim">%s</t:Claim></t:Claims>'
PROFILES: dict[str, tuple[str, dict[str, Any]]] = {
    "xml-dsig enveloped": (_BARE_XML, {"profile": "xml-dsig"}),
    "xml-dsig enveloped, inclusive": (_BARE_XML, {"profile": "xml-dsig", "c14n": "inclusive"}),
    "xml-dsig detached": (
        _BARE_XML,
        {"profile": "xml-dsig", "form": "detached", "element": "{urn:test}Claim", "id_attribute": "id"},
    ),
    "wsse-x509": (_SOAP, {"profile": "wsse-x509"}),
    "wsse-x509 by thumbprint": (_SOAP, {"profile": "wsse-x509", "key_reference": "thumbprint"}),
    "wsse-x509 encrypted": (_SOAP, {"profile": "wsse-x509", "encryption": {}}),
}


def xml_cases(keys: KeyRing, sizes: Sequence[int]) -> list[Case]:
    """Every profile at every size. ``keys`` is a development ring."""
    return [
        _case(keys, name, _document(template, size), config)
        for size in sizes
        for name, (template, config) in PROFILES.items()
    ]


def _document(template: str, size: int) -> bytes:
    lines = max(1, (size - len(template)) // len((_LINE % (1, 1)).encode()))
    return (template % "".join(_LINE % (number, number) for number in range(lines))).encode()


def _case(keys: KeyRing, name: str, document: bytes, config: dict[str, Any]) -> Case:
    ours = build_seal({**config, "own_key": OURS, "peer_key": THEIRS}, keys)
    theirs = build_seal({**config, "own_key": THEIRS, "peer_key": OURS}, keys)
    now = datetime.now(UTC)

    def seal_and_open() -> None:
        theirs.open(ours.seal(Plain(document), Role.REQUEST, now).body, Role.REQUEST, now)

    exclusive = config.get("c14n") != "inclusive"
    bare = _bare(keys, document, exclusive=exclusive, encrypted="encryption" in config)
    return Case(name, len(document), seal_and_open, bare)


def _bare(keys: KeyRing, document: bytes, *, exclusive: bool, encrypted: bool) -> Callable[[], None]:
    method, wrapping = Method.RSA_SHA256, KeyTransport.OAEP_SHA256.wrapping.padding
    private, public = signing_key(keys, OURS, method), verifying_key(keys, OURS, method)
    receiver, recipient = keys.rsa_private(THEIRS), keys.rsa_public(THEIRS)

    def digest() -> bytes:
        content = etree.tostring(parse_xml(document), method="c14n", exclusive=exclusive, with_comments=False)
        return hashlib.sha256(content).digest()

    def cipher() -> None:
        key, nonce = os.urandom(32), os.urandom(12)
        wrapped, data = recipient.encrypt(key, wrapping), AESGCM(key).encrypt(nonce, document, None)
        text = parse_xml(b"<a>%s</a>" % base64.b64encode(data)).text or ""
        AESGCM(receiver.decrypt(wrapped, wrapping)).decrypt(nonce, base64.b64decode(text, validate=True), None)

    def bare() -> None:
        value = method.sign(private, digest())
        if encrypted:
            cipher()
        assert method.holds(public, value, digest())

    return bare
