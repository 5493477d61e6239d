"""The last lock before generated source runs: parsed again, every node and name held against a whitelist, no builtins."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.mapping.code.shorten import NAMES, READS, shortened
from gateway.mapping.code.writer import Writer
from gateway.mapping.runtime import HELPERS
from gateway.mapping.values import Unit
from gateway.mapping.yamlfile import Pos

_BARE = frozenset(
    (
        *(ast.Load, ast.Store, ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.FloorDiv, ast.USub, ast.Not, ast.And, ast.Or),
        *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn),
    )
)
"""Operators and contexts: nodes that hold nothing."""
_WITH_PARTS: tuple[type[ast.AST], ...] = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.Expr, ast.If, ast.For, ast.Pass),
    *(ast.Call, ast.Name, ast.Attribute, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.Slice),
    *(
        ast.BinOp,
        ast.UnaryOp,
        ast.BoolOp,
        ast.Compare,
        ast.IfExp,
        ast.NamedExpr,
        ast.ListComp,
        ast.comprehension,
        ast.Lambda,
    ),
)
_NODES = frozenset((*_WITH_PARTS, *_BARE))
_LOCAL = re.compile(r"(?:[a-z]\d+|[hs]_[a-z_0-9]+|d|r|act)")
_CONSTANTS = (str, int, bool, type(None))
_METHODS = frozenset({"append", "extend", "join"})


class UnsafeCodeError(Exception):
    """Generated source left the whitelist: a mistake in the compiler, never loaded."""


def build(writer: Writer, unit: Unit, name: str, file: str) -> Callable[..., Any]:
    """Check and compile one generated function. Positions in it are those of the YAML file."""
    tree: ast.Module = _Lock(unit, writer.places).held(ast.parse(writer.source))
    if READS.search(writer.source):
        tree.body = [shortened(part) if isinstance(part, ast.FunctionDef) else part for part in tree.body]
    namespace: dict[str, Any] = {"__builtins__": {}, **NAMES, **HELPERS, **unit.consts}
    exec(compile(tree, file, "exec"), namespace)  # noqa: S102 - the source is ours and was held against the whitelist
    function: Callable[..., Any] = namespace[name]
    return function


class _Lock:
    """One walk over a tree: every node is held against the whitelist, put at its place in the YAML file, and
    ``cat(a, b, …)`` becomes one f-string, the fastest way that Python has to join texts."""

    def __init__(self, unit: Unit, places: list[Pos]) -> None:
        self._names = {*HELPERS, *unit.consts, "cat"}
        self._attributes = unit.attributes | _METHODS
        self._places = places

    def held(self, node: Any) -> Any:
        kind = type(node)
        if kind not in _NODES:
            raise UnsafeCodeError(f"node {kind.__name__}")
        rule = _HELD.get(kind)
        if rule is not None:
            rule(self, node)
        for name in kind._fields:
            inner = getattr(node, name, None)
            if isinstance(inner, list):
                inner[:] = [self.held(one) if isinstance(one, ast.AST) else one for one in inner]
            elif isinstance(inner, ast.AST) and type(inner) not in _BARE:
                setattr(node, name, self.held(inner))
        if "lineno" in kind._attributes:
            line, column = self._places[node.lineno - 1].key
            node.lineno = node.end_lineno = line
            node.col_offset, node.end_col_offset = column, column + 1
        return _as_text(node) if kind is ast.Call else node

    def name(self, node: ast.Name) -> None:
        if node.id not in self._names and not _LOCAL.fullmatch(node.id):
            raise UnsafeCodeError("a name outside the whitelist")

    def attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("_") or node.attr not in self._attributes:
            raise UnsafeCodeError("an attribute outside the whitelist")

    def constant(self, node: ast.Constant) -> None:
        if type(node.value) not in _CONSTANTS:
            raise UnsafeCodeError("a constant of another type")

    def function(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise UnsafeCodeError("a decorator")


_HELD: dict[type[ast.AST], Callable[..., None]] = {
    ast.Name: _Lock.name,
    ast.Attribute: _Lock.attribute,
    ast.Constant: _Lock.constant,
    ast.FunctionDef: _Lock.function,
}


def _as_text(node: ast.Call) -> ast.expr:
    if not (isinstance(node.func, ast.Name) and node.func.id == "cat"):
        return node
    values: list[ast.expr] = []
    for arg in node.args:
        if isinstance(arg, ast.JoinedStr):
            values += arg.values
        elif isinstance(arg, ast.Constant) and isinstance(arg.value, str):
            values.append(arg)
        else:
            values.append(ast.copy_location(ast.FormattedValue(arg, -1, None), arg))
    return ast.copy_location(ast.JoinedStr(values), node)


def place_of(error: BaseException, file: str) -> tuple[int, int] | None:
    """Place (``Pos.key``) at which generated code failed."""
    found: tuple[int, int] | None = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == file:
            found = place_at(list(code.co_positions()), trace.tb_lasti)
        trace = trace.tb_next
    return found


def place_at(positions: Sequence[tuple[int | None, ...]], instruction: int) -> tuple[int, int]:
    line, _, column, _ = positions[instruction // 2]
    return line or 0, column or 0


def leaf_at(unit_leaves: Mapping[tuple[int, int], Any], place: tuple[int, int] | None) -> Any:
    if place is None:
        return None
    near = [leaf for (line, _), leaf in unit_leaves.items() if line == place[0]]
    return unit_leaves.get(place) or (near[0] if len(near) == 1 else None)
