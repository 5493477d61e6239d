"""The one way that XML from outside becomes a tree: no DTD, no entities, no network, bounded size, depth and attributes."""

from lxml import etree

from gateway.kernel.errors import MessageRefused

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_ATTRIBUTES = 64

PARSER = etree.XMLParser(
    resolve_entities=False,
    load_dtd=False,
    dtd_validation=False,
    attribute_defaults=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_blank_text=False,
    strip_cdata=True,
)
_TOO_DEEP = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")
_SURELY_FLAT = len("<a></a>") * MAX_DEPTH
"""A document of fewer bytes has no room for ``MAX_DEPTH + 1`` elements one inside the other, in any encoding."""
_TOO_MANY = etree.XPath(f"boolean(/descendant::*/@*[{MAX_ATTRIBUTES + 1}])")


def parse_xml(data: bytes, *, max_bytes: int = MAX_BYTES) -> etree._Element:
    """Bytes to the root element, without comments; processing instructions stay (they are part of a signature's input).

    Raises ``MessageRefused`` (``bad-xml``) for anything that is not well formed, that has a DOCTYPE, that is larger than
    ``max_bytes`` or deeper than ``MAX_DEPTH`` elements, or that gives an element more than ``MAX_ATTRIBUTES``. The message names
    the rule, never the content.
    """
    if len(data) > max_bytes:
        raise _refused("the XML document is too large")
    try:
        root = etree.fromstring(data, PARSER)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise _refused("the document is not well-formed XML")
    if root.getroottree().docinfo.internalDTD is not None:
        raise _refused("the XML document carries a DOCTYPE")
    if len(data) >= _SURELY_FLAT and _TOO_DEEP(root):
        raise _refused("the XML document is nested too deeply")
    # Every attribute is quoted twice, in any encoding: where so few quotes are, no element needs to be counted.
    if data.count(b'"') + data.count(b"'") > 2 * MAX_ATTRIBUTES and _TOO_MANY(root):
        raise _refused("an element of the XML document has too many attributes")
    return root


def _refused(rule: str) -> MessageRefused:
    return MessageRefused(rule, code="bad-xml", hint="ask the sender for a plain XML document without a DOCTYPE")
