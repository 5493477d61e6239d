"""XSD and WSDL to an outline. xmlschema resolves imports, groups, extensions and facets, from local files only."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import xmlschema
from xmlschema.extras.wsdl import Wsdl11Document
from xmlschema.validators import XsdElement, XsdGroup

from gateway.mapping.drafting.outline import Contract, Part
from gateway.mapping.errors import MistakeError, did_you_mean

_LOCAL: dict[str, Any] = {"allow": "local", "defuse": "always"}
_XS = "{http://www.w3.org/2001/XMLSchema}"
_SOAP11 = "http://schemas.xmlsoap.org/wsdl/soap/"
_SOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
_KINDS = {
    **dict.fromkeys(("decimal", "float", "double"), "number"),
    "date": "date",
    "boolean": "boolean",
    "dateTime": "datetime",
    "anyType": "any",
    "anySimpleType": "any",
}
_FACETS = {
    "length": "length",
    "minLength": "min",
    "maxLength": "max",
    "totalDigits": "digits",
    "fractionDigits": "places",
}
_BOUNDS = {"minInclusive": "≥", "maxInclusive": "≤", "minExclusive": ">", "maxExclusive": "<"}
Above = tuple[Any, ...]
"""Types that are being read: one that holds itself is drawn once."""


def read_xsd(path: Path, root: str) -> Contract:
    """The global element ``root``, or the only one. Raises ``MistakeError``."""
    try:
        schema: Any = xmlschema.XMLSchema(str(path), **_LOCAL)
    except (xmlschema.XMLSchemaException, OSError, ValueError) as error:
        raise MistakeError("bad-schema", f"{path.name} is no usable XSD: {type(error).__name__}") from None
    found = {element.local_name: element for element in schema.elements.values()}
    return Contract(
        "xml", _part(_one(found, root, f"{path.name} has the elements")), schema=path.name, files=_files(path, schema)
    )


def read_wsdl(path: Path, operation: str) -> Contract:
    """One operation, or the only one. Raises ``MistakeError``."""
    try:
        untyped: Any = Wsdl11Document
        document = untyped(str(path), **_LOCAL)
    except (xmlschema.XMLSchemaException, OSError, ValueError, SyntaxError) as error:
        raise MistakeError("bad-schema", f"{path.name} is no usable WSDL: {type(error).__name__}") from None
    offered: dict[str, tuple[Any, Any]] = {}
    for binding in document.bindings.values():
        for found in binding.operations.values():
            offered.setdefault(found.local_name, (found, binding))
    chosen, binding = _one(offered, operation, f"{path.name} has the operations")
    kind = "soap11" if binding.elem.find(f"{{{_SOAP11}}}binding") is not None else "soap12"
    answer = _message(chosen.output, chosen.local_name + "Response") if chosen.output is not None else None
    return Contract(
        *(kind, _message(chosen.input, chosen.local_name), answer),
        wsdl=path.name,
        operation=chosen.local_name,
        endpoint=_endpoint(document.root),
        files=_files(path, document.schema),
    )


def _one(found: dict[str, Any], name: str, said: str) -> Any:
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        hint = did_you_mean(name, found) or "name one with --operation"
        raise MistakeError("unknown-operation", f"{said} {', '.join(sorted(found)) or 'nothing'}", hint)
    return found[name]


def _files(path: Path, schema: Any) -> tuple[Path, ...]:
    """The file itself and the schema files beside it that it imports or includes."""
    used = {Path(unquote(urlsplit(one.url).path)) for one in schema.maps.iter_schemas() if one.url}
    return tuple(sorted({path.resolve()} | {one for one in used if one.is_relative_to(path.resolve().parent)}))


def _endpoint(root: Any) -> str:
    places = [node.get("location", "") for space in (_SOAP11, _SOAP12) for node in root.iter(f"{{{space}}}address")]
    return next(filter(None, places), "")


def _message(reference: Any, name: str) -> Part:
    """Document style: the part's element; rpc style: an element named as the operation, with a child per part."""
    parts = reference.message.parts
    elements = [part for part in parts.values() if hasattr(part, "min_occurs")]
    if elements:
        return _part(elements[0])
    space = getattr(getattr(reference, "soap_body", None), "namespace", "") or ""
    children = [_typed(Part(key), type_) for key, type_ in parts.items()]
    return Part(name, "group", namespace=space, children=children)


def _part(element: Any, above: Above = (), required: bool = True) -> Part:
    most = element.max_occurs
    part = Part(
        element.local_name,
        required=required and element.min_occurs > 0,
        many=most is None or most > 1,
        namespace=element.target_namespace
        if element.qualified or element.ref is not None or element.is_global()
        else "",
        remark=_remark(element) or _remark(element.type),
    )
    return _typed(part, element.type, above)


def _typed(part: Part, type_: Any, above: Above = ()) -> Part:
    part.children = [_attribute(key, found) for key, found in _attributes(type_)]
    if type_.is_simple():
        _simple(part, type_)
    elif type_.has_simple_content():
        _simple(part, type_.content)
    elif type_ in above:
        part.kind = "any"
    else:
        part.kind = "group"
        part.children += _content(type_.content, (*above, type_))
        if not part.children and not type_.is_empty():
            part.kind = "any"
    return part


def _attributes(type_: Any) -> Iterator[tuple[str, Any]]:
    for key, found in (getattr(type_, "attributes", None) or {}).items():
        if key is not None and found.use != "prohibited":
            yield key, found


def _attribute(key: str, found: Any) -> Part:
    space = found.target_namespace if key.startswith("{") else ""
    part = Part(found.local_name, required=found.use == "required", attribute=True, namespace=space)
    part.remark = _remark(found)
    _simple(part, found.type)
    if found.fixed is not None:
        part.choices = (str(found.fixed),)
    return part


def _content(group: Any, above: Above, required: bool = True, branch: str = "") -> list[Part]:
    made: list[Part] = []
    needed = required and group.min_occurs > 0
    for index, item in enumerate(group):
        letter = branch + chr(ord("a") + index % 26) if group.model == "choice" else branch
        if isinstance(item, XsdGroup):
            inner = _content(item, above, needed, letter)
        elif isinstance(item, XsdElement):
            inner = [_part(item, above, needed)]
            inner[0].branch = letter
        else:
            continue
        for part in inner:
            part.many = part.many or group.max_occurs is None or group.max_occurs > 1
        made += inner
    return made


def _simple(part: Part, type_: Any) -> None:
    name = str(_builtin(type_).local_name)
    primitive = getattr(type_, "primitive_type", None)
    root = primitive.local_name if primitive is not None else name
    part.kind = "integer" if root == "decimal" and name != "decimal" else _KINDS.get(root, "text")
    part.choices = tuple(str(value) for value in (getattr(type_, "enumeration", None) or ()))
    part.limits = tuple(_limits(type_))


def _builtin(type_: Any) -> Any:
    while type_.base_type is not None and not str(type_.name).startswith(_XS):
        type_ = type_.base_type
    return type_


def _facets(type_: Any) -> dict[str, Any]:
    found = getattr(type_, "facets", None) or {}
    return {str(key).rpartition("}")[2]: facet for key, facet in found.items()}


def _limits(type_: Any) -> Iterator[str]:
    """What the partner limits; that an int ends at 2147483647 goes without saying."""
    inborn = _facets(_builtin(type_))
    facets = {key: facet for key, facet in _facets(type_).items() if inborn.get(key) is not facet}
    for key, word in {**_FACETS, **_BOUNDS}.items():
        if key in facets:
            yield f"{word} {facets[key].value}"
    if "pattern" in facets:
        yield f"pattern {' | '.join(_patterns(facets['pattern']))}"


def _patterns(facet: Any) -> Iterable[str]:
    return [str(text) for text in getattr(facet, "regexps", ())]


def _remark(component: Any) -> str:
    annotation = getattr(component, "annotation", None)
    texts = [" ".join("".join(node.itertext()).split()) for node in getattr(annotation, "documentation", ())]
    return " ".join(filter(None, texts))
