"""How a leaf of a schema says what it is: its Chinese name, its privacy label and its name in the national 医保 interface.

Used inside ``Annotated``: the same declaration drives typed decoding, the published JSON Schema and the label check.
"""

from typing import Any

import msgspec

from gateway.kernel.labels import Label

I, M, F, O = Label.IDENTITY, Label.MEDICAL, Label.FINANCIAL, Label.OPERATIONAL  # noqa: E741


def leaf(zh: str, label: Label, yibao: str = "", *, told: str = "", **limits: Any) -> msgspec.Meta:
    """Describe one leaf. ``limits`` are msgspec constraints: ge, le, max_length, pattern …

    ``told`` is a pattern that the schema tells of and the leaf's owner checks, in place of the decoder.
    """
    extra: dict[str, Any] = {"x-zh": zh, "x-label": label.value}
    if told:
        extra["pattern"] = told
    if yibao:
        extra["x-yibao"] = yibao
    return msgspec.Meta(extra_json_schema=extra, **limits)
