"""Text to syntax tree. Python's parser is used as a parser only; what it returns is never run."""

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass
from functools import lru_cache

from gateway.mapping.errors import MistakeError
from gateway.mapping.unconfirmed import refuse_suggestion

MAX_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Loop:
    """``x in list where cond``, as ``$each`` says it."""

    variable: str
    iterable: ast.expr
    condition: ast.expr | None


@lru_cache(maxsize=8192)
def parse_expression(text: str) -> ast.expr:
    """Raises ``MistakeError`` (``bad-expression``) with the offset of the place that can't be read."""
    if not text.strip():
        raise MistakeError("bad-expression", "an empty expression", "write = for empty text, null for null")
    return _parse(text, "(", ")")


def parse_loop(text: str) -> Loop:
    """The text after ``$each``. Raises ``MistakeError`` when it isn't ``name in list [where cond]``."""
    tree = _parse(text, "(0 for ", ")")
    if not isinstance(tree, ast.GeneratorExp) or len(tree.generators) != 1:
        raise MistakeError("bad-expression", "$each needs: name in list [where condition]")
    return loop_of(tree.generators[0])


def loop_of(part: ast.comprehension) -> Loop:
    if not isinstance(part.target, ast.Name) or part.is_async or len(part.ifs) > 1:
        raise MistakeError("bad-expression", "a loop needs: name in list [where condition]")
    return Loop(part.target.id, part.iter, part.ifs[0] if part.ifs else None)


def _parse(text: str, before: str, after: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise MistakeError("bad-expression", f"an expression may have {MAX_LENGTH} characters")
    refuse_suggestion(text)
    if before == "(" and _is_plain(text):
        before = after = ""
    source = before + _where_to_if(text) + after
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        offset = max(0, (error.offset or 1) - 1 - len(before)) if error.lineno == 1 else 0
        raise MistakeError("bad-expression", f"can't be read: {error.msg}", offset=min(offset, len(text))) from None
    except (Warning, ValueError, RecursionError, MemoryError):
        raise MistakeError("bad-expression", "can't be read") from None
    if before:
        _shift(tree, source, len(before))
    return tree


_WORDS = re.compile(r"\b(?:where|if)\b|#")


def _is_plain(text: str) -> bool:
    """Python's own positions are those of the text: one line of ASCII."""
    return text.isascii() and "\n" not in text and text[0] not in " \t"


def _where_to_if(text: str) -> str:
    """``where`` is our word for a loop's filter; Python's ``if`` in that place is refused so that there is one spelling."""
    if not _WORDS.search(text):
        return text
    pieces = text.split("\n")
    wheres = loop_depth = 0
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return text
    for token in tokens:
        if token.type == tokenize.NAME and token.string == "where":
            (row, start), (_, end) = token.start, token.end
            line = pieces[row - 1]
            pieces[row - 1] = line[:start] + "if   " + line[end:]
            wheres += 1
        loop_depth += token.type == tokenize.COMMENT
    if loop_depth:
        raise MistakeError(
            "bad-expression", "a # can't stand in an expression", "put comments on a YAML line of their own"
        )
    joined = "\n".join(pieces)
    _count_filters(joined, wheres)
    return joined


def _count_filters(text: str, wheres: int) -> None:
    words = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO("(" + text + "\n)").readline)
        if token.type == tokenize.NAME
    ]
    if words.count("if") - words.count("else") > wheres:
        raise MistakeError("bad-expression", "a loop's filter is written with where, a choice needs if and else")


def _shift(tree: ast.expr, source: str, before: int) -> None:
    first = source.split("\n", 1)[0].encode()
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            column = len(first[: node.col_offset].decode("utf-8", "ignore")) if node.lineno == 1 else before
            node.col_offset = max(0, column - before)
