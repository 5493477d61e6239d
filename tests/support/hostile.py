"""What a refusal must look like, whatever was sent, and bytes that try to break a door."""

import gzip
import json
from typing import Any

from support.bills import SampleBill
from support.house import Answer, House

PLANT = "PLANTED7Q"
"""Planted into what is sent: it must come back in no answer and stand in no log."""
_TRACES = (b"Traceback", b'File "', b"aiohttp", b"msgspec", b"lxml", b".py")
ENTITY_DOCTYPE = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><document>&x;{PLANT}</document>'.encode()
LAUGHS = (
    b'<!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(f'<!ENTITY a{n} "{f"&a{n - 1 if n > 1 else str()};" * 10}">'.encode() for n in range(1, 12))
    + b"]><document>&a11;</document>"
)
REMOTE_DTD = b'<!DOCTYPE document SYSTEM "http://127.0.0.1:9/x.dtd"><document><request/></document>'


def require_refusal(answer: Answer, status: int, *codes: str) -> dict[str, Any]:
    """A problem document with a stable code, no trace of the code behind it and nothing that was sent."""
    assert answer.status == status, (answer.status, answer.body[:500])
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.headers
    document: dict[str, Any] = answer.document
    assert document["status"] == status
    assert document["code"] in codes, document
    assert document["type"].endswith("/" + document["code"])
    assert document["title"]
    assert not any(trace in answer.body for trace in _TRACES), answer.body
    assert PLANT.encode() not in answer.body
    return document


async def require_serving(house: House, bill: SampleBill) -> None:
    """The gateway lives and settles an ordinary bill."""
    assert (await house.call("GET", "/readyz", door="operator")).status == 200
    answer = await house.submit(bill)
    assert answer.is_decided, answer.body


def replaced(bill: SampleBill, old: str, new: str) -> bytes:
    """The body with one piece of text changed; it must be there."""
    text = bill.body.decode()
    assert old in text, old
    return text.replace(old, new, 1).encode()


def first_amount(bill: SampleBill) -> str:
    return f'"total":{bill.submission["split"]["total"]}'


def bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes << 20))


def deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def spelt(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def breaks(log: bytes) -> int:
    """How often a door answered "internal error"."""
    return log.count(b'"door-broke"')
