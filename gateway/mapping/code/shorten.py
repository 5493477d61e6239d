"""The look-ups of a reading function, shortened after the lock: the same answers with fewer calls for each leaf.

- An object of which several members are read is asked for being one once; its members are then got in line.
- The children of an element of which several texts are read are walked over once.
- What is text already needs no call to become text, and what is there none to be needed.

The helpers' own definitions stay the rule: in every other case they are called as before.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from gateway.mapping.runtime.documents import TRIM_NAMES, jmissing, xtexts

NAMES: Mapping[str, Any] = {
    "jmissing": jmissing,
    "xtexts": xtexts,
    "TRIM": TRIM_NAMES,
    "kind_of": type,
    "DICT": dict,
    "EMPTY": MappingProxyType({}),
}
"""What shortened code calls besides the helpers."""
READS = re.compile(r"\b(?:[jx]get|dtext)\(")
"""Whether source has anything that could be shorter."""
_BOXES = {"jget": "V if kind_of(V) is DICT else EMPTY", "xget": "xtexts(V)"}
_MISSING = "(U if B.keys() <= TRIM else {0})"
"""No name in the box has blanks around it: then none of them can be another spelling of the one that is missing."""
_WORTH = 2
"""So many look-ups in one value pay for its box."""
_ONE_STEP = 2
"""Arguments of a look-up by one name: in what, and the name."""


def shortened(function: ast.FunctionDef) -> ast.FunctionDef:
    """The same function; every new node lies where the one lies that it stands for."""
    survey = _Survey(function)
    boxed = {name: kind for name, kind in survey.worth.items() if survey.bound[name] == 1}
    return _Shortener(boxed, survey.texts).of_function(function)


def _call_of(node: ast.AST, *names: str) -> str:
    """The helper's name when the node is a call of one of them."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
        return node.func.id
    return ""


class _Survey:
    """Who reads what: look-ups per variable, and which of an element's children are read for their text alone."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.bound = Counter(arg.arg for arg in function.args.args)
        """Names given by statements, where a box can be made in the next one."""
        self.texts: set[int] = set()
        """Calls of ``xget`` (by identity) whose element is only ever asked for its text."""
        self._uses: dict[str, list[ast.AST]] = defaultdict(list)
        """Parents of each reading of a name."""
        self._named: list[tuple[ast.Call, ast.AST]] = []
        self._listed: set[str] = set()
        counts: Counter[tuple[str, str]] = Counter()
        for node, parent in _with_parents(function):
            if isinstance(node, ast.Name):
                self._name(node, parent)
            elif isinstance(node, ast.Call):
                self._call(node, parent, counts)
        for call, parent in self._named:
            if self._for_text(parent):
                self.texts.add(id(call))
                counts["xget", _first_name(call)] += 1
        self.worth = {
            name: kind for (kind, name), number in counts.items() if number >= _WORTH and name not in self._listed
        }

    def _name(self, node: ast.Name, parent: ast.AST) -> None:
        if isinstance(node.ctx, ast.Load):
            self._uses[node.id].append(parent)
        elif isinstance(parent, ast.Assign | ast.For):
            self.bound[node.id] += 1

    def _call(self, node: ast.Call, parent: ast.AST, counts: "Counter[tuple[str, str]]") -> None:
        kind = _call_of(node, "jget", "xget", "xall")
        name = _first_name(node)
        if kind == "jget" and name:
            counts[kind, name] += 1
        elif kind == "xget" and name and len(node.args) == _ONE_STEP:
            self._named.append((node, parent))
        elif kind == "xall":
            # An element that holds a list may have very many children: it is better asked child by child.
            self._listed.add(name)

    def _for_text(self, parent: ast.AST) -> bool:
        if isinstance(parent, ast.NamedExpr):
            return all(_call_of(use, "dtext") for use in self._uses[parent.target.id])
        return bool(_call_of(parent, "dtext"))


def _with_parents(root: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        for name in parent._fields:
            inner = getattr(parent, name, None)
            for node in inner if isinstance(inner, list) else (inner,):
                if isinstance(node, ast.stmt | ast.expr | ast.comprehension):
                    yield node, parent
                    waiting.append(node)


def _first_name(node: ast.Call) -> str:
    return node.args[0].id if node.args and isinstance(node.args[0], ast.Name) else ""


class _Shortener(ast.NodeTransformer):
    def __init__(self, boxed: Mapping[str, str], texts: set[int]) -> None:
        self._boxed, self._texts = boxed, texts
        self._count = 0
        self._iterable = 0
        """Depth of comprehension iterables around: Python allows no assignment expression in them."""

    def of_function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.body = [
            *(self._box(arg.arg, node.body[0]) for arg in node.args.args if arg.arg in self._boxed),
            *node.body,
        ]
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and node.target.id in self._boxed:
            node.body.insert(0, self._box(node.target.id, node))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._boxed:
            return [node, self._box(target.id, node)]
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        self._iterable += 1
        node.iter = self.visit(node.iter)
        self._iterable -= 1
        node.ifs = [self.visit(test) for test in node.ifs]
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        kind = "" if self._iterable else _call_of(node, "jget", "xget", "dtext", "need")
        if kind == "dtext":
            return self._text(node, "{0}")
        if kind == "need" and _call_of(node.args[0], "dtext"):
            return self._text(node.args[0], "need({0})")
        is_child = id(node) in self._texts
        self.generic_visit(node)
        if kind == "need":
            return self._made("(W if (W := X) is not U else need(W))", node, X=node.args[0])
        if kind == "jget" and self._boxed.get(_first_name(node)) == kind:
            return self._member(node)
        if kind == "xget" and self._boxed.get(_first_name(node)) == kind and is_child:
            return self._got("B.get(K, U)", node)
        return node

    def _member(self, node: ast.Call) -> ast.expr:
        """``jget(v, "a")``: got from the box; what is null, missing or spelt with blanks is looked for by the helper."""
        found = self._got(f"(W if (W := B.get(K)) is not None else {_MISSING.format('jmissing(B, K)')})", node)
        if len(node.args) == _ONE_STEP:
            return found
        node.args[:2] = [found]
        return node

    def _text(self, node: Any, otherwise: str) -> ast.expr:
        """``dtext(x)``: what is text already needs no call. A member of a box is asked while it is got."""
        value = node.args[0]
        if _call_of(value, "jget") and len(value.args) == _ONE_STEP and self._boxed.get(_first_name(value)) == "jget":
            rest = f"dtext(W) if W is not None else {_MISSING.format('dtext(jmissing(B, K))')}"
            return self._got(f"(W if kind_of(W := B.get(K)) is STR else {otherwise.format(rest)})", value)
        rest = otherwise.format("dtext(W)")
        return self._made(f"(W if kind_of(W := X) is STR else {rest})", node, X=self.visit(value))

    def _got(self, source: str, look_up: ast.Call) -> ast.expr:
        """``source`` with the box and the key of a look-up."""
        box = ast.Name(_box_name(_first_name(look_up)), ast.Load(), **_place(look_up))
        return self._made(source, look_up, B=box, K=look_up.args[1])

    def _box(self, name: str, near: ast.expr | ast.stmt) -> ast.stmt:
        holes = {"V": ast.Name(name, ast.Load(), **_place(near))}
        value = _filled(_pattern(_BOXES[self._boxed[name]]), holes, _place(near))
        target = ast.Name(_box_name(name), ast.Store(), **_place(near))
        return ast.Assign([target], value, **_place(near))

    def _made(self, source: str, near: ast.expr, **holes: ast.expr) -> ast.expr:
        """An expression with its holes filled; ``W`` is a name of its own."""
        self._count += 1
        found: ast.expr = _filled(_pattern(source), {**holes, "W": f"w{self._count}"}, _place(near))
        return found


def _box_name(name: str) -> str:
    return f"b_{name}"


@lru_cache(maxsize=64)
def _pattern(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _filled(pattern: Any, holes: Mapping[str, Any], place: Mapping[str, int]) -> Any:
    """A copy of the pattern at a place; each name that is a hole gives way to its expression, or takes another name."""
    if isinstance(pattern, ast.Name):
        hole = holes.get(pattern.id, pattern.id)
        return ast.Name(hole, pattern.ctx, **place) if isinstance(hole, str) else hole
    if isinstance(pattern, list):
        return [_filled(part, holes, place) for part in pattern]
    if not isinstance(pattern, ast.expr):
        return pattern
    return type(pattern)(*(_filled(getattr(pattern, name), holes, place) for name in pattern._fields), **place)


def _place(node: ast.expr | ast.stmt) -> dict[str, Any]:
    ends = {"end_lineno": node.end_lineno, "end_col_offset": node.end_col_offset}
    return {"lineno": node.lineno, "col_offset": node.col_offset, **ends}
