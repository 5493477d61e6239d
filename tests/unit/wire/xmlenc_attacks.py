"""Signed and encrypted SOAP messages, and what an attacker who knows the receiver's public key makes of them."""

import base64
import copy
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree
from support.xml_keys import THEIRS

from gateway.wire.keys import KeyRing
from gateway.wire.seals.xml.names import DS, SOAP11, XENC, XENC11

NS = {"s": SOAP11, "xenc": XENC, "ds": DS, "xenc11": XENC11}
Attack = Callable[["Sealed"], None]
PAYMENT = b'<t:Pay xmlns:t="urn:test">attacker</t:Pay>'


@dataclass
class Sealed:
    root: etree._Element
    ring: KeyRing

    def one(self, path: str) -> etree._Element:
        (found,) = self.root.xpath(path, namespaces=NS)
        return found

    def value(self, of: str) -> etree._Element:
        return self.one(f"//xenc:{of}/xenc:CipherData/xenc:CipherValue")

    def flip(self, of: str, place: int) -> None:
        data = bytearray(base64.b64decode(self.value(of).text or ""))
        data[place] ^= 1
        self.value(of).text = base64.b64encode(data).decode()

    def encrypt(self, content: bytes, key_bytes: int = 32) -> None:
        """Anyone may encrypt to a public key."""
        key, nonce = os.urandom(key_bytes), os.urandom(12)
        data = nonce + AESGCM(key).encrypt(nonce, content, None)
        padding = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
        self.value("EncryptedData").text = base64.b64encode(data).decode()
        wrapped = self.ring.rsa_public(THEIRS).encrypt(key, padding)
        self.value("EncryptedKey").text = base64.b64encode(wrapped).decode()

    def method(self, of: str) -> etree._Element:
        return self.one(f"//xenc:{of}/xenc:EncryptionMethod")


# The answer to all of these is the same, to the letter


def altered_content(sealed: Sealed) -> None:
    sealed.flip("EncryptedData", 20)


def altered_tag(sealed: Sealed) -> None:
    sealed.flip("EncryptedData", -1)


def altered_key(sealed: Sealed) -> None:
    sealed.flip("EncryptedKey", 100)


def cut_content(sealed: Sealed) -> None:
    sealed.value("EncryptedData").text = base64.b64encode(bytes(8)).decode()


def cut_key(sealed: Sealed) -> None:
    sealed.value("EncryptedKey").text = base64.b64encode(bytes(8)).decode()


def short_key(sealed: Sealed) -> None:
    """AES-128 under the name of AES-256."""
    sealed.encrypt(PAYMENT, key_bytes=16)


def no_xml(sealed: Sealed) -> None:
    sealed.encrypt(b"<open>")


def closes_the_body(sealed: Sealed) -> None:
    sealed.encrypt(b"</s:Body><s:Body>" + PAYMENT)


def brings_a_doctype(sealed: Sealed) -> None:
    sealed.encrypt(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>')


def names_an_entity(sealed: Sealed) -> None:
    sealed.encrypt(b"<x>&e;</x>")


# Other algorithms than were agreed


def cbc_content(sealed: Sealed) -> None:
    sealed.method("EncryptedData").set("Algorithm", f"{XENC}aes256-cbc")


def smaller_cipher(sealed: Sealed) -> None:
    sealed.method("EncryptedData").set("Algorithm", f"{XENC11}aes128-gcm")
    sealed.encrypt(PAYMENT, key_bytes=16)


def triple_des(sealed: Sealed) -> None:
    sealed.method("EncryptedData").set("Algorithm", f"{XENC}tripledes-cbc")


def rsa_1_5(sealed: Sealed) -> None:
    method = sealed.method("EncryptedKey")
    for part in list(method):
        method.remove(part)
    method.set("Algorithm", f"{XENC}rsa-1_5")


def sha1_in_oaep(sealed: Sealed) -> None:
    sealed.method("EncryptedKey")[0].set("Algorithm", f"{DS}sha1")


def another_mask(sealed: Sealed) -> None:
    sealed.method("EncryptedKey")[1].set("Algorithm", f"{XENC11}mgf1sha1")


def oaep_parameters(sealed: Sealed) -> None:
    etree.SubElement(sealed.method("EncryptedKey"), f"{{{XENC}}}OAEPparams").text = "AAAA"


def key_size_of_its_own(sealed: Sealed) -> None:
    etree.SubElement(sealed.method("EncryptedData"), f"{{{XENC}}}KeySize").text = "128"


# The form


def _replace_body(sealed: Sealed, content: bytes) -> None:
    body = sealed.one("/s:Envelope/s:Body")
    for child in list(body):
        body.remove(child)
    body.append(etree.fromstring(content))


def in_clear(sealed: Sealed) -> None:
    _replace_body(sealed, PAYMENT)


def clear_beside_encrypted(sealed: Sealed) -> None:
    sealed.one("/s:Envelope/s:Body").insert(0, etree.fromstring(PAYMENT))


def text_beside_encrypted(sealed: Sealed) -> None:
    sealed.one("/s:Envelope/s:Body").text = "attacker"


def encrypted_twice(sealed: Sealed) -> None:
    sealed.one("/s:Envelope/s:Body").append(copy.deepcopy(sealed.one("//xenc:EncryptedData")))


def whole_element(sealed: Sealed) -> None:
    sealed.one("//xenc:EncryptedData").set("Type", f"{XENC}Element")


def content_elsewhere(sealed: Sealed) -> None:
    data = sealed.one("//xenc:EncryptedData/xenc:CipherData")
    data.remove(data[0])
    etree.SubElement(data, f"{{{XENC}}}CipherReference", URI="http://127.0.0.1:9/x")


def two_keys(sealed: Sealed) -> None:
    key = sealed.one("//xenc:EncryptedKey")
    key.getparent().append(copy.deepcopy(key))


def second_key_in_the_header(sealed: Sealed) -> None:
    sealed.one("//s:Header/*").append(copy.deepcopy(sealed.one("//xenc:EncryptedKey")))


def key_in_the_body(sealed: Sealed) -> None:
    """A wrapped key that no agreed place holds."""
    key = sealed.one("//xenc:EncryptedKey")
    sealed.one("//s:Header").append(key)


def no_key(sealed: Sealed) -> None:
    key = sealed.one("//xenc:EncryptedKey")
    key.getparent().remove(key)


# Encryption is no signature


def replaced_by_anyone(sealed: Sealed) -> None:
    sealed.encrypt(PAYMENT)


def replaced_and_stripped(sealed: Sealed) -> None:
    sealed.encrypt(PAYMENT)
    sealed.root.remove(sealed.one("//s:Header"))
