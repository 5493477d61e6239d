"""What the run time does the short way must give what the long way gives."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from gateway.kernel.errors import MessageRefused
from gateway.kernel.xml import MAX_DEPTH, parse_xml
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.dates import YEARS, localiser
from gateway.mapping.runtime.documents import dtext, xall, xget
from gateway.mapping.runtime.text import xattr, xtext

SHANGHAI = ZoneInfo("Asia/Shanghai")


def nested(depth: int) -> bytes:
    """The shortest document of this depth."""
    return b"<a>" * (depth - 1) + b"<a/>" + b"</a>" * (depth - 1)


def test_shortest_document_that_is_too_deep_is_refused() -> None:
    assert parse_xml(nested(MAX_DEPTH)).tag == "a"
    with pytest.raises(MessageRefused):
        parse_xml(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("name", ["*", "", "{*}b", "a}b", "{urn:x}b"])
def test_name_with_a_meaning_of_its_own_finds_nothing(name: str) -> None:
    root = parse_xml(b'<a xmlns:p="urn:x"><p:b>1</p:b><b>2</b></a>')
    assert xall(root, name) == []
    assert dtext(xget(root, name)) is dtext(xget(root, "missing"))


def test_child_is_found_by_its_local_name_in_any_namespace_and_in_order() -> None:
    root = parse_xml(b'<a xmlns:p="urn:x"><?b odd?><p:b>1</p:b><!-- b --><b>2<c/>3</b></a>')
    assert [dtext(child) for child in xall(root, "b")] == ["1", "23"]
    assert dtext(xget(root, "b")) == "1"


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\ud800", "\ufffe"])
@pytest.mark.parametrize("escape", [xtext, xattr])
def test_character_that_xml_cannot_carry_is_refused_wherever_it_stands(escape: object, bad: str) -> None:
    assert callable(escape)
    for text in (bad, f"a{bad}", f"&{bad}", f"{bad}&"):
        with pytest.raises(RefusalError):
            escape(text)


def test_years_have_four_digits() -> None:
    assert [YEARS[year] for year in (1, 999, 2025)] == ["0001", "0999", "2025"]
    assert YEARS[date(476, 9, 4).year] == "0476"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2025, 3, 5, 9, tzinfo=timezone(timedelta(hours=8))),
        datetime(2025, 3, 5, 9, tzinfo=SHANGHAI),
        datetime(2025, 3, 5, 9, tzinfo=UTC),
        datetime(1988, 7, 1, 9, tzinfo=timezone(timedelta(hours=8))),  # summer time then: +09:00
        datetime(1991, 12, 31, 23, 59, tzinfo=UTC),
    ],
)
def test_local_time_is_that_of_the_zone_on_that_day(moment: datetime) -> None:
    local, there = localiser(SHANGHAI)(moment), moment.astimezone(SHANGHAI)
    assert local.replace(tzinfo=None) == there.replace(tzinfo=None)
