"""A SOAP envelope on its way out: read once, signed and encrypted in parts, written once.

Parts are put in as text: moving nodes between documents may rename prefixes inside what was signed, and a Body that is signed
leaves as the very bytes whose digest was signed.
"""

from lxml import etree

from gateway.wire.seals.xml.algorithms import C14n
from gateway.wire.seals.xml.tree import START_TAG, bare_tags, canonical, parse, soap_parts, tags


class Draft:
    """One parsed envelope and what will be written into it."""

    def __init__(self, envelope: bytes) -> None:
        """Raises ``SealRefused`` (seal-form) for what is no SOAP envelope with one Body."""
        self.root = parse(envelope)
        self.soap, self.body = soap_parts(self.root)
        self.in_security = ""
        """What comes first inside the security header, unsigned."""
        self._security: tuple[str, str] | None = None
        self._signed: bytes | None = None
        self._content: bytes | None = None

    def canonical_body(self, c14n: C14n) -> bytes:
        """The Body in canonical form, which is what will be written."""
        self._signed = canonical(self.body, c14n)
        return self._signed

    def secure(self, before: str, after: str) -> None:
        """The security header; ``in_security`` goes between the two texts."""
        self._security = before, after

    def replace_content(self, text: str) -> None:
        """``text`` instead of everything inside the Body, whose tree stays as it is until then."""
        self._content = text.encode()

    def write(self) -> bytes:
        start, end = tags(self.root)
        others = (child for child in self.root if child.tag != self._header_tag)
        parts = (self._body_text() if child is self.body else _text(child) for child in others)
        return b"".join((_DECLARATION, start, self._header_text(), *parts, end))

    @property
    def _header_tag(self) -> str:
        return f"{{{self.soap}}}Header"

    def _header_text(self) -> bytes:
        security = self.in_security.join(self._security or ("", "")).encode()
        header = self.root.find(self._header_tag)
        if header is None:
            start, end = bare_tags(self._header_tag, self.root.nsmap)
            return start + security + end if security else b""
        start, end = tags(header)
        return b"".join((start, security, *map(_text, header), end))

    def _body_text(self) -> bytes:
        if self._content is None:
            return _text(self.body) if self._signed is None else self._signed
        start, end = tags(self.body)
        if self._signed is not None:
            found = START_TAG.match(self._signed)
            assert found is not None, "a canonical element begins with its tag"
            start, end = found[0], b"</" + found[1] + b">"
        return start + self._content + end


_DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"


def _text(element: etree._Element) -> bytes:
    """The element with every namespace in scope declared."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
