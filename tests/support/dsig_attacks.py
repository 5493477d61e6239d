"""Documents with an XML-DSig signature, and the ways in which an attacker parts what was signed from what is used.

Each attack takes the signed document as a tree and a forger who can sign with a key of the ring: the partner's own, where the
attack is a weak message that a careless partner might really send, or a stranger's.
"""

import base64
import copy
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.wire.seals.xml.names import DS, ENVELOPED
from support.dsig_forgery import NS, Forgery
from support.xml_keys import OURS, STRANGER

XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
Attack = Callable[[Forgery], None]


# Wrapping a detached signature


def wrapped_without_id(forgery: Forgery) -> None:
    forgery.wrap(forgery.evil())


def wrapped_with_another_id(forgery: Forgery) -> None:
    forgery.wrap(forgery.evil(id="request2"))


def wrapped_with_the_same_id(forgery: Forgery) -> None:
    forgery.wrap(forgery.evil(id="request"))


def wrapped_with_the_id_under_another_name(forgery: Forgery) -> None:
    forgery.wrap(forgery.evil(ID="request"))


def wrapped_with_xml_id(forgery: Forgery) -> None:
    forgery.wrap(forgery.evil(**{"{http://www.w3.org/XML/1998/namespace}id": "request"}))


def wrapped_into_the_signature(forgery: Forgery) -> None:
    twin, signed = forgery.evil(), forgery.one("/document/request")
    etree.SubElement(forgery.signature(), f"{{{DS}}}Object").append(signed)
    forgery.root.insert(0, twin)


def twin_beside(forgery: Forgery) -> None:
    forgery.root.insert(0, forgery.evil())


def signature_inside_another(forgery: Forgery) -> None:
    """The signature is no child of the root any more, where a reader that searches everywhere would still find it."""
    etree.SubElement(forgery.root, "wrapper").append(forgery.signature())


# Wrapping an enveloped signature


def inside_a_new_root(forgery: Forgery) -> None:
    old = copy.deepcopy(forgery.root)
    for child in list(forgery.root):
        forgery.root.remove(child)
    twin = Forgery(copy.deepcopy(old), forgery.ring).evil()
    forgery.root.extend([twin, old])


def original_in_an_object(forgery: Forgery) -> None:
    original = copy.deepcopy(forgery.root)
    twin = forgery.evil()
    forgery.root.replace(forgery.one("/document/request"), twin)
    etree.SubElement(forgery.signature(), f"{{{DS}}}Object").append(original)


def signature_one_level_down(forgery: Forgery) -> None:
    forgery.one("/document/request").append(forgery.signature())


# What is signed, by what, and how


def changed_content(forgery: Forgery) -> None:
    forgery.one("//payee").text = "attacker"


def text_after_the_signature(forgery: Forgery) -> None:
    forgery.signature().tail = "attacker"


def stripped(forgery: Forgery) -> None:
    forgery.root.remove(forgery.signature())


def in_a_foreign_namespace(forgery: Forgery) -> None:
    forgery.root.replace(forgery.signature(), etree.fromstring('<Signature xmlns="urn:not-dsig"/>'))


def twice(forgery: Forgery) -> None:
    forgery.root.append(copy.deepcopy(forgery.signature()))


def hmac_with_the_public_key(forgery: Forgery) -> None:
    """Key confusion: a verifier that takes the algorithm from the message computes an HMAC with what everybody knows."""
    forgery.one("//ds:SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    content = etree.tostring(forgery.one("//ds:SignedInfo"), method="c14n", exclusive=True)
    public = forgery.ring.rsa_public(OURS).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forgery.one("//ds:SignatureValue").text = base64.b64encode(hmac.digest(public, content, "sha256")).decode()


def another_strong_algorithm(forgery: Forgery) -> None:
    forgery.one("//ds:SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")
    content = etree.tostring(forgery.one("//ds:SignedInfo"), method="c14n", exclusive=True)
    value = forgery.ring.rsa_private(OURS).sign(content, PKCS1v15(), SHA512())
    forgery.one("//ds:SignatureValue").text = base64.b64encode(value).decode()


def sha1_signature(forgery: Forgery) -> None:
    forgery.one("//ds:SignatureMethod").set("Algorithm", f"{DS}rsa-sha1")


def truncated_hmac(forgery: Forgery) -> None:
    """CVE-2009-0217: the message shortens the value that is compared."""
    etree.SubElement(forgery.one("//ds:SignatureMethod"), f"{{{DS}}}HMACOutputLength").text = "0"
    forgery.sign_only()


def sha1_digest(forgery: Forgery) -> None:
    forgery.one("//ds:DigestMethod").set("Algorithm", f"{DS}sha1")
    forgery.sign_only()


def inclusive_c14n(forgery: Forgery) -> None:
    method = forgery.one("//ds:CanonicalizationMethod")
    method.set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")


def comments_count(forgery: Forgery) -> None:
    method = forgery.one("//ds:CanonicalizationMethod")
    method.set("Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")


def _transform(forgery: Forgery, algorithm: str, text: str = "") -> None:
    transform = etree.SubElement(forgery.one("//ds:Transforms"), f"{{{DS}}}Transform", Algorithm=algorithm)
    if text:
        etree.SubElement(transform, f"{{{DS}}}XPath").text = text
    forgery.sign()


def xslt_transform(forgery: Forgery) -> None:
    _transform(forgery, XSLT)


def xpath_transform(forgery: Forgery) -> None:
    _transform(forgery, XPATH, "not(ancestor-or-self::body)")


def base64_transform(forgery: Forgery) -> None:
    _transform(forgery, f"{DS}base64")


def second_enveloped_transform(forgery: Forgery) -> None:
    _transform(forgery, ENVELOPED)


def parameter_of_a_transform(forgery: Forgery) -> None:
    etree.SubElement(forgery.root.xpath("//ds:Transform", namespaces=NS)[0], f"{{{DS}}}XPath").text = "self::body"
    forgery.sign()


def parameter_of_canonicalisation(forgery: Forgery) -> None:
    etree.SubElement(forgery.one("//ds:CanonicalizationMethod"), f"{{{DS}}}XPath").text = "self::body"
    forgery.sign()


def _reference(forgery: Forgery, uri: str) -> None:
    forgery.one("//ds:Reference").set("URI", uri)
    forgery.sign_only()


def remote_reference(forgery: Forgery) -> None:
    _reference(forgery, "http://127.0.0.1:9/document.xml")


def file_reference(forgery: Forgery) -> None:
    _reference(forgery, "file:///etc/hostname")


def xpointer_reference(forgery: Forgery) -> None:
    _reference(forgery, "#xpointer(/)")


def dangling_reference(forgery: Forgery) -> None:
    _reference(forgery, "#nobody")


def reference_without_uri(forgery: Forgery) -> None:
    del forgery.one("//ds:Reference").attrib["URI"]
    forgery.sign_only()


def manifest_reference(forgery: Forgery) -> None:
    forgery.one("//ds:Reference").set("Type", f"{DS}Manifest")
    forgery.sign_only()


def no_reference(forgery: Forgery) -> None:
    forgery.one("//ds:SignedInfo").remove(forgery.one("//ds:Reference"))
    forgery.sign_only()


def two_references(forgery: Forgery) -> None:
    forgery.one("//ds:SignedInfo").append(copy.deepcopy(forgery.one("//ds:Reference")))
    forgery.sign_only()


def signed_info_twice(forgery: Forgery) -> None:
    forgery.signature().insert(0, copy.deepcopy(forgery.one("//ds:SignedInfo")))


def elements_in_the_digest(forgery: Forgery) -> None:
    etree.SubElement(forgery.one("//ds:DigestValue"), "x")
    forgery.sign_only()


def no_base64(forgery: Forgery) -> None:
    forgery.one("//ds:SignatureValue").text = "=not base64="


def empty_value(forgery: Forgery) -> None:
    forgery.one("//ds:SignatureValue").text = ""


# Who signed


def by_a_stranger(forgery: Forgery) -> None:
    forgery.sign(STRANGER)


def _key_info(forgery: Forgery, content: str, name: str = STRANGER) -> None:
    forgery.sign(name)
    forgery.signature().append(etree.fromstring(f'<KeyInfo xmlns="{DS}">{content}</KeyInfo>'))


def _certificate(forgery: Forgery, name: str) -> str:
    der = forgery.ring.certificate(name).public_bytes(Encoding.DER)
    return f"<X509Certificate>{base64.b64encode(der).decode()}</X509Certificate>"


def strangers_certificate(forgery: Forgery) -> None:
    _key_info(forgery, f"<X509Data>{_certificate(forgery, STRANGER)}</X509Data>")


def strangers_certificate_before_the_agreed_one(forgery: Forgery) -> None:
    _key_info(forgery, f"<X509Data>{_certificate(forgery, STRANGER)}{_certificate(forgery, OURS)}</X509Data>")


def agreed_certificate_over_a_strangers_signature(forgery: Forgery) -> None:
    _key_info(forgery, f"<X509Data>{_certificate(forgery, OURS)}</X509Data>")


def strangers_key_value(forgery: Forgery) -> None:
    numbers = forgery.ring.rsa_public(STRANGER).public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(256, "big")).decode()
    _key_info(
        forgery,
        f"<KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>",
    )


def key_somewhere_else(forgery: Forgery) -> None:
    _key_info(forgery, '<RetrievalMethod URI="http://127.0.0.1:9/key"/>', OURS)


def key_by_name(forgery: Forgery) -> None:
    _key_info(forgery, "<KeyName>../../etc/passwd</KeyName>", OURS)


def another_serial(forgery: Forgery) -> None:
    issuer = forgery.ring.certificate(OURS).issuer.rfc4514_string().replace("&", "&amp;")
    part = f"<X509IssuerName>{issuer}</X509IssuerName><X509SerialNumber>1</X509SerialNumber>"
    _key_info(forgery, f"<X509Data><X509IssuerSerial>{part}</X509IssuerSerial></X509Data>", OURS)


def unreadable_issuer(forgery: Forgery) -> None:
    part = "<X509IssuerName>==</X509IssuerName><X509SerialNumber>1</X509SerialNumber>"
    _key_info(forgery, f"<X509Data><X509IssuerSerial>{part}</X509IssuerSerial></X509Data>", OURS)


def subject_name_only(forgery: Forgery) -> None:
    _key_info(forgery, "<X509Data><X509SubjectName>CN=ours-rsa</X509SubjectName></X509Data>", OURS)
