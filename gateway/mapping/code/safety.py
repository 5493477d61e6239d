"""The last lock before generated source runs: parsed again, every node and name held against a whitelist, no builtins."""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.mapping.code.writer import Writer
from gateway.mapping.runtime import HELPERS
from gateway.mapping.values import Unit
from gateway.mapping.yamlfile import Pos

_NODES = (
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
    *(ast.Load, ast.Store, ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.FloorDiv, ast.USub, ast.Not, ast.And, ast.Or),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn),
)
_LOCAL = re.compile(r"(?:[a-z]\d+|[hs]_[a-z_0-9]+|d|r|act)")
_CONSTANTS = (str, int, bool, type(None))
_METHODS = frozenset({"append", "extend", "join"})


class UnsafeCodeError(Exception):
    """Generated source left the whitelist: a mistake in the compiler, never loaded."""


def build(writer: Writer, unit: Unit, name: str, file: str) -> Callable[..., Any]:
    """Check and compile one generated function. Positions in it are those of the YAML file."""
    tree = ast.parse(writer.source)
    _hold(tree, unit)
    tree = ast.fix_missing_locations(_Cat().visit(tree))
    _relocate(tree, writer.places)
    namespace: dict[str, Any] = {"__builtins__": {}, **HELPERS, **unit.consts}
    exec(compile(tree, file, "exec"), namespace)  # noqa: S102 - the source is ours and was held against the whitelist
    function: Callable[..., Any] = namespace[name]
    return function


def _hold(tree: ast.Module, unit: Unit) -> None:
    names = {*HELPERS, *unit.consts, "cat"}
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise UnsafeCodeError(f"node {type(node).__name__}")
        if isinstance(node, ast.Name) and node.id not in names and not _LOCAL.fullmatch(node.id):
            raise UnsafeCodeError("a name outside the whitelist")
        if isinstance(node, ast.Attribute) and (
            node.attr.startswith("_") or node.attr not in unit.attributes | _METHODS
        ):
            raise UnsafeCodeError("an attribute outside the whitelist")
        if isinstance(node, ast.Constant) and type(node.value) not in _CONSTANTS:
            raise UnsafeCodeError("a constant of another type")
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            raise UnsafeCodeError("a decorator")


class _Cat(ast.NodeTransformer):
    """``cat(a, b, …)`` becomes one f-string, the fastest way that Python has to join texts."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
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


def _relocate(tree: ast.AST, places: list[Pos]) -> None:
    for node in ast.walk(tree):
        line = getattr(node, "lineno", None)
        if line is None:
            continue
        line, column = places[line - 1].key
        placed: Any = node
        placed.lineno = placed.end_lineno = line
        placed.col_offset, placed.end_col_offset = column, column + 1


def place_of(error: BaseException, file: str) -> tuple[int, int] | None:
    """Place (``Pos.key``) at which generated code failed."""
    found: tuple[int, int] | None = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == file:
            line, _, column, _ = list(code.co_positions())[trace.tb_lasti // 2]
            found = (line or trace.tb_lineno, column or 0)
        trace = trace.tb_next
    return found


def leaf_at(unit_leaves: Mapping[tuple[int, int], Any], place: tuple[int, int] | None) -> Any:
    if place is None:
        return None
    near = [leaf for (line, _), leaf in unit_leaves.items() if line == place[0]]
    return unit_leaves.get(place) or (near[0] if len(near) == 1 else None)
