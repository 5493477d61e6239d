"""A SOAP envelope on its way out: seals add text to it, and it is written once.

Parts are put in as text, since moving nodes between documents may rename prefixes inside what was signed, and taking a large
tree apart is slow. Where they go is marked by comments: the parser drops all others, so each stands there exactly once.
"""

import secrets

from lxml import etree

from gateway.wire.seals.xml.tree import parse, soap_parts


class Draft:
    """One parsed envelope and what will be written into it."""

    def __init__(self, envelope: bytes) -> None:
        """Raises ``SealRefused`` (seal-form) for what is no SOAP envelope with one Body."""
        self.root = parse(envelope)
        self.soap, self.body = soap_parts(self.root)
        self.in_security = ""
        """What comes first inside the security header, unsigned."""
        self._security: tuple[str, str] | None = None
        self._content = ""

    def secure(self, before: str, after: str) -> None:
        """The security header; ``in_security`` goes between the two texts."""
        self._security = before, after

    def replace_content(self, text: str) -> None:
        """``text`` instead of everything inside the Body, whose tree stays as it is until then."""
        self._content = text

    def write(self) -> bytes:
        name = secrets.token_hex(8)
        if self._security is not None:
            self._header().insert(0, etree.Comment(f"{name}-security"))
        if self._content:
            first = etree.Comment(f"{name}-from")
            first.tail, self.body.text = self.body.text, None
            self.body.insert(0, first)
            self.body.append(etree.Comment(f"{name}-to"))
        written = etree.tostring(self.root, encoding="UTF-8")
        if self._content:
            before, rest = written.split(_mark(f"{name}-from"), 1)
            written = before + self._content.encode() + rest.rsplit(_mark(f"{name}-to"), 1)[1]
        security = self.in_security.join(self._security or ("", ""))
        return written.replace(_mark(f"{name}-security"), security.encode(), 1)

    def _header(self) -> etree._Element:
        header = self.root.find(f"{{{self.soap}}}Header")
        if header is None:
            header = etree.Element(f"{{{self.soap}}}Header")
            self.root.insert(0, header)
        return header


def _mark(name: str) -> bytes:
    return b"<!--%s-->" % name.encode()
