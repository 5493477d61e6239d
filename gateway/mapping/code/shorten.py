"""The look-ups of a reading function, shortened after the lock: the same answers with fewer calls for each leaf.

- An object of which several members are read is asked for being one once; its members are then got in line.
- The children of an element of which several texts are read are walked over once.
- What is text already needs no call to become text, and what is there none to be needed.

The helpers' own definitions stay the rule: in every other case they are called as before.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gateway.mapping.runtime.documents import TRIM_NAMES, jmissing, xtexts

NAMES: Mapping[str, Any] = {
    **{"jmissing": jmissing, "xtexts": xtexts, "TRIM": TRIM_NAMES},
    **{"kind_of": type, "STR": str, "DICT": dict, "EMPTY": MappingProxyType({})},
}
"""What shortened code calls besides the helpers."""
_BOXES = {"jget": "{0} if kind_of({0}) is DICT else EMPTY", "xget": "xtexts({0})"}
_MISSING = "(U if B.keys() <= TRIM else {0})"
"""No name in the box has blanks around it: then none of them can be another spelling of the one that is missing."""
_WORTH = 2
"""So many look-ups in one value pay for its box."""
_Chain = list[tuple[ast.AST, str]]


def shortened(function: ast.FunctionDef) -> ast.FunctionDef:
    """The same function; every new node lies where the one lies that it stands for."""
    survey = _Survey(function)
    boxed = {name: kind for name, kind in survey.worth.items() if survey.bound[name] == 1}
    return _Shortener(boxed, survey.texts).of_function(function) if boxed or survey.calls else function


def _call_of(node: ast.AST, *names: str) -> str:
    """The helper's name when the node is a call of one of them."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
        return node.func.id
    return ""


class _Survey:
    """Who reads what: look-ups per variable, and which of an element's children are read for their text alone."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.bound = Counter(_bound_names(function))
        self.texts: set[int] = set()
        """Calls of ``xget`` (by identity) whose element is only ever asked for its text."""
        self.calls = 0
        self._uses: dict[str, list[ast.AST]] = defaultdict(list)
        """Parents of each reading of a name."""
        self._named: list[tuple[ast.Call, ast.AST]] = []
        self._listed: set[str] = set()
        counts: Counter[tuple[str, str]] = Counter()
        for node, parent in _with_parents(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._uses[node.id].append(parent)
            elif isinstance(node, ast.Call):
                self._call(node, parent, counts)
        for call, parent in self._named:
            if self._for_text(parent):
                self.texts.add(id(call))
                counts["xget", _first_name(call)] += 1
        self.worth = {
            name: kind for (kind, name), number in counts.items() if number >= _WORTH and name not in self._listed
        }

    def _call(self, node: ast.Call, parent: ast.AST, counts: "Counter[tuple[str, str]]") -> None:
        kind = _call_of(node, "jget", "xget", "xall", "need", "dtext")
        self.calls += bool(kind)
        name = _first_name(node)
        if kind == "jget" and name:
            counts[kind, name] += 1
        elif kind == "xget" and name and len(node.args) == _WORTH:
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
        for node in ast.iter_child_nodes(parent):
            yield node, parent
            waiting.append(node)


def _bound_names(function: ast.FunctionDef) -> Iterator[str]:
    """Names given by statements, where a box can be made in the next one."""
    yield from (arg.arg for arg in function.args.args)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            yield node.target.id


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
        node.body = [*(self._box(arg.arg, node.body[0]) for arg in node.args.args if arg.arg in self._boxed), *node.body]
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
        if len(node.args) == _WORTH:
            return found
        node.args[:2] = [found]
        return node

    def _text(self, node: Any, otherwise: str) -> ast.expr:
        """``dtext(x)``: what is text already needs no call. A member of a box is asked while it is got."""
        value = node.args[0]
        if _call_of(value, "jget") and len(value.args) == _WORTH and self._boxed.get(_first_name(value)) == "jget":
            rest = f"dtext(W) if W is not None else {_MISSING.format('dtext(jmissing(B, K))')}"
            return self._got(f"(W if kind_of(W := B.get(K)) is STR else {otherwise.format(rest)})", value)
        rest = otherwise.format("dtext(W)")
        return self._made(f"(W if kind_of(W := X) is STR else {rest})", node, X=self.visit(value))

    def _got(self, source: str, look_up: ast.Call) -> ast.expr:
        """``source`` with the box and the key of a look-up."""
        box = ast.Name(_box_name(_first_name(look_up)), ast.Load())
        return self._made(source, look_up, B=_placed(box, look_up), K=look_up.args[1])

    def _box(self, name: str, near: ast.AST) -> ast.stmt:
        made = ast.parse(f"{_box_name(name)} = {_BOXES[self._boxed[name]].format(name)}").body[0]
        return _placed(made, near)

    def _made(self, source: str, near: ast.expr, **holes: ast.expr) -> ast.expr:
        """An expression with its holes filled; ``W`` is a name of its own."""
        self._count += 1
        own = f"w{self._count}"
        tree = _placed(ast.parse(source, mode="eval").body, near)
        filled: ast.expr = _Filler(holes, own).visit(tree)
        return filled


class _Filler(ast.NodeTransformer):
    def __init__(self, holes: Mapping[str, ast.expr], own: str) -> None:
        self._holes, self._own = holes, own

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "W":
            node.id = self._own
        return self._holes.get(node.id, node)


def _box_name(name: str) -> str:
    return f"b_{name}"


def _placed(made: Any, near: Any) -> Any:
    for node in ast.walk(made):
        if "lineno" in node._attributes:
            ast.copy_location(node, near)
    return made
