"""Reads the error codes that the gateway's source can tell, so that the documentation can be held against them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.mapping.schemas.facets import BREACHES
from gateway.mapping.schemas.xsdorder import CLASHES

ROOT = Path(__file__).resolve().parents[3]
GATEWAY = ROOT / "gateway"
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MEMBER = "code"
"""The name under which a code is told, as in ``{"code": …}``, is none itself."""
_OUTCOMES = frozenset({"Refused", "NotSent", "Unknown"})
_APART = frozenset({"sandbox", "cli", "functions", "targets", "expressions"})
"""The sandbox's codes are the synthetic partners' own; the commands print codes of others; in the compiler of the
mapping language ``code`` is generated Python."""
_GAPS = frozenset({"why_not"})
_ENDINGS = frozenset({"_close", "_park", "drop", "_drop", "decline"})
"""Functions that are given the reason for which a claim ends."""
_OTHER_CODES = frozenset({"replace"})
"""``dataclasses.replace(value, code=…)`` is about generated Python too."""


def source_codes() -> set[str]:
    """Every error code that the rooms can tell."""
    files = [file for file in GATEWAY.rglob("*.py") if not _APART & set(file.relative_to(GATEWAY).parts)]
    return {code for file in files for code in module_codes(ast.parse(file.read_text("utf-8")))}


def claim_reasons() -> set[str]:
    """Reasons that the claims room writes on a claim: the consent's gaps and what the engine and the judge hand on."""
    found = _returned(ast.parse((GATEWAY / "claims" / "consent.py").read_text("utf-8")))
    for file in (GATEWAY / "claims" / "conversation").glob("*.py"):
        found |= _reasons(ast.parse(file.read_text("utf-8")))
    return {reason for reason in found if "-" in reason}


def _reasons(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any("reason" in ast.unparse(target).lower() for target in node.targets):
            found |= set(_texts(node.value))
        if isinstance(node, ast.Call):
            found |= {text for word in node.keywords if word.arg == "reason" for text in _texts(word.value)}
            if _name(node.func) in _ENDINGS:
                found |= {text for argument in node.args for text in _texts(argument)}
        if isinstance(node, ast.FunctionDef) and node.name in _GAPS:
            found |= _returned(node)
    return found


def _returned(tree: ast.AST) -> set[str]:
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    return {text for value in returns for text in _texts(value)}


def mistake_codes() -> set[str]:
    """Codes of the mapping check: the argument after the place, or the first of ``MistakeError``."""
    found: set[str] = set()
    for file in (GATEWAY / "mapping").rglob("*.py"):
        for call in _calls(ast.parse(file.read_text("utf-8"))):
            position = {"MistakeError": 0, "note": 1, "_note": 1, "wrong": 1, "_mistake": 2}.get(_name(call.func))
            if position is not None and len(call.args) > position:
                found |= set(_texts(call.args[position]))
    return found | {"opaque"} | set(BREACHES) | set(CLASHES)


def module_codes(tree: ast.Module) -> set[str]:
    places = _code_parameters(tree)
    outcomes = _OUTCOMES if _imports_outcome(tree) else frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _assigns_code(node):
            found |= set(_texts(node.value))
        if isinstance(node, ast.Call):
            found |= _call_codes(node, places, outcomes)
    return found


def _call_codes(call: ast.Call, places: dict[str, int], outcomes: frozenset[str]) -> set[str]:
    name = _name(call.func)
    found: set[str] = set()
    if name not in _OTHER_CODES:
        found |= {text for word in call.keywords if word.arg == "code" for text in _texts(word.value)}
    position = 0 if name in outcomes else places.get(name)
    if position is not None and len(call.args) > position:
        found |= set(_texts(call.args[position]))
    return found


def _assigns_code(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == "code" for target in targets)


def _code_parameters(tree: ast.Module) -> dict[str, int]:
    """Functions of this module that are given a code by position: name to position."""
    found: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in node.args.args]
            if "code" in names:
                found[node.name] = names.index("code")
    return found


def _imports_outcome(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.module == "gateway.kernel.outcome" for node in ast.walk(tree))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _texts(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and text != _MEMBER and _CODE.fullmatch(text):
            yield text
