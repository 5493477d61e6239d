"""Format ``yibao-6201``: what a HIS holds after 医保 mobile payment, from a Submission (docs/hospital-formats.md)."""

from typing import Any

from gateway.kernel.money import yuan

_MED_TYPE = {"outpatient": "11", "emergency": "13", "outpatient_chronic": "14", "inpatient": "21", "pharmacy": "41"}
_CLASS = {"A": "01", "B": "02", "C": "03"}
_DIAGNOSIS_KIND = {"western": "1", "tcm_main": "2", "tcm_syndrome": "3"}
_VISIT = (
    "visit_id", "setl_id", "payer_class", "bill_ref", "operator_code", "operator_name", "area_code", "area_name",
    "admit_way", "discharge_way", "days", "inpatient_no", "bed_no", "ward", "accident", "record",
)  # fmt: skip
_PATIENT = ("patient_id", "mobile", "gender", "birth_date", "person_category")
_PAPERS = ("policies", "consent", "invoice", "report", "confirmation", "payout_account")


def mobile_body(submission: dict[str, Any]) -> dict[str, Any]:
    """The four members of the format; amounts are text in 元.

    Raises ``ValueError`` for a bill without 医保: nobody pays such a bill through 医保.
    """
    if "setl_id" not in submission["visit"]:
        raise ValueError("a bill without 医保 settlement has no mobile payment")
    return {
        "fee_upload": _upload(submission),
        "fee_result": [_result(line) for line in submission["lines"]],
        "pay_order": _order(submission),
        "commercial": _commercial(submission),
    }


def _stamp(instant: str) -> str:
    return instant[:19].translate({ord(sign): None for sign in "-:T"})


def _upload(submission: dict[str, Any]) -> dict[str, Any]:
    patient, visit, split = submission["patient"], submission["visit"], submission["split"]
    return {
        "orgCodg": visit["hospital_code"],
        "orgId": "",
        "psnNo": patient["psn_no"],
        "insutype": patient["insurance_type"],
        "medOrgOrd": "MO" + visit["visit_id"],
        "begntime": _stamp(visit["begin_at"]),
        "endtime": _stamp(visit["end_at"]),
        "idNo": patient["cert_no"],
        "userName": patient["name"],
        "idType": "01",
        "ecToken": "TESTECTOKEN0001",
        "insuCode": patient["insured_area"],
        "iptOtpNo": visit["visit_id"],
        "atddrNo": visit["doctor_code"],
        "drName": visit["doctor_name"],
        "deptCode": visit["dept_code"],
        "deptName": visit["dept_name"],
        "caty": visit["dept_code"],
        "mdtrtId": visit["mdtrt_id"],
        "medType": _MED_TYPE[visit["visit_kind"]],
        "feeType": "01",
        "medfeeSumamt": yuan(split["total"]),
        "fulamtOwnpayAmt": yuan(split["own_total"]),
        "overlmtSelfpay": yuan(split["over_total"]),
        "preselfpayAmt": yuan(split["pre_total"]),
        "inscpScpAmt": yuan(split["scope_total"]),
        "diseinfoList": [_disease(diagnosis) for diagnosis in submission["diagnoses"]],
        "feedetailList": [_detail(submission, line) for line in submission["lines"]],
    }


def _disease(diagnosis: dict[str, Any]) -> dict[str, str]:
    return {
        "diagType": _DIAGNOSIS_KIND[diagnosis["kind"]],
        "diagSrtNo": str(diagnosis["seq"]),
        "maindiagFlag": "1" if diagnosis["is_main"] else "0",
        "diagCode": diagnosis["code"],
        "diagName": diagnosis["name"],
        "admCondType": diagnosis.get("admit_condition", ""),
    }


def _detail(submission: dict[str, Any], line: dict[str, Any]) -> dict[str, str]:
    return {
        "feedetlSn": line["line_no"],
        "mdtrtId": submission["visit"]["mdtrt_id"],
        "psnNo": submission["patient"]["psn_no"],
        "chrgBchno": line.get("batch_no", ""),
        "rxno": line.get("rx_no", ""),
        "initFeedetlSn": line.get("refund_of", ""),
        "feeOcurTime": line["occurred_at"][:19].replace("T", " "),
        "medListCodg": line["nat_code"],
        "medinsListCodg": line["hosp_code"],
        "detItemFeeSumamt": yuan(line["amount"]),
        "cnt": line["qty"],
        "pric": line["price"],
        "bilgDeptCodg": line["dept_code"],
        "bilgDeptName": line["dept_name"],
        "bilgDrCodg": line["doctor_code"],
        "bilgDrName": line["doctor_name"],
        "listType": line["item_kind"],
        "medListName": line["nat_name"],
        "medinsListName": line["hosp_name"],
        "spec": line.get("spec", ""),
        "dosformName": line.get("form", ""),
        "unit": line.get("unit", ""),
    }


def _result(line: dict[str, Any]) -> dict[str, str]:
    return {
        "feedetlSn": line["line_no"],
        "pricUplmtAmt": line.get("price_limit", "0"),
        "selfpayProp": line["self_ratio"],
        "fulamtOwnpayAmt": yuan(line["own_amount"]),
        "overlmtAmt": yuan(line["over_limit"]),
        "preselfpayAmt": yuan(line["pre_self"]),
        "inscpScpAmt": yuan(line["in_scope"]),
        "chrgitmLv": _CLASS[line["class_level"]],
        "medChrgitmType": line["fee_category"],
    }


def _order(submission: dict[str, Any]) -> dict[str, str]:
    """The notice of the finished order (6302)."""
    split = submission["split"]
    return {
        "callType": "02",
        "payOrdId": "TESTPAYORD00000001",
        "medOrgOrd": "MO" + submission["visit"]["visit_id"],
        "traceTime": split["settled_at_day"].replace("-", "") + "101205",
        "feeSumamt": yuan(split["total"]),
        "ownPayAmt": yuan(split["cash_pay"]),
        "psnAcctPay": yuan(split["account_pay"]),
        "fundPay": yuan(split["fund_total"]),
        "setlType": "ALL",
        "revsToken": "TESTREVSTOKEN0001",
    }


def _commercial(submission: dict[str, Any]) -> dict[str, Any]:
    visit, patient = submission["visit"], submission["patient"]
    return {
        "kind": submission["kind"],
        "order_kind": submission["order_kind"],
        "hospital_name": visit["hospital_name"],
        "diagnosis_system": submission["diagnoses"][0]["system"],
        "patient": {name: patient[name] for name in _PATIENT if name in patient},
        "visit": {name: visit[name] for name in _VISIT if name in visit},
        "procedures": submission["procedures"],
        **{name: submission[name] for name in _PAPERS if name in submission},
    }
