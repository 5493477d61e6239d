"""A whole document of any kind, walked."""

from gateway.mapping.explain.csv import CsvWalk
from gateway.mapping.explain.json import JsonWalk
from gateway.mapping.explain.rows import Walk
from gateway.mapping.explain.texts import FormWalk
from gateway.mapping.explain.values import Names
from gateway.mapping.explain.xml import XmlWalk
from gateway.mapping.mapfile import SOAP, Target
from gateway.mapping.outside import ENVELOPES
from gateway.mapping.targets.xml import declaration
from gateway.mapping.yamlfile import Map


def tree_text(outer: Walk, tree: Map, target: Target, names: Names) -> str:
    """The tree as text, without declaration or envelope; its values join the outer account, below its place."""
    if target.kind == "json":
        return JsonWalk(outer.mapping, outer).node(tree, names)
    if target.kind == "form":
        return FormWalk(outer.mapping, target, outer).root(tree, names)
    if target.kind == "csv":
        return CsvWalk(outer.mapping, target, outer).root(tree, names)
    return XmlWalk(outer.mapping, outer).root(tree, names)


def document_text(outer: Walk, tree: Map, target: Target, names: Names) -> str:
    """A whole document as text, before it is encoded."""
    if target.kind in ("json", "form", "csv"):
        return tree_text(outer, tree, target, names)
    head = tree.get("$header")
    blocks = XmlWalk(outer.mapping, outer).blocks(head, names) if isinstance(head, Map) else ""
    text = tree_text(outer, Map(tree.pos, [entry for entry in tree if entry.key != "$header"]), target, names)
    if target.kind in SOAP:
        header = f"<soap:Header>{blocks}</soap:Header>" if blocks else ""
        opened = f'<soap:Envelope xmlns:soap="{ENVELOPES[target.kind]}">{header}<soap:Body>'
        text = f"{opened}{text}</soap:Body></soap:Envelope>"
    return (declaration(target.declared or target.encoding) if target.declaration else "") + text
