"""The kinds of visit: which catalogue rows, when, and how 医保 pays.

``outpatient`` (430.00) and ``inpatient`` (8,022.56) are the published stories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from gateway.kernel.clock import SHANGHAI
from gateway.sandbox.hospital.catalogue import ITEMS
from gateway.sandbox.hospital.lines import Line, Scheme


@dataclass(frozen=True, slots=True)
class Planned:
    number: int
    qty: str
    day: int
    at: str
    refund_of: int = 0
    """Position (from 1) of the line that this one takes back."""


@dataclass(frozen=True, slots=True)
class Story:
    name: str
    prefix: str
    visit_kind: str
    payer_class: str
    begin: tuple[int, str]
    """Day from the visit's first and wall clock time."""
    end: tuple[int, str]
    dept: tuple[str, str]
    doctor: tuple[str, str]
    diagnoses: tuple[tuple[str, str], ...]
    plan: tuple[Planned, ...]
    scheme: Scheme
    procedure: tuple[str, str, int] | None = None
    """Code, name and day."""

    @property
    def is_inpatient(self) -> bool:
        return self.visit_kind == "inpatient"

    @property
    def insured(self) -> bool:
        """Whether 医保 took part."""
        return self.payer_class != "self_pay"


def moment(first: date, day: int, at: str) -> datetime:
    return datetime.combine(first + timedelta(days=day), time.fromisoformat(at), SHANGHAI)


def lines_of(story: Story, visit_id: str, first: date) -> tuple[Line, ...]:
    def number(position: int) -> str:
        return f"{visit_id}-{position:03d}"

    return tuple(
        Line(
            number(position),
            ITEMS[planned.number],
            Decimal(planned.qty),
            moment(first, planned.day, planned.at),
            number(planned.refund_of) if planned.refund_of else "",
        )
        for position, planned in enumerate(story.plan, 1)
    )


def _rows(text: str) -> tuple[Planned, ...]:
    rows = (row.split() for row in text.strip().splitlines())
    return tuple(Planned(int(n), qty, int(day), at, int(rest[0]) if rest else 0) for n, qty, day, at, *rest in rows)


def _daily(days: Sequence[int], *rows: tuple[int, str, str]) -> tuple[Planned, ...]:
    return tuple(Planned(number, qty, day, at) for day in days for number, qty, at in rows)


_WARD_DAY = ((101, "1", "23:00:00"), (102, "1", "23:00:00"), (103, "1", "11:00:00"))
_OUTPATIENT_ROWS = """
1 1 0 09:15:00
2 1 0 09:20:10
3 1 0 09:20:10
4 1 0 09:31:45
5 2 0 09:48:00
6 3 0 09:48:00
7 1 0 09:48:00
8 1 0 09:48:00
9 1 0 09:48:00
"""
_APPENDIX_ROWS = """
2 1 0 10:40:00
2 1 3 07:10:00
104 1 0 10:40:00
105 1 0 10:40:00
106 1 0 10:40:00
107 1 0 11:05:00
108 1 0 11:30:00
109 1 1 16:20:00
110 1 1 10:00:00
111 1 1 09:30:00
112 2 1 10:00:00
113 3 1 10:00:00
114 1 1 10:00:00
115 4 2 08:30:00
116 10 1 08:00:00
117 20 1 08:00:00
118 8 1 08:00:00
119 1 1 12:00:00
120 5 1 08:00:00
121 3 1 09:30:00
122 3 5 08:40:00
123 6 2 08:30:00
124 4 2 08:30:00
125 1 1 11:40:00
126 18 1 12:30:00
116 -2 4 14:00:00 30
124 -1 4 14:05:00 38
"""
_SELF_PAY_ROWS = """
1 1 0 09:15:00
2 1 0 09:20:10
4 1 0 09:31:45
6 7 0 09:48:00
7 1 0 09:48:00
"""
_PHARMACY_ROWS = """
5 2 0 18:20:00
6 3 0 18:20:00
7 1 0 18:20:00
9 1 0 18:20:00
"""
_ROUND_ROWS = """
1 1 0 09:15:00
2 1 0 09:20:10
3 1 0 09:20:10
105 1 0 09:31:45
"""
"""200.00, of which 医保 bears 150.00 and the patient 50.00."""
_LONG_DAYS = range(20)
_LONG_DAY = (
    *_WARD_DAY, (116, "3", "08:00:00"), (117, "4", "08:00:00"), (118, "2", "08:00:00"), (120, "1", "08:00:00"),
    (123, "3", "08:30:00"), (124, "1", "08:45:00"), (115, "2", "08:45:00"), (126, "6", "12:30:00"),
)  # fmt: skip
_LONG_ONCE = """
2 1 0 10:40:00
104 1 0 10:40:00
105 1 0 10:40:00
106 1 0 10:40:00
108 1 1 11:30:00
110 1 2 10:00:00
111 1 2 09:30:00
114 1 2 10:00:00
122 3 19 08:40:00
116 -3 19 14:00:00 4
"""
_INTERNAL, _SURGERY = ("A03", "内科"), ("A04.03", "普通外科")
_DR_C, _DR_D = ("D999900000001", "测试医生丙"), ("D999900000002", "测试医生丁")
_COLD = (("J06.900", "急性上呼吸道感染"), ("R05.x00", "咳嗽"))
_APPENDIX = (("K35.800", "急性阑尾炎"), ("I10.x00", "原发性高血压"))

STORIES = {
    story.name: story
    for story in (
        Story(
            "outpatient", "OP", "outpatient", "yibao_city", (0, "09:12:00"), (0, "10:12:00"), _INTERNAL, _DR_C, _COLD,
            _rows(_OUTPATIENT_ROWS), Scheme(10_000, Decimal("0.6"), 0, 12_000),
        ),
        Story(
            "inpatient", "IP", "inpatient", "yibao_city", (0, "10:05:00"), (5, "09:30:00"), _SURGERY, _DR_D, _APPENDIX,
            _daily(range(5), *_WARD_DAY) + _rows(_APPENDIX_ROWS), Scheme(80_000, Decimal("0.85"), 12_000, 30_000),
            ("47.0100", "腹腔镜阑尾切除术", 1),
        ),
        Story(
            "inpatient-long", "IL", "inpatient", "yibao_city", (0, "07:05:00"), (20, "09:30:00"), _SURGERY, _DR_D,
            _APPENDIX, _daily(_LONG_DAYS, *_LONG_DAY) + _rows(_LONG_ONCE),
            Scheme(80_000, Decimal("0.85"), 30_000, 50_000), ("47.0100", "腹腔镜阑尾切除术", 2),
        ),
        Story(
            "self-pay", "SP", "outpatient", "self_pay", (0, "09:12:00"), (0, "10:12:00"), _INTERNAL, _DR_C, _COLD,
            _rows(_SELF_PAY_ROWS), Scheme(),
        ),
        Story(
            "pharmacy", "PH", "pharmacy", "yibao_city", (0, "18:15:00"), (0, "18:30:00"), ("Y01", "药店"), _DR_C,
            _COLD[:1], _rows(_PHARMACY_ROWS), Scheme(0, Decimal(0), 0, 10_000),
        ),
        Story(
            "round", "RD", "outpatient", "yibao_city", (0, "09:12:00"), (0, "10:12:00"), _INTERNAL, _DR_C, _COLD[:1],
            _rows(_ROUND_ROWS), Scheme(0, Decimal("0.75")),
        ),
    )
}  # fmt: skip
