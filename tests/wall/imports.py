"""Reads imports as they are written, wherever they hide: in functions, under TYPE_CHECKING, relative, or as strings."""

import ast
from collections.abc import Iterator
from pathlib import Path

DYNAMIC = frozenset({"import_module", "__import__", "find_spec", "resolve_name", "run_module", "exec", "eval"})


def named_modules(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """(line, ``gateway.…``) of every module of ours that a file names, imported or written in a text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom():
                base = _base(node, path, root)
                yield node.lineno, base
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            case ast.Constant(value=str() as text) if text.startswith("gateway.") and " " not in text:
                yield node.lineno, text.partition(":")[0]


def _base(node: ast.ImportFrom, path: Path, root: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(root).with_suffix("").parts
    parts = package[: len(package) - node.level]
    return ".".join((*parts, *((node.module,) if node.module else ())))


def dynamic_calls(path: Path) -> Iterator[tuple[int, str]]:
    """(line, name) of every call that loads or runs code by a text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in DYNAMIC:
                yield node.lineno, name


def room_of(module: str) -> str:
    """``gateway.claims.rules.lines`` -> ``claims``; empty for what is not ours."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "gateway" else ""
