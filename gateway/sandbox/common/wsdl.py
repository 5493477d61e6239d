"""The schema inside a WSDL, for a Body that must follow it to the letter: zeep alone reads more than it should."""

from lxml import etree

_XSD = "http://www.w3.org/2001/XMLSchema"


def embedded_schema(wsdl: bytes) -> etree.XMLSchema:
    """Raises ``ValueError`` when the description carries none."""
    schema = etree.fromstring(wsdl).find(f".//{{{_XSD}}}schema")
    if schema is None:
        raise ValueError("the WSDL carries no schema")
    return etree.XMLSchema(alone(schema))


def alone(element: etree._Element) -> etree._Element:
    """A copy as a document of its own: XMLSchema loses prefixes that only an ancestor declares."""
    return etree.fromstring(etree.tostring(element, with_tail=False))
