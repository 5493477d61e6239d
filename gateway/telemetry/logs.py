"""Logs as JSON lines of ids, codes, states and durations.

A field that is not on the list, or does not look as its kind must, is dropped and counted: a log line is the easiest
way out for personal data, so nothing gets in by being passed. What other libraries log is cut down to logger, level and
place, because their texts may quote a patient or a key. Exceptions are told by type and our own error code, never by
their message.
"""

import json
import logging
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

from gateway.kernel.errors import LianpeiError

_OUR_ID = re.compile(r"(ord|clm|act|evt|stl|req)_[0-9A-Z]{26}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,63}")
_ROUTE = re.compile(r"/[A-Za-z0-9_{}/.-]{0,63}")
_DIGEST = re.compile(r"(?=.*[a-f])[0-9a-f]{12,64}")
_INSTITUTION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")
"""A hospital's national code is a letter and eleven digits, and no person's."""
_EXEMPT = (_OUR_ID, _DIGEST, _INSTITUTION)
_PERSONAL = re.compile(r"\d{6}|^[A-Z]\d{2}(\.\w+)?$")
"""Phone, certificate, passport and card numbers have six digits in a row; the other form is a diagnosis (ICD-10)."""
_MAX_NUMBER: Final = 10**9
"""Larger numbers are ids, phone numbers or amounts, none of which is a count or a duration."""

FIELDS: Final[dict[str, re.Pattern[str] | None]] = (
    dict.fromkeys(("order_id", "claim_id", "act_id", "event_id", "settlement_id", "request_id"), _OUR_ID)
    | dict.fromkeys(("insurer", "channel", "name", "kind", "state", "old_state", "new_state", "step"), _CODE)
    | dict.fromkeys(("outcome", "code", "cause", "door", "method", "lane", "stage", "mapping", "version"), _CODE)
    | dict.fromkeys(("format", "key_id", "certificate", "error", "at_line", "act", "field"), _CODE)
    | {"hospital": _INSTITUTION, "route": _ROUTE, "digest": _DIGEST}
    | dict.fromkeys(("status", "attempt", "attempts", "count", "depth", "size", "line", "column", "port"), None)
    | dict.fromkeys(("ms", "seconds", "days_left", "wait_s", "ready"), None)
)
"""Field name to the form its text must have; ``None`` for a number or a yes/no."""

SILENCED = ("zeep", "aiohttp.access", "urllib3", "requests")
"""Libraries that log whole messages or addresses: never heard, whatever their level."""

_MAX_NAMES = 100
_dropped: Counter[str] = Counter()


def dropped_fields() -> dict[str, int]:
    """How often a field was dropped, by name; at most a hundred names, the rest and odd ones under ``other``."""
    return dict(_dropped)


def _drop(name: str) -> None:
    kept = name in _dropped or (len(_dropped) < _MAX_NAMES and name in FIELDS) or _is_plain(name)
    _dropped[name if kept else "other"] += 1


def _is_plain(name: str) -> bool:
    """A name that a programmer wrote, not one that came in with somebody's data."""
    return len(_dropped) < _MAX_NAMES and re.fullmatch(r"[a-z][a-z_]{1,29}", name) is not None


def allowed(name: str, value: object) -> bool:
    """Whether this field with this value may be logged."""
    if name not in FIELDS:
        return False
    form = FIELDS[name]
    if form is None:
        return isinstance(value, bool | int | float) and abs(value) < _MAX_NUMBER
    if not isinstance(value, str) or form.fullmatch(value) is None:
        return False
    return form in _EXEMPT or _PERSONAL.search(value) is None


class EventLogger:
    """``log.event("act-sent", act_id=…, attempt=2, ms=41.5)``. Costs a level check when nothing listens."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"lianpei.{name.removeprefix('lianpei.')}")

    def event(self, name: str, /, **fields: object) -> None:
        self._write(logging.INFO, name, fields)

    def debug(self, name: str, /, **fields: object) -> None:
        self._write(logging.DEBUG, name, fields)

    def warning(self, name: str, /, **fields: object) -> None:
        self._write(logging.WARNING, name, fields)

    def failure(self, name: str, wrong: BaseException, /, **fields: object) -> None:
        """An error by its type, our code if it is ours, and the place in the program; never its message."""
        code = {"code": wrong.error_code} if isinstance(wrong, LianpeiError) else {}
        place = {"at_line": _place(wrong.__traceback__)} if wrong.__traceback__ else {}
        self._write(logging.ERROR, name, {**fields, "error": type(wrong).__name__, **code, **place})

    def _write(self, level: int, name: str, fields: dict[str, object]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        kept = {key: value for key, value in fields.items() if allowed(key, value)}
        for key in fields.keys() - kept.keys():
            _drop(key)
        self._logger.log(level, "%s", name, extra={"event": name, "kept": kept, "dropped": len(fields) - len(kept)})


def get_logger(name: str) -> EventLogger:
    return EventLogger(name)


def _place(traceback: TracebackType | None) -> str:
    """``module:line`` of the innermost frame."""
    module, line = "unknown", 0
    while traceback is not None:
        module, line = str(traceback.tb_frame.f_globals.get("__name__", "unknown")), traceback.tb_lineno
        traceback = traceback.tb_next
    return f"{module}:{line}"[-64:].lstrip("_.:0123456789")


class JsonLines(logging.Formatter):
    """One JSON object a line. Records that did not come through ``EventLogger`` keep nothing of what they say."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        kept = getattr(record, "kept", None)
        if isinstance(kept, dict) and record.name.startswith("lianpei."):
            line |= {"event": getattr(record, "event", ""), **kept}
            if dropped := getattr(record, "dropped", 0):
                line["dropped"] = dropped
        else:
            line |= {"event": "foreign-log", "place": f"{record.module}:{record.lineno}"}
            if record.exc_info and record.exc_info[0]:
                line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True, separators=(",", ":"))


class _DroppingHandler(logging.StreamHandler[TextIO]):
    """A log that can't be written is lost and counted; it never stops a claim and never prints the record elsewhere."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 (logging gives the signature)
        _dropped["unwritten_line"] += 1


def setup_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything through ``JsonLines`` to ``stream`` (standard error unless told). Replaces earlier handlers."""
    handler = _DroppingHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("lianpei").setLevel(level)
    for name in SILENCED:
        quiet = logging.getLogger(name)
        quiet.handlers[:] = [logging.NullHandler()]
        quiet.propagate = False
        quiet.setLevel(logging.CRITICAL)
