"""One seal to be measured beside its bare primitive."""

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """``seal_and_open`` seals with one end and opens with the other; ``bare`` does the same work by hand.

    By hand: the primitive's calls for both directions and, where the profile signs a canonical text, one canonicalisation
    on each side.
    """

    name: str
    size: int
    """Bytes of the document."""
    seal_and_open: Callable[[], object]
    bare: Callable[[], object]


def document(size: int) -> bytes:
    """A claim as compact JSON with as many fee lines as fit ``size`` bytes."""
    claim = {"claimNo": "TEST0001", "insured": "测试患者甲", "total": 430.5, "lines": list[dict[str, object]]()}
    line = {"no": 1, "code": "00TST0000000101", "name": "测试药品一", "price": 38.4567, "count": 10, "amount": 384.57}
    room = size - len(_compact(claim))
    claim["lines"] = [{**line, "no": number} for number in range(max(1, room // (len(_compact(line)) + 3)))]
    return _compact(claim)


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
