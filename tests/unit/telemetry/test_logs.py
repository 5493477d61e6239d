"""Logs: one JSON object a line, listed fields only, and no road for personal data or a peer's words."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.kernel.errors import BadMoney
from gateway.kernel.ids import new_act_id, new_order_id
from gateway.telemetry.logs import dropped_fields, get_logger, setup_logging

CANARIES = (
    "张三",
    "110101199003078515",
    "13800138000",
    "E12345678",
    "6222021234567890123",
    "lung cancer",
    "C34.900x001",
)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    text = io.StringIO()
    setup_logging("INFO", text)
    yield text
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_its_fields(stream: io.StringIO) -> None:
    act = new_act_id()
    get_logger("claims").event("act-sent", act_id=act, insurer="pingan", hospital="H11010100001", attempt=2, ms=41.5)
    (line,) = lines(stream)
    assert line.pop("at").endswith("+00:00")
    fields = {"act_id": act, "insurer": "pingan", "hospital": "H11010100001", "attempt": 2, "ms": 41.5}
    assert line == {"level": "info", "logger": "lianpei.claims", "event": "act-sent"} | fields


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "field", ["order_id", "insurer", "state", "code", "cause", "digest", "diagnosis", "count", "ms"]
)
def test_no_field_lets_a_name_number_or_diagnosis_through(stream: io.StringIO, field: str, canary: str) -> None:
    get_logger("claims").event("test", **{field: canary})
    assert canary not in stream.getvalue()
    assert json.dumps(canary)[1:-1] not in stream.getvalue()
    assert lines(stream)[0]["dropped"] == 1


def test_numbers_as_long_as_a_phone_number_are_no_counts(stream: io.StringIO) -> None:
    get_logger("claims").event("test", count=13800138000)
    assert "13800138000" not in stream.getvalue()


def test_what_was_dropped_is_counted_by_name_and_names_cannot_carry_data_or_grow(stream: io.StringIO) -> None:
    before = dropped_fields()
    log = get_logger("claims")
    log.event("test", patient_name="x", state="张三")
    log.event("test", **{"张三": 1, "110101199003078515": 2})
    for number in range(500):
        log.event("test", **{"n" + "abcdefghij"[number % 10] * (1 + number // 25): 1})
    counts = dropped_fields()
    assert counts["patient_name"] == before.get("patient_name", 0) + 1
    assert counts["state"] == before.get("state", 0) + 1
    assert counts["other"] >= before.get("other", 0) + 2
    assert len(counts) <= 102
    assert not any(character.isdigit() for name in counts for character in name)


def test_an_error_is_told_by_type_code_and_place_and_never_by_its_message(stream: io.StringIO) -> None:
    log = get_logger("claims")
    for wrong in (ValueError("张三 13800138000"), BadMoney("lines of 张三 do not tie out")):
        try:
            raise wrong
        except (ValueError, BadMoney) as caught:
            log.failure("intake-failed", caught, order_id=new_order_id())
    foreign, ours = lines(stream)
    assert "张三" not in stream.getvalue()
    assert "\\u5f20" not in stream.getvalue()
    assert (foreign["error"], "code" in foreign) == ("ValueError", False)
    assert (ours["error"], ours["code"]) == ("BadMoney", "bad-money")
    assert "test_logs:" in ours["at_line"]


def test_other_libraries_words_are_not_repeated(stream: io.StringIO) -> None:
    for name in ("aiohttp.server", "asyncio", "somebody"):
        logging.getLogger(name).error("could not parse %s", "<name>张三</name>", exc_info=ValueError("13800138000"))
    logging.getLogger("lianpei.claims").error("a plain call with 13800138000")
    found = lines(stream)
    assert [line["logger"] for line in found] == ["aiohttp.server", "asyncio", "somebody", "lianpei.claims"]
    assert {line["event"] for line in found} == {"foreign-log"}
    assert "13800138000" not in stream.getvalue()
    assert "name>" not in stream.getvalue()


def test_libraries_that_log_whole_messages_are_never_heard(stream: io.StringIO) -> None:
    for name in ("zeep", "zeep.transports", "zeep.xsd.schema", "aiohttp.access", "urllib3.connectionpool"):
        logging.getLogger(name).error("HTTP Post: <soap>张三</soap>")
    assert stream.getvalue() == ""


def test_below_the_level_nothing_is_written_or_judged(stream: io.StringIO) -> None:
    before = dropped_fields()
    get_logger("claims").debug("detail", quiet_field="x")
    assert stream.getvalue() == ""
    assert dropped_fields() == before


def test_a_log_that_cannot_be_written_is_counted_and_stops_nobody(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dropped_fields().get("unwritten_line", 0)
    stream.close()
    get_logger("claims").event("act-sent", attempt=1)
    assert dropped_fields()["unwritten_line"] == before + 1
    assert capsys.readouterr().err == ""
