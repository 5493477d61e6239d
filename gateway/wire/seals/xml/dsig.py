"""``xml-dsig``: one XML-DSig signature over the whole document or over one element of it.

``enveloped``: the signature lies inside what it signs, as its last child. ``detached``: it lies beside the signed element.
Requests and answers may differ in everything but the keys.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pybase64
from lxml import etree

from gateway.wire.seals import refusal
from gateway.wire.seals.base import Plain, Role, Sealed
from gateway.wire.seals.freshness import Freshness
from gateway.wire.seals.settings import Answers
from gateway.wire.seals.xml.algorithms import SigningKey, Suite
from gateway.wire.seals.xml.identity import Claimed, Identity, KeyReference, key_info
from gateway.wire.seals.xml.names import DS, ds
from gateway.wire.seals.xml.signature import Resolve, Verifier, writer
from gateway.wire.seals.xml.single_use import SingleUse
from gateway.wire.seals.xml.tree import Ids, by_reference, canonical, ids_of, only, parse, within

CONTENT_TYPE = "application/xml"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_PLAIN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class Form(StrEnum):
    ENVELOPED = "enveloped"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the signed content says when it was made, and how long that counts."""

    path: str
    freshness: Freshness

    def require(self, root: etree._Element, now: datetime) -> None:
        """Raises ``SealRefused``: seal-form for no such time, seal-stale outside the window."""
        texts = [element.text or "" for element in root.findall(self.path)]
        if len(texts) != 1:
            raise refusal.form("the signed content must give its time once")
        self.freshness.require(texts[0].strip(), now)


@dataclass(frozen=True, slots=True)
class Layout:
    """How messages of one role are signed."""

    suite: Suite
    form: Form
    element: str
    """The root's child that is signed, as ``{namespace}name``; empty for the whole document."""
    id_attribute: str
    prefix: str
    reference: KeyReference
    time: TimeRule | None

    def target(self, root: etree._Element) -> etree._Element:
        return only(root, self.element, "the document must hold the signed element once") if self.element else root


class XmlDsigSeal:
    profile = "xml-dsig"

    def __init__(
        self,
        own: tuple[SigningKey, Identity],
        peer: Identity,
        layouts: Mapping[Role, Layout],
        answers: Answers,
        key_ids: tuple[str, ...],
        once: SingleUse | None,
    ) -> None:
        self._key, self._identity = own
        self._layouts = layouts
        self._verifiers = {role: Verifier(layout.suite, peer) for role, layout in layouts.items()}
        self._writers = {
            role: writer(layout.suite, enveloped=layout.form is Form.ENVELOPED, prefix=layout.prefix)
            for role, layout in layouts.items()
        }
        self._answers = answers
        self._key_ids = key_ids
        self._once = once

    def seal(self, plain: Plain, role: Role, now: datetime) -> Sealed:
        """Sign the document; it is sent exactly as it was parsed, and must not hold a signature yet."""
        if self._answers.apply_to(role):
            return Sealed(plain.document, CONTENT_TYPE)
        self._identity.require_ours_current(now)
        layout, root = self._layouts[role], parse(plain.document)
        target = layout.target(root)
        if root.find(f".//{ds('Signature')}") is not None:
            raise refusal.form("the document to sign holds a signature already")
        uri = self._uri(layout, target)
        enveloped = layout.form is Form.ENVELOPED
        content = canonical(target, layout.suite.c14n)
        signed_info = self._writers[role]
        (target if enveloped else root).append(
            self._signature(layout, signed_info.write(signed_info.reference(uri, content)))
        )
        self._sign(layout, root)
        return Sealed(
            _DECLARATION + etree.tostring(root, encoding="UTF-8", xml_declaration=False),
            CONTENT_TYPE,
            key_ids=self._key_ids,
        )

    def open(self, body: bytes, role: Role, now: datetime) -> Plain:
        """The signed document without its signature, or the signed element inside its parent's tag: exactly the bytes whose
        digest was signed. Raises ``SealRefused``.
        """
        if self._answers.apply_to(role):
            return Plain(body)
        layout, root = self._layouts[role], parse(body)
        if root.getprevious() is not None or root.getnext() is not None:
            raise refusal.form("something stands outside the document's root")
        target = layout.target(root)
        signature = self._find_signature(layout, root, target)
        ids = ids_of(root)
        infos = signature.findall(ds("KeyInfo"))
        claimed = Claimed(infos[0], ids) if infos else None
        envelope = target if layout.form is Form.ENVELOPED else None
        believed = self._verifiers[role].check(signature, _resolver(root, ids), now, claimed, envelope)
        if len(believed.covered) != 1:
            raise refusal.form("a signature must cover one element")
        content = believed.content_of(target, "the element that is used")
        if layout.time is not None:
            layout.time.require(target, now)
        if self._once is not None:
            self._once.take(believed.once, now)
        return Plain(content if target is root else within(root, content), once=believed.once)

    def _uri(self, layout: Layout, target: etree._Element) -> str:
        if not layout.element:
            return ""
        identity = target.get(layout.id_attribute)
        if identity is None:
            identity = f"signed-{secrets.token_hex(8)}"
            target.set(layout.id_attribute, identity)
        if not _PLAIN_ID.fullmatch(identity):
            raise refusal.form("the signed element's id is no XML name")
        return f"#{identity}"

    def _signature(self, layout: Layout, signed_info: str) -> etree._Element:
        p, declared = layout.prefix, f"xmlns:{layout.prefix[:-1]}" if layout.prefix else "xmlns"
        info = key_info(layout.reference, self._identity).replace("<ds:", f"<{p}").replace("</ds:", f"</{p}")
        return etree.fromstring(
            f'<{p}Signature {declared}="{DS}">{signed_info}'
            f"<{p}SignatureValue></{p}SignatureValue>{f'<{p}KeyInfo>{info}</{p}KeyInfo>' if info else ''}</{p}Signature>"
        )

    def _sign(self, layout: Layout, root: etree._Element) -> None:
        """In its place in the document, because inclusive canonicalisation takes in what the ancestors declare."""
        signature = next(root.iter(ds("Signature")))
        signed_info = canonical(signature[0], layout.suite.c14n)
        signature[1].text = pybase64.b64encode(layout.suite.method.sign(self._key, signed_info)).decode()

    def _find_signature(self, layout: Layout, root: etree._Element, target: etree._Element) -> etree._Element:
        place = target if layout.form is Form.ENVELOPED else root
        return only(place, ds("Signature"), "the document must hold one signature, in the agreed place")


def _resolver(root: etree._Element, ids: Ids) -> Resolve:
    return lambda uri: root if uri == "" else by_reference(ids, uri)
