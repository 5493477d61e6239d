"""What generated code may call. Every helper is listed in ``HELPERS``; nothing else is in its namespace."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.mapping.runtime import base, budget, dates, documents, numbers, text, widths, words

HELPERS: Mapping[str, Callable[..., Any] | object] = {
    **base.HELPERS,
    **budget.HELPERS,
    **documents.HELPERS,
    **text.HELPERS,
    **widths.HELPERS,
    **words.HELPERS,
    **numbers.HELPERS,
    **dates.HELPERS,
    "len": len,
    "sum": sum,
    "any": any,
    "all": all,
    "min": min,
    "max": max,
    "abs": abs,
    "enumerate": enumerate,
}
