"""What the folder ``speed`` says, written by hand in Python and tuned: the yardstick of the mapping benchmark.

It knows one partner. It validates nothing, refuses no character, and its errors name no place in a mapping.
"""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from msgspec import UNSET

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.claims.canonical.types import FeeCategory, Gender
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml

_CHINA = timezone(timedelta(hours=8))
_SEX = {Gender.MALE: "1", Gender.FEMALE: "2"}
_GROUP = dict(zip(FeeCategory, ("ROOM", "CONS", "EXAM", "LAB", "THER", "SURG", "NURS", "SUPP"), strict=False))
_GROUP |= dict.fromkeys((FeeCategory.WESTERN_DRUG, FeeCategory.HERBAL, FeeCategory.PATENT_DRUG), "DRUG")
_GROUP |= dict.fromkeys((FeeCategory.GENERAL, FeeCategory.REGISTRATION, FeeCategory.OTHER), "OTHR")
_TWO = [f"{number:02d}" for number in range(100)]
_CENTS = [f".{number:02d}" for number in range(100)]
_DECIDED = {"1": "accepted", "2": "refused"}
_STATUS, _SETTLE_NO, _APPROVED, _LINES, _NO, _PAID, _REASON = (
    "{urn:test:claim:v2}" + name for name in ("Status", "SettleNo", "Approved", "Lines", "No", "Paid", "Reason")
)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def yuan(fen: int) -> str:
    return f"{fen // 100}{_CENTS[fen % 100]}" if fen >= 0 else f"-{-fen // 100}{_CENTS[-fen % 100]}"


def local(moment: datetime) -> datetime:
    """Wall-clock time: what orjson spells without a zone."""
    return moment.astimezone(_CHINA).replace(tzinfo=None)


def iso(moment: datetime) -> str:
    return local(moment).isoformat(timespec="seconds")


def compact(moment: datetime) -> str:
    m = moment.astimezone(_CHINA)
    return f"{m.year:04d}{_TWO[m.month]}{_TWO[m.day]}{_TWO[m.hour]}{_TWO[m.minute]}{_TWO[m.second]}"


def write_xml(d: Dispatch) -> bytes:
    patient, policy, visit = d.patient, d.policy, d.visit
    phone = f"<Phone>{escape(patient.mobile)}</Phone>" if patient.mobile is not UNSET else ""
    end = f"<End>{iso(visit.end_at)}</End>" if visit.end_at is not UNSET else ""
    diagnoses = "".join(
        [
            f'<Diagnosis seq="{one.seq}" main="{"1" if one.is_main else "0"}"><Code>{escape(one.code)}</Code>'
            f"<Name>{escape(one.name)}</Name></Diagnosis>"
            for one in d.diagnoses
        ]
    )
    lines = "".join(
        [
            f'<Line seq="{number}" group="{_GROUP[line.fee_category]}"><No>{line.line_no}</No>'
            f"<Code>{escape(line.hosp_code)}</Code><Name>{escape(line.hosp_name)}</Name>"
            f"{f'<Spec>{escape(line.spec)}</Spec>' if line.spec is not UNSET else ''}<At>{compact(line.occurred_at)}</At>"
            f"<Price>{line.price}</Price><Qty>{line.qty}</Qty><Amount>{yuan(line.amount)}</Amount>"
            f"{f'<Own>{yuan(line.own_amount)}</Own>' if line.own_amount is not UNSET else ''}</Line>"
            for number, line in enumerate(d.lines, 1)
        ]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        '<soap:Body><ClaimRequest xmlns="urn:test:claim:v2" version="2.1">'
        f"<Header><ClaimNo>{d.claim.claim_id}</ClaimNo><Created>{iso(d.act.sent_at)}</Created>"
        f"<Kind>{d.claim.kind}</Kind></Header>"
        f"<Hospital><Code>{visit.hospital_code}</Code><Name>{escape(visit.hospital_name)}</Name></Hospital>"
        f'<Patient><Name>{escape(patient.name)}</Name><Cert type="{patient.cert_type}">{escape(patient.cert_no)}</Cert>'
        f"<Sex>{_SEX.get(patient.gender, '9')}</Sex><Birth>{patient.birth_date:%Y%m%d}</Birth>{phone}</Patient>"
        f"<Policy><No>{escape(policy.policy_no)}</No><Product>{policy.product_code}</Product>"
        f"<From>{compact(policy.begin_at)[:8]}</From><To>{compact(policy.end_at)[:8]}</To></Policy>"
        f"<Visit><No>{visit.visit_id}</No><Begin>{iso(visit.begin_at)}</Begin>{end}"
        f'<Dept code="{escape(visit.dept_code)}">{escape(visit.dept_name)}</Dept></Visit>'
        f'{diagnoses}<Lines count="{len(d.lines)}">{lines}</Lines><Total currency="CNY">{yuan(d.split.total)}</Total>'
        "</ClaimRequest></soap:Body></soap:Envelope>"
    ).encode()


def write_json(d: Dispatch) -> bytes:
    patient, policy, visit = d.patient, d.policy, d.visit
    person: dict[str, Any] = {
        "name": patient.name,
        "certType": patient.cert_type,
        "certNo": patient.cert_no,
        "sex": _SEX.get(patient.gender, "9"),
        "birth": patient.birth_date,
    }
    if patient.mobile is not UNSET:
        person["phone"] = patient.mobile
    stay: dict[str, Any] = {"no": visit.visit_id, "begin": local(visit.begin_at)}
    if visit.end_at is not UNSET:
        stay["end"] = local(visit.end_at)
    stay["dept"] = {"code": visit.dept_code, "name": visit.dept_name}
    return orjson.dumps(
        {
            "version": "2.1",
            "header": {"claimNo": d.claim.claim_id, "created": local(d.act.sent_at), "kind": d.claim.kind},
            "hospital": {"code": visit.hospital_code, "name": visit.hospital_name},
            "patient": person,
            "policy": {
                "no": policy.policy_no,
                "product": policy.product_code,
                "from": local(policy.begin_at).date(),
                "to": local(policy.end_at).date(),
            },
            "visit": stay,
            "diagnoses": [
                {"seq": one.seq, "main": "1" if one.is_main else "0", "code": one.code, "name": one.name}
                for one in d.diagnoses
            ],
            "count": len(d.lines),
            "lines": [_json_line(number, line) for number, line in enumerate(d.lines, 1)],
            "total": yuan(d.split.total),
        },
        option=orjson.OPT_OMIT_MICROSECONDS,
    )


def _json_line(number: int, line: Any) -> dict[str, Any]:
    made = {
        "seq": number,
        "group": _GROUP[line.fee_category],
        "no": line.line_no,
        "code": line.hosp_code,
        "name": line.hosp_name,
    }
    if line.spec is not UNSET:
        made["spec"] = line.spec
    made["at"] = local(line.occurred_at)
    made["price"] = str(line.price)
    made["qty"] = str(line.qty)
    made["amount"] = yuan(line.amount)
    if line.own_amount is not UNSET:
        made["own"] = yuan(line.own_amount)
    return made


def fen(text: str) -> int:
    return int(Decimal(text) * 100)


def read_xml(document: bytes) -> dict[str, Any]:
    answer = parse_xml(document)[0][0]
    said = {child.tag: child for child in answer}
    found: dict[str, Any] = {
        "state": _DECIDED.get(said[_STATUS].text, "unknown"),
        "peer_code": said[_STATUS].text.strip(),
    }
    if _APPROVED in said:
        found["approved"] = fen(said[_APPROVED].text)
    if _SETTLE_NO in said:
        found["insurer_ref"] = said[_SETTLE_NO].text
    found["results"] = [_xml_result({child.tag: child.text or "" for child in line}) for line in said[_LINES]]
    return checked(found)


def _xml_result(line: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {"correlation": line[_NO], "state": _DECIDED.get(line[_STATUS], "unknown")}
    if _PAID in line:
        result["approved"] = fen(line[_PAID])
    if _REASON in line:
        result["peer_code"] = line[_REASON]
    return result


def read_json(document: bytes) -> dict[str, Any]:
    said = strict_json(document)
    found: dict[str, Any] = {"state": _DECIDED.get(said["status"], "unknown"), "peer_code": said["status"].strip()}
    if "approved" in said:
        found["approved"] = fen(said["approved"])
    if "settleNo" in said:
        found["insurer_ref"] = said["settleNo"]
    found["results"] = [_json_result(line) for line in said["lines"]]
    return checked(found)


def _json_result(line: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {"correlation": line["no"], "state": _DECIDED.get(line["status"], "unknown")}
    if "paid" in line:
        result["approved"] = fen(line["paid"])
    if "reason" in line:
        result["peer_code"] = line["reason"]
    return result


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Held against the type that the rest of the house relies on, as whoever reads an answer must."""
    msgspec.convert(found, ActResult)
    return found
