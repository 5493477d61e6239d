"""The one way that XML from outside becomes a tree: no DTD, no entities, no network, bounded size, depth and attributes."""

from collections.abc import Mapping

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

    Raises ``MessageRefused`` (``bad-xml``) for anything that is not well formed or not in the encoding that it says, that has a
    DOCTYPE, that is larger than ``max_bytes`` or deeper than ``MAX_DEPTH`` elements, or that gives an element more than
    ``MAX_ATTRIBUTES``. The message names the rule, never the content.
    """
    if len(data) > max_bytes:
        raise _refused("the XML document is too large", f"At most {max_bytes >> 20} MB.")
    root, rule = _parsed(data)
    if root is None:
        raise _refused(*rule)
    if root.getroottree().docinfo.internalDTD is not None:
        raise _refused(*_DOCTYPE)
    if len(data) >= _SURELY_FLAT and _TOO_DEEP(root):
        raise _refused(*_DEEP)
    # Every attribute is quoted twice, in any encoding: where so few quotes are, no element needs to be counted.
    if data.count(b'"') + data.count(b"'") > 2 * MAX_ATTRIBUTES and _TOO_MANY(root):
        raise _refused("an element of the XML document has too many attributes", f"At most {MAX_ATTRIBUTES}.")
    return root


def _parsed(data: bytes) -> tuple[etree._Element | None, tuple[str, str]]:
    try:
        return etree.fromstring(data, PARSER), _MALFORMED
    except etree.XMLSyntaxError as wrong:
        code = getattr(wrong, "code", 0)
        return None, _limit(str(wrong)) if code == _Kind.ERR_RESOURCE_LIMIT else _RULES.get(code, _MALFORMED)
    except ValueError:
        return None, _MALFORMED


def _limit(said: str) -> tuple[str, str]:
    """Which of the parser's own limits was passed; its number is the same for all of them."""
    if "depth" in said:
        return _DEEP
    return _DOCTYPE if "entity" in said else ("a text or tag of the XML document is too long", "At most 10 MB each.")


_Kind = etree.ErrorTypes
_DOCTYPE = ("the XML document carries a DOCTYPE", "Leave the DOCTYPE and its entities out.")
_DEEP = ("the XML document is nested too deeply", f"At most {MAX_DEPTH} elements one inside the other.")
_MALFORMED = ("the document is not well-formed XML", "Send XML 1.0, each tag closed, texts escaped.")
_RULES: Mapping[int, tuple[str, str]] = {
    _Kind.ERR_INVALID_ENCODING: (
        "the XML document is not in the encoding that it says",
        "Send UTF-8, or name the encoding in the XML declaration.",
    ),
    _Kind.ERR_UNSUPPORTED_ENCODING: ("the encoding of the XML document is not known", "Send UTF-8."),
    _Kind.ERR_UNDECLARED_ENTITY: (
        "the XML document names an entity that XML does not have",
        "Write the character itself.",
    ),
    _Kind.ERR_INVALID_CHAR: (
        "the XML document holds a character that XML 1.0 forbids",
        "Leave out control characters other than tab and line break.",
    ),
    _Kind.ERR_ENTITY_LOOP: _DOCTYPE,
    _Kind.ERR_INT_SUBSET_NOT_FINISHED: _DOCTYPE,
}


def _refused(rule: str, hint: str) -> MessageRefused:
    return MessageRefused(rule, code="bad-xml", hint=hint)
