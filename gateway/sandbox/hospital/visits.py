"""Synthetic bills as canonical Submissions: plain dicts, amounts int 分, price and quantity as decimal text.

Every number is worked out from the catalogue, so that all money identities hold to the 分. The same seed gives the same
bill; another seed gives other visit, bill, invoice and line numbers and another patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from gateway.sandbox.hospital import cover
from gateway.sandbox.hospital.lines import Line, categories, split
from gateway.sandbox.hospital.marks import with_marks
from gateway.sandbox.hospital.persons import Person, person
from gateway.sandbox.hospital.stories import STORIES, Story, lines_of, moment

HOSPITAL_CODE, HOSPITAL_NAME = "H99990100001", "测试医院一"
DIAGNOSIS_SYSTEM = "ICD-10-YB"
SAMPLE_DAY = date(2025, 3, 5)
_STORY_DIGIT = {name: digit for digit, name in enumerate(STORIES)}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a bill shall be about."""

    story: str
    """outpatient (9 lines, 430.00) | inpatient (42 lines, 8022.56) | inpatient-long (230) | self-pay | pharmacy | round (200.00)"""
    seed: int
    kind: str = "direct_pay"
    insurers: tuple[str, ...] = ("package",)
    """In the order in which they pay."""
    policy_nos: tuple[str, ...] = ()
    """Numbers to use instead of the made-up ones, e.g. ``EXPIRED…``."""
    day: date = SAMPLE_DAY
    """The day the visit ends, or for long stays two days after it begins."""
    marks: bool = False
    every: bool = False
    """With marks: fill in the sensitive leaves that the story lacks."""
    hospital: str = HOSPITAL_CODE


def submission(wish: Wish) -> dict[str, Any]:
    """A canonical Submission. Raises ``KeyError`` for an unknown story."""
    story, holder = STORIES[wish.story], person(wish.seed)
    first = wish.day - timedelta(days=2) if story.is_inpatient else wish.day
    visit_id = f"{story.prefix}{first:%Y%m%d}{wish.seed:06d}"
    lines = lines_of(story, visit_id, first)
    bill = {
        "kind": wish.kind,
        "order_kind": "PRE_PRE",
        "patient": _patient(holder, story),
        "visit": _visit(wish, story, visit_id, first),
        "diagnoses": _diagnoses(story),
        "procedures": _procedures(story, first),
        "lines": [_line(line, position, visit_id, story) for position, line in enumerate(lines, 1)],
        "split": _split(lines, story, first),
        **_papers(wish, holder, story, first),
    }
    _add_money_papers(bill, wish, holder, story, first)
    return with_marks(bill, wish.seed, every=wish.every) if wish.marks else bill


def marked(wish: Wish) -> dict[str, Any]:
    return submission(replace(wish, marks=True))


def _patient(holder: Person, story: Story) -> dict[str, Any]:
    basic = {
        "patient_id": holder.patient_id,
        "name": holder.name,
        "cert_type": "id_card",
        "cert_no": holder.cert_no,
        "gender": holder.gender,
        "birth_date": holder.birth_date.isoformat(),
        "mobile": holder.mobile,
    }
    if not story.insured:
        return basic
    insured = {"psn_no": holder.psn_no, "insured_area": "999900", "insurance_type": "310", "person_category": "11"}
    return basic | insured


def _visit(wish: Wish, story: Story, visit_id: str, first: date) -> dict[str, Any]:
    digit = _STORY_DIGIT[story.name]
    visit = {
        "visit_id": visit_id,
        "hospital_code": wish.hospital,
        "hospital_name": HOSPITAL_NAME,
        "bill_ref": "CB" + visit_id[2:] + str(digit),
        "operator_code": "OP001",
        "operator_name": "测试收费员",
        "area_code": "999900",
        "area_name": "测试统筹区",
        "visit_kind": story.visit_kind,
        "payer_class": story.payer_class,
        "begin_at": moment(first, *story.begin).isoformat(),
        "end_at": moment(first, *story.end).isoformat(),
        "dept_code": story.dept[0],
        "dept_name": story.dept[1],
        "doctor_code": story.doctor[0],
        "doctor_name": story.doctor[1],
        "accident": False,
        "record": _record(visit_id, story),
    }
    if story.insured:
        visit["mdtrt_id"] = f"99{digit}1{wish.seed:014d}"
        visit["setl_id"] = f"99{digit}5{wish.seed:014d}"
    return visit | (_stay(wish.seed, story) if story.is_inpatient else {})


def _stay(seed: int, story: Story) -> dict[str, Any]:
    return {
        "admit_way": "1",
        "discharge_way": "cured",
        "days": story.end[0] - story.begin[0],
        "inpatient_no": f"MR{seed:08d}",
        "bed_no": f"{seed % 40 + 1:02d}",
        "ward": "普外一病区",
    }


def _record(visit_id: str, story: Story) -> dict[str, Any]:
    record = {
        "record_id": f"MREC-{visit_id}",
        "chief_complaint": "右下腹痛1天" if story.is_inpatient else "咽痛咳嗽2天",
        "present_illness": "症状同主诉，无外伤。",
        "past_illness": "否认药物过敏。",
        "examination": "生命体征平稳。",
        "treatment": "按诊疗常规处理。",
    }
    if story.is_inpatient:
        record |= {"discharge_status": "恢复良好。", "discharge_order": "一周后复诊。"}
    return record


def _diagnoses(story: Story) -> list[dict[str, Any]]:
    condition = {"admit_condition": "1"} if story.is_inpatient else {}
    return [
        {"seq": seq, "is_main": seq == 1, "kind": "western", "code": code, "system": DIAGNOSIS_SYSTEM, "name": name}
        | condition
        for seq, (code, name) in enumerate(story.diagnoses, 1)
    ]


def _procedures(story: Story, first: date) -> list[dict[str, Any]]:
    if story.procedure is None:
        return []
    code, name, day = story.procedure
    return [
        {
            "code": code,
            "name": name,
            "performed_on": (first + timedelta(days=day)).isoformat(),
            "anaesthesia": "01",
            "surgeon_code": story.doctor[0],
            "surgeon_name": story.doctor[1],
        }
    ]


def _line(line: Line, position: int, visit_id: str, story: Story) -> dict[str, Any]:
    item = line.item
    fields: dict[str, Any] = {
        "line_no": line.line_no,
        "batch_no": "CB" + visit_id[2:],
        "rx_no": f"RX{position:03d}",
        "occurred_at": line.occurred_at.isoformat(),
        "item_kind": item.item_kind,
        "fee_category": item.category,
        "nat_code": item.nat_code,
        "nat_name": item.name,
        "hosp_code": item.hosp_code,
        "hosp_name": item.name,
        "spec": item.spec,
        "form": item.form,
        "unit": item.unit,
        "price": str(item.price),
        "qty": str(line.qty),
        "amount": line.amount,
        **(_class_parts(line) if story.insured else {}),
        "dept_code": story.dept[0],
        "dept_name": story.dept[1],
        "doctor_code": story.doctor[0],
        "doctor_name": story.doctor[1],
        "refund_of": line.refund_of,
    }
    if story.is_inpatient:
        del fields["batch_no"], fields["rx_no"]  # 2301 has neither
    return {name: value for name, value in fields.items() if value != ""}


def _class_parts(line: Line) -> dict[str, Any]:
    limit = {"price_limit": str(line.item.price_limit)} if line.item.price_limit else {}
    return {
        "class_level": line.item.class_level,
        "self_ratio": str(line.item.self_ratio),
        "own_amount": line.own_amount,
        "over_limit": line.over_limit,
        "pre_self": line.pre_self,
        "in_scope": line.in_scope,
        **limit,
    }


_BASIC_ONLY = frozenset(
    {"fund_pool", "fund_civil", "fund_enterprise", "fund_serious", "fund_resident", "fund_aid", "fund_other"}
    | {"family_account", "hospital_bear", "own_total", "over_total", "pre_total", "scope_total", "deductible"}
)


def _split(lines: Sequence[Line], story: Story, first: date) -> dict[str, Any]:
    amounts = split(lines, story.scheme)
    if not story.insured:
        burden = {"fund_total": 0, "account_pay": 0, "cash_pay": amounts["total"], "self_pay_due": amounts["total"]}
        amounts = {name: value for name, value in amounts.items() if name not in _BASIC_ONLY} | burden
    settled_on = first + timedelta(days=story.end[0])
    return {"settled_at_day": settled_on.isoformat(), **amounts, "categories": categories(lines)}


def _papers(wish: Wish, holder: Person, story: Story, first: date) -> dict[str, Any]:
    numbers = wish.policy_nos + ("",) * (len(wish.insurers) - len(wish.policy_nos))
    return {
        "policies": [
            cover.policy(insurer, holder, wish.day, order_no=order, inpatient=story.is_inpatient, policy_no=number)
            for order, (insurer, number) in enumerate(zip(wish.insurers, numbers, strict=True), 1)
        ],
        "consent": cover.consent(wish.seed, holder, wish.hospital, wish.insurers, moment(first, *story.begin)),
    }


def _add_money_papers(bill: dict[str, Any], wish: Wish, holder: Person, story: Story, first: date) -> None:
    ended = moment(first, *story.end)
    number_digit, total = _STORY_DIGIT[story.name], bill["split"]["total"]
    bill["invoice"] = cover.invoice(number_digit, wish.seed, ended.date(), total, HOSPITAL_NAME)
    bill["report"] = cover.report(wish.seed * 10 + number_digit)
    if wish.kind == "quick_claim":
        bill["payout_account"] = cover.payout_account(wish.seed, holder)
    else:
        bill["confirmation"] = cover.confirmation(wish.seed * 10 + number_digit, ended)
