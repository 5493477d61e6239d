"""Which reader a file needs: told by what is in it, not by its name."""

from pathlib import Path

from gateway.kernel.errors import LianpeiError
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.drafting.from_json import read_json_schema
from gateway.mapping.drafting.from_sample import read_sample
from gateway.mapping.drafting.from_xsd import read_wsdl, read_xsd
from gateway.mapping.drafting.outline import Contract
from gateway.mapping.errors import MistakeError

MAX_BYTES = 16 * 1024 * 1024


def read_contract(path: Path, operation: str = "") -> Contract:
    """WSDL, XSD, JSON Schema or a sample message (XML, SOAP, JSON). Raises ``MistakeError``.

    ``operation`` names the WSDL's operation or the XSD's root element, where there are several.
    """
    if not path.is_file():
        raise MistakeError("unknown-file", f"no file {path}")
    if path.stat().st_size > MAX_BYTES:
        raise MistakeError("too-large", f"{path.name} is larger than 16 MiB")
    tag = _root(path)
    if tag == "{http://schemas.xmlsoap.org/wsdl/}definitions":
        return read_wsdl(path, operation)
    if tag == "{http://www.w3.org/2001/XMLSchema}schema":
        return read_xsd(path, operation)
    return read_json_schema(path) if not tag and _is_json_schema(path) else read_sample(path)


def _root(path: Path) -> str:
    """Clark name of an XML file's root, or empty."""
    try:
        return str(parse_xml(path.read_bytes()).tag)
    except LianpeiError:
        return ""


def _is_json_schema(path: Path) -> bool:
    try:
        found = strict_json(path.read_bytes())
    except LianpeiError:
        return False
    return isinstance(found, dict) and bool({"$schema", "$ref", "properties"} & found.keys())
