"""Reading signed XML: exactly one where one is due, ids that point to one element, canonical bytes."""

import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import pybase64
from lxml import etree

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import parse_xml
from gateway.wire.seals import refusal
from gateway.wire.seals.xml.algorithms import C14n
from gateway.wire.seals.xml.names import SOAP_ENVELOPES, WSU_ID, XML, ds

Ids: TypeAlias = Mapping[str, etree._Element | None]
"""Elements by id; ``None`` for an id that occurs more than once."""

_Scope: TypeAlias = tuple[tuple[str | None, str], ...]
_ALL_IDS = etree.XPath("//*/@*[translate(local-name(), 'ID', 'id') = 'id']")
"""``Id``, ``ID``, ``id``, ``wsu:Id``, ``xml:id`` and every other spelling that some reader may follow."""
_PREFIXES = f"{{{C14n.EXCLUSIVE.uri}}}InclusiveNamespaces"
START_TAG = re.compile(rb'<([^\s/>]+)((?:\s+[^\s=]+="[^"]*")*)\s*>')
_WSU_ID = re.compile(rb'\s+[^\s=:]+:Id="[^"]*"')


def parse(document: bytes) -> etree._Element:
    """The root. Raises ``SealRefused`` (seal-form) for what is no XML, has a DOCTYPE, or is too large or too deep."""
    try:
        return parse_xml(document)
    except MessageRefused:
        raise refusal.form("the message is no XML without a DOCTYPE") from None


def soap_parts(root: etree._Element) -> tuple[str, etree._Element]:
    """The envelope's namespace (SOAP 1.1 or 1.2) and its only Body."""
    if root.tag not in SOAP_ENVELOPES:
        raise refusal.form("the message is no SOAP envelope")
    soap = etree.QName(root).namespace or ""
    return soap, only(root, f"{{{soap}}}Body", "an envelope must hold one Body")


def only(parent: etree._Element, tag: str, rule: str) -> etree._Element:
    found = list(parent.iterchildren(tag))
    if len(found) != 1:
        if tag == ds("Signature") and not found:
            raise refusal.unsigned()
        raise refusal.form(f"rule broken: {rule}")
    return found[0]


def ids_of(root: etree._Element) -> Ids:
    """Every id that some reader might follow. Two equal ``wsu:Id`` are refused at once, wherever they stand."""
    ids: dict[str, etree._Element | None] = {}
    found = _ALL_IDS(root)
    for value in found if isinstance(found, list) else []:
        text = str(value)
        if text in ids and getattr(value, "attrname", "") == WSU_ID:
            raise refusal.duplicate_id()
        parent = getattr(value, "getparent", lambda: None)()
        ids[text] = None if text in ids else parent
    return ids


def by_reference(ids: Ids, uri: str) -> etree._Element:
    """The element that ``#id`` names. Nothing outside the message is ever fetched."""
    if not uri.startswith("#") or uri[1:] not in ids:
        raise refusal.form("a reference points to nothing in this message")
    element = ids[uri[1:]]
    if element is None:
        raise refusal.duplicate_id()
    return element


def octets(element: etree._Element) -> bytes:
    """The bytes that the element's Base64 text stands for."""
    if len(element):
        raise refusal.form("a binary value holds elements")
    try:
        return pybase64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise refusal.form("a binary value is no Base64 text") from None


def prefixes_of(method: etree._Element) -> list[str] | None:
    """The PrefixList of an exclusive canonicalisation."""
    if not len(method):
        return None
    listed = method.find(_PREFIXES)
    if len(method) != (0 if listed is None else 1):
        raise refusal.algorithm("a canonicalisation has a parameter that was not agreed")
    return listed.get("PrefixList", "").split() if listed is not None else None


def canonical(element: etree._Element, c14n: C14n, prefixes: list[str] | None = None) -> bytes:
    """Canonical XML 1.0 of the element and what is in it, in its place in the document."""
    exclusive = c14n is C14n.EXCLUSIVE
    apex = element if exclusive or element.getparent() is None else _alone(element)
    try:
        return etree.tostring(
            apex,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=prefixes if exclusive else None,
        )
    except etree.C14NError:
        raise refusal.form("a signed element has no canonical form (a relative namespace, for one)") from None


def _alone(element: etree._Element) -> etree._Element:
    """The element as the root of its own document, with everything that inclusive canonicalisation takes from around it: the
    namespaces in scope and the ancestors' ``xml:`` attributes (C14N 1.0, section 2.4). The library's own inclusive form of an
    element inside a document loses default namespaces.
    """
    apex = parse(etree.tostring(element, encoding="UTF-8", with_tail=False))
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if str(name).startswith(f"{{{XML}}}") and name not in apex.attrib:
                apex.set(name, value)
    return apex


def within(parent: etree._Element, content: bytes) -> bytes:
    """``content``, which stands for itself, inside an empty copy of its parent's tag without attributes."""
    start, end = bare_tags(parent.tag, parent.nsmap)
    return start + content + end


def tags(element: etree._Element) -> tuple[bytes, bytes]:
    """Start and end tag of an empty copy of ``element``, attributes included."""
    if not element.attrib:
        return bare_tags(element.tag, element.nsmap)
    scope = _scope(element.tag, tuple(element.nsmap.items()))
    return _written(etree.Element(element.tag, {str(name): str(value) for name, value in element.items()}, nsmap=scope))


def bare_tags(tag: str, scope: Mapping[str | None, str]) -> tuple[bytes, bytes]:
    """Start and end tag of an empty element that declares the prefixes of ``scope``."""
    return _bare_tags(tag, tuple(scope.items()))


@lru_cache(maxsize=64)
def _bare_tags(tag: str, scope: _Scope) -> tuple[bytes, bytes]:
    return _written(etree.Element(tag, nsmap=_scope(tag, scope)))


def _scope(tag: str, scope: _Scope) -> dict[str, str]:
    """The prefixes that were in scope are declared, for values that are qualified names. A default namespace is not: it would
    claim elements that have none.
    """
    declared = {prefix: uri for prefix, uri in scope if prefix is not None}
    namespace = etree.QName(tag).namespace
    if namespace and namespace not in declared.values():
        declared["parent"] = namespace
    return declared


def _written(shell: etree._Element) -> tuple[bytes, bytes]:
    shell.text = ""
    start, end = etree.tostring(shell, encoding="UTF-8", xml_declaration=False).rsplit(b"></", 1)
    return start + b">", b"</" + end


def without_wsu_id(content: bytes) -> bytes:
    """Canonical ``content`` whose outermost tag has lost the id that only the seal used."""
    found = START_TAG.match(content)
    if found is None:
        return content
    return b"<" + found[1] + _WSU_ID.sub(b"", found[2]) + b">" + content[found.end() :]
