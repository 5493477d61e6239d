"""A key said twice is seen at a glance: nothing that the canonical form writes again could make up for its comma."""

import json
import re
from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect
from support.bills import sample_bill

from gateway.claims.canonical.claim import Submission
from gateway.kernel.strictjson import surely_each_key_once

BODY = sample_bill("package", "hcx").body


def again(body: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body, type=Submission))


def twice() -> Iterator[bytes]:
    """The bill with one of its plain members said twice, for each of them."""
    for found in re.finditer(rb'"\w+":(?:"[^"]*"|-?[0-9.]+|true|false),', BODY):
        yield BODY[: found.start()] + found[0] + BODY[found.start() :]


def test_every_member_that_is_said_twice_is_noticed() -> None:
    bodies = list(twice())

    assert len(bodies) > 200
    assert not [body for body in bodies if surely_each_key_once(body, again(body))]


def test_a_number_for_a_text_and_a_zone_without_a_colon_hide_none() -> None:
    """Both are longer when they are written again."""
    told = json.loads(BODY)
    told["lines"][0]["price"] = 80.5
    told["visit"]["begin_at"] = "2025-03-05T09:30:00+0800"
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    hidden = body.replace(b'"kind":', b'"kind":"direct_pay","kind":', 1)

    assert not surely_each_key_once(hidden, again(hidden))


def test_escapes_are_looked_at_closely() -> None:
    assert not surely_each_key_once(rb'{"a":"\u002c","a":1}', b'{"a":1}')


def test_a_plain_bill_needs_no_closer_look() -> None:
    told = json.loads(BODY)
    for name in ("order_kind", "procedures"):
        told.pop(name)
    body = json.dumps(told, ensure_ascii=False).encode()

    assert surely_each_key_once(body, again(body))


def structs(kind: inspect.Type, seen: set[type]) -> Iterator[inspect.StructType]:
    if isinstance(kind, inspect.StructType) and kind.cls not in seen:
        seen.add(kind.cls)
        yield kind
        for field in kind.fields:
            yield from structs(field.type, seen)
    for name in ("types", "item_type", "value_type", "item_types", "type"):
        inner = getattr(kind, name, ())
        for one in inner if isinstance(inner, tuple) else (inner,):
            yield from structs(one, seen)


@pytest.mark.parametrize("struct", [*structs(inspect.type_info(Submission), set())], ids=lambda one: one.cls.__name__)
def test_writing_a_bill_again_adds_no_member(struct: inspect.StructType) -> None:
    """What is absent is left out again: every default is a constant or an empty list or object."""
    assert struct.cls.__struct_config__.omit_defaults
    factories = {field.default_factory for field in struct.fields}
    assert factories <= {msgspec.NODEFAULT, tuple, list, dict, set, frozenset}
