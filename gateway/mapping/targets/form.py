"""A form body (application/x-www-form-urlencoded): flat, names to texts."""

from msgspec.structs import replace

from gateway.mapping.code.writer import Code, Parts, Writer
from gateway.mapping.mapfile import Target
from gateway.mapping.opening import is_utf8
from gateway.mapping.runtime.text import form_text
from gateway.mapping.targets.base import Shape, Tree, parse_key
from gateway.mapping.targets.text import as_plain_text
from gateway.mapping.values import Scope, Unit
from gateway.mapping.yamlfile import Map


class FormTree(Tree):
    def __init__(self, unit: Unit, writer: Writer, target: Target) -> None:
        super().__init__(unit, writer)
        self.spelt = "form_text({0})"
        if not is_utf8(target.encoding) or target.lacking != "strict":
            self.spelt = f"form_bytes({{0}}, {target.encoding!r}, {target.lacking!r})"

    def root(self, node: Map, scope: Scope) -> tuple[Parts, Shape]:
        shape = Shape(node.pos, "object")
        parts: Parts = []
        for entry in node:
            key = parse_key(entry.key)
            self.path.append(key.name)
            value = self.value(entry.value, replace(scope, lenient=key.optional))
            self.path.pop()
            text = as_plain_text(value, entry.value.pos, self.unit)
            head = f"&{form_text(key.name)}="
            if key.optional and value.type.optional:
                name = self.unit.temp()
                code = f"(cat({head!r}, {self.spelt.format(name)}) if ({name} := {text}) is not U else '')"
                parts.append(Code(code, entry.value.pos))
                continue
            sure = self.required(value, text, entry.value.pos, key.name)
            parts += [head, Code(self.spelt.format(sure), entry.value.pos)]
        name = self.unit.temp("p")
        self.writer.put_text(f"{name} = ", parts, "", node.pos)
        return [Code(f"{name}[1:]", node.pos)], shape
