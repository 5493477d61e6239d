"""Signed SOAP messages for the tests, and the ways in which an attacker alters them."""

import copy
from collections.abc import Callable
from datetime import datetime

import pytest
from lxml import etree

from gateway.kernel.errors import SealRefused
from gateway.wire.seals import Role, Seal
from gateway.wire.seals.xml.names import DS, SOAP11, WSSE, WSU, WSU_ID

NS = {"s": SOAP11, "wsse": WSSE, "wsu": WSU, "ds": DS}
ENVELOPE = (
    f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP11}" xmlns:t="urn:test" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema"><s:Body><t:Upload '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><t:file xsi:type="xs:base64Binary">AAAA</t:file>'
    '<t:name a="1&#10;2">测试&lt;甲&gt;<![CDATA[<!--x-->]]></t:name><t:empty/></t:Upload></s:Body></s:Envelope>'
).encode()
Change = Callable[[etree._Element], None]


def one(root: etree._Element, path: str) -> etree._Element:
    (found,) = root.xpath(path, namespaces=NS)
    return found


def code_of(seal: Seal, body: bytes, now: datetime) -> str:
    with pytest.raises(SealRefused) as refused:
        seal.open(body, Role.REQUEST, now)
    return refused.value.error_code


def wrap_without_id(root: etree._Element) -> None:
    """The signed Body moves under a header element; the attacker's Body stands in its place."""
    body = one(root, "/s:Envelope/s:Body")
    evil = copy.deepcopy(body)
    del evil.attrib[WSU_ID]
    one(evil, ".//*[local-name()='name']").text = "evil"
    etree.SubElement(one(root, "//s:Header"), "Wrapper").append(body)
    root.append(evil)


def wrap_with_same_id(root: etree._Element) -> None:
    identity = one(root, "/s:Envelope/s:Body").get(WSU_ID, "")
    wrap_without_id(root)
    root[-1].set(WSU_ID, identity)


def wrap_with_plain_id(root: etree._Element) -> None:
    """A second attribute that some readers take for an id."""
    identity = one(root, "/s:Envelope/s:Body").get(WSU_ID, "")
    wrap_without_id(root)
    root[-1].set("Id", identity)


def wrap_with_other_id(root: etree._Element) -> None:
    wrap_without_id(root)
    root[-1].set(WSU_ID, "Body-other")


def two_bodies(root: etree._Element) -> None:
    evil = copy.deepcopy(one(root, "/s:Envelope/s:Body"))
    del evil.attrib[WSU_ID]
    root.insert(0, evil)


def wrap_timestamp(root: etree._Element) -> None:
    stamp = one(root, "//wsu:Timestamp")
    fresh = copy.deepcopy(stamp)
    del fresh.attrib[WSU_ID]
    security = one(root, "//wsse:Security")
    etree.SubElement(one(root, "//s:Header"), "Wrapper").append(stamp)
    security.append(fresh)


def strip_signature(root: etree._Element) -> None:
    signature = one(root, "//ds:Signature")
    signature.getparent().remove(signature)


def strip_header(root: etree._Element) -> None:
    root.remove(one(root, "//s:Header"))


def strip_security(root: etree._Element) -> None:
    one(root, "//s:Header").remove(one(root, "//wsse:Security"))


def second_security(root: etree._Element) -> None:
    header = one(root, "//s:Header")
    etree.SubElement(header, f"{{{WSSE}}}Security")


def second_signature(root: etree._Element) -> None:
    one(root, "//wsse:Security").append(etree.fromstring(f'<ds:Signature xmlns:ds="{DS}"/>'))


def change_body(root: etree._Element) -> None:
    one(root, "//*[local-name()='file']").text = "BBBB"


def change_expiry(root: etree._Element) -> None:
    one(root, "//wsu:Expires").text = "2099-01-01T00:00:00Z"


def drop_body_reference(root: etree._Element) -> None:
    info = one(root, "//ds:SignedInfo")
    info.remove(info[-1])


def sha1_signature(root: etree._Element) -> None:
    one(root, "//ds:SignatureMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")


def hmac_signature(root: etree._Element) -> None:
    one(root, "//ds:SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


def inclusive_c14n(root: etree._Element) -> None:
    one(root, "//ds:CanonicalizationMethod").set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")


def xpath_transform(root: etree._Element) -> None:
    """A transform that would take part of the Body out of the digest."""
    transform = root.xpath("//ds:Reference[last()]//ds:Transform", namespaces=NS)[0]
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")


def empty_reference(root: etree._Element) -> None:
    root.xpath("//ds:Reference[last()]", namespaces=NS)[0].set("URI", "")


def remote_reference(root: etree._Element) -> None:
    root.xpath("//ds:Reference[last()]", namespaces=NS)[0].set("URI", "http://localhost/x")


def token_elsewhere(root: etree._Element) -> None:
    one(root, "//s:Header").append(one(root, "//wsse:BinarySecurityToken"))


def no_key_info(root: etree._Element) -> None:
    signature = one(root, "//ds:Signature")
    signature.remove(one(root, "//ds:KeyInfo"))


def drop_timestamp_reference(root: etree._Element) -> None:
    info = one(root, "//ds:SignedInfo")
    info.remove(info[-2])


def sha1_digest(root: etree._Element) -> None:
    root.xpath("//ds:DigestMethod", namespaces=NS)[-1].set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")


def nine_references(root: etree._Element) -> None:
    info = one(root, "//ds:SignedInfo")
    for _ in range(6):
        info.append(copy.deepcopy(info[-1]))
