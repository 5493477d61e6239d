"""XML-DSig in its strictest form: algorithms agreed beforehand, every reference inside the message, and the caller gets
the very elements and bytes that were signed.

Source: XML Signature Syntax and Processing 1.1, with the limits of the W3C's best practices on it.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import pybase64
from lxml import etree

from gateway.wire.seals import refusal
from gateway.wire.seals.xml.algorithms import C14n, Suite
from gateway.wire.seals.xml.identity import Claimed, Identity
from gateway.wire.seals.xml.names import DS, ENVELOPED, ds
from gateway.wire.seals.xml.tree import canonical, octets, prefixes_of

MAX_REFERENCES = 8
Resolve: TypeAlias = Callable[[str], etree._Element]
_SIGNATURE = ([ds("SignedInfo"), ds("SignatureValue")], [ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo")])
_METHODS = [ds("CanonicalizationMethod"), ds("SignatureMethod")]
_REFERENCE = ([ds("Transforms"), ds("DigestMethod"), ds("DigestValue")], [ds("DigestMethod"), ds("DigestValue")])
_AGREED: dict[C14n, list[list[str | None]]] = {
    C14n.EXCLUSIVE: [[C14n.EXCLUSIVE.uri]],
    C14n.INCLUSIVE: [[C14n.INCLUSIVE.uri], []],  # none: what XML-DSig does where no transform says otherwise
}
_ENVELOPED = {c14n: [[ENVELOPED, *rest] for rest in agreed] for c14n, agreed in _AGREED.items()}
_TRANSFORM, _REFERENCE_TAG = ds("Transform"), ds("Reference")


@dataclass(frozen=True, slots=True)
class Covered:
    """One signed element and its canonical form: the bytes whose digest was signed."""

    element: etree._Element
    content: bytes


@dataclass(frozen=True, slots=True)
class Believed:
    """A signature that holds."""

    covered: tuple[Covered, ...]
    once: str
    """Digest of the canonical SignedInfo. Unlike an ECDSA value it can't be altered without breaking the signature."""

    def content_of(self, element: etree._Element, what: str) -> bytes:
        """The signed bytes of this very element. Raises ``SealRefused`` (seal-not-covered)."""
        for part in self.covered:
            if part.element is element:
                return part.content
        raise refusal.not_covered(f"{what} is not covered by the signature")


@dataclass(frozen=True, slots=True)
class Writer:
    """SignedInfo and its References in exclusive canonical form, which declares its own namespace."""

    suite: Suite
    signed_info: str
    before: str
    """A Reference up to its URI."""
    behind: str
    """From there to the digest."""
    end: str

    def reference(self, uri: str, content: bytes) -> str:
        """``content`` is what the transforms yield."""
        digest = pybase64.b64encode_as_string(self.suite.digest.of(content))
        return f"{self.before}{uri}{self.behind}{digest}{self.end}"

    def write(self, references: str) -> str:
        return self.signed_info % references


def writer(suite: Suite, *, enveloped: bool = False, prefix: str = "ds:") -> Writer:
    p, declared = prefix, f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    first = f'<{p}Transform Algorithm="{ENVELOPED}"></{p}Transform>' if enveloped else ""
    return Writer(
        suite,
        f'<{p}SignedInfo {declared}="{DS}"><{p}CanonicalizationMethod Algorithm="{suite.c14n.uri}">'
        f'</{p}CanonicalizationMethod><{p}SignatureMethod Algorithm="{suite.method.uri}"></{p}SignatureMethod>'
        f"%s</{p}SignedInfo>",
        f'<{p}Reference URI="',
        f'"><{p}Transforms>{first}<{p}Transform Algorithm="{suite.c14n.uri}"></{p}Transform></{p}Transforms>'
        f'<{p}DigestMethod Algorithm="{suite.digest.uri}"></{p}DigestMethod><{p}DigestValue>',
        f"</{p}DigestValue></{p}Reference>",
    )


@dataclass(frozen=True, slots=True)
class Verifier:
    """Believes one key and one suite of algorithms, which both ends agreed on outside the messages."""

    suite: Suite
    peer: Identity

    def check(
        self,
        signature: etree._Element,
        resolve: Resolve,
        now: datetime,
        claimed: Claimed | None,
        enveloped_in: etree._Element | None = None,
    ) -> Believed:
        """Every reference of ``signature``, resolved and digested. ``enveloped_in`` may hold the signature itself, which is
        then taken out before its digest is made. Raises ``SealRefused``.
        """
        if [part.tag for part in signature] not in _SIGNATURE:
            raise refusal.form(
                "a signature must hold SignedInfo, SignatureValue and KeyInfo, each once and nothing else"
            )
        references = list(signature[0])
        methods, references = references[:2], references[2:]
        if [part.tag for part in methods] != _METHODS:
            raise refusal.form("SignedInfo must begin with its two methods")
        content = self._signed_info(signature[0], *methods)
        self._check_value(content, octets(signature[1]), claimed, now)
        if not 1 <= len(references) <= MAX_REFERENCES or any(part.tag != _REFERENCE_TAG for part in references):
            raise refusal.form(f"a signature covers 1 to {MAX_REFERENCES} elements")
        if enveloped_in is not None:
            _take_out(signature)
        around = frozenset((enveloped_in, *signature.iterancestors()))
        covered = tuple(self._covered(reference, resolve, around, enveloped_in) for reference in references)
        return Believed(covered, hashlib.sha256(content).hexdigest())

    def _signed_info(self, signed_info: etree._Element, method: etree._Element, algorithm: etree._Element) -> bytes:
        if method.get("Algorithm") != self.suite.c14n.uri or algorithm.get("Algorithm") != self.suite.method.uri:
            raise refusal.algorithm()
        if len(algorithm):
            raise refusal.algorithm("a signature method has a parameter that was not agreed")
        return canonical(signed_info, self.suite.c14n, prefixes_of(method))

    def _check_value(self, content: bytes, value: bytes, claimed: Claimed | None, now: datetime) -> None:
        if claimed is not None:
            claimed.require(self.peer)
        self.peer.require_current(now)
        if not self.suite.method.holds(self.peer.key, value, content):
            raise refusal.signature()

    def _covered(
        self,
        reference: etree._Element,
        resolve: Resolve,
        around: frozenset[etree._Element | None],
        enveloped_in: etree._Element | None,
    ) -> Covered:
        """``around``: everything that the signature lies in."""
        uri, parts = reference.get("URI"), list(reference)
        if [part.tag for part in parts] not in _REFERENCE:
            raise refusal.form("a reference must hold its transforms, its digest method and its digest")
        if uri is None or reference.get("Type") is not None:
            raise refusal.form("a reference must say by URI what it covers, and nothing else")
        element = resolve(uri)
        transforms = list(parts[0]) if len(parts) > 2 else []
        prefixes = self._transforms(transforms, taken_out=element is enveloped_in, holds_it=element in around)
        content = canonical(element, self.suite.c14n, prefixes)
        if parts[-2].get("Algorithm") != self.suite.digest.uri or len(parts[-2]):
            raise refusal.algorithm()
        if not hmac.compare_digest(self.suite.digest.of(content), octets(parts[-1])):
            raise refusal.signature("a signed element was changed")
        return Covered(element, content)

    def _transforms(self, found: list[etree._Element], *, taken_out: bool, holds_it: bool) -> list[str] | None:
        """Only the agreed canonicalisation, after the signature itself was taken out where it lies inside. Where it lies outside,
        taking it out changes nothing, and some stacks (node-soap) ask for it all the same.
        """
        algorithms = [part.get("Algorithm") for part in found if part.tag == _TRANSFORM]
        canonicalisation = self.suite.c14n.uri
        agreed, enveloped = _AGREED[self.suite.c14n], _ENVELOPED[self.suite.c14n]
        wanted = enveloped if taken_out else agreed if holds_it else agreed + enveloped
        if len(algorithms) != len(found) or algorithms not in wanted:
            raise refusal.algorithm("a reference has other transforms than were agreed")
        if ENVELOPED in algorithms and len(found[0]):
            raise refusal.algorithm("a transform has a parameter that was not agreed")
        return prefixes_of(found[-1]) if canonicalisation in algorithms else None


def _take_out(signature: etree._Element) -> None:
    """The enveloped-signature transform: the element goes, the text after it stays."""
    parent, before = signature.getparent(), signature.getprevious()
    if parent is None:
        raise refusal.form("the signature is the whole message")
    tail = signature.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(signature)
