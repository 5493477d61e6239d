"""A document with an XML-DSig signature, and a forger who can sign it anew with any key of the ring."""

import base64
import copy
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from gateway.wire.keys import KeyRing
from gateway.wire.seals.xml.names import DS
from support.xml_keys import OURS

DOCUMENT = (
    b'<?xml version="1.0" encoding="UTF-8"?><document><request id="request"><head><ReqTime>20250306100000</ReqTime></head>'
    b"<body><payee>hospital</payee><amount>100</amount></body></request></document>"
)
NS = {"ds": DS}


@dataclass
class Forgery:
    root: etree._Element
    ring: KeyRing

    def one(self, path: str) -> etree._Element:
        (found,) = self.root.xpath(path, namespaces=NS)
        return found

    def signature(self) -> etree._Element:
        return self.one("//ds:Signature")

    def sign(self, name: str = OURS) -> None:
        """Make the digest and the value right again, as far as our canonicalisation goes."""
        signature, parent = self.signature(), self.signature().getparent()
        uri = self.one("//ds:Reference").get("URI", "")
        target = (
            self.root if not uri.startswith("#") else next(iter(self.root.xpath(f"//*[@id='{uri[1:]}']")), self.root)
        )
        place = parent.index(signature)
        parent.remove(signature)
        digest = hashlib.sha256(etree.tostring(target, method="c14n", exclusive=True)).digest()
        parent.insert(place, signature)
        self.one("//ds:DigestValue").text = base64.b64encode(digest).decode()
        self.sign_only(name)

    def sign_only(self, name: str = OURS) -> None:
        content = etree.tostring(self.one("//ds:SignedInfo"), method="c14n", exclusive=True)
        value = self.ring.rsa_private(name).sign(content, PKCS1v15(), SHA256())
        self.one("//ds:SignatureValue").text = base64.b64encode(value).decode()

    def evil(self, **attributes: str) -> etree._Element:
        twin = copy.deepcopy(self.one("/document/request"))
        twin.attrib.clear()
        twin.attrib.update(attributes)
        payee = twin.find("body/payee")
        assert payee is not None
        payee.text = "attacker"
        return twin

    def wrap(self, twin: etree._Element) -> None:
        """The signed element moves aside; the attacker's stands where the reader looks."""
        signed = self.one("/document/request")
        etree.SubElement(self.root, "wrapper").append(signed)
        self.root.insert(0, twin)
