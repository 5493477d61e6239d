"""Time spans as people write them."""

import re
from functools import lru_cache

from gateway.kernel.errors import ConfigRefused

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@lru_cache(maxsize=1024)
def seconds(span: str) -> float:
    """``"8s"``, ``"200ms"``, ``"5m"`` or ``"1h"`` in seconds."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ConfigRefused("a time span is a number and ms, s, m or h", hint="write 8s or 200ms")
    return float(found[1]) * _UNIT[found[2]]
