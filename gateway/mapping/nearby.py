"""Names the field of a finished document that a character stands in, for refusals that are found in the bytes."""

import re

_MEMBER = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')
_TAG = re.compile(r"<(/?)([^\s<>/!?]+)(?:[^<>]*?)(/?)>")
_FORM = re.compile(r"(?:^|&)([^=&]*)=")


def field_at(text: str, index: int, kind: str) -> str:
    """The JSON member, the path of XML elements or the form field at ``index``; empty when there is none."""
    before = text[:index]
    if kind in ("json", "form"):
        found = (_MEMBER if kind == "json" else _FORM).findall(before)
        return found[-1] if found else ""
    inside: list[str] = []
    for close, name, alone in _TAG.findall(before):
        if close and inside:
            inside.pop()
        elif not close and not alone:
            inside.append(name)
    opened = re.search(r"<([^\s<>/!?]+)[^<>]*$", before)
    return ".".join([*inside, opened[1]] if opened else inside)
