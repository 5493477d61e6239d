"""Format ``yibao-2207``: what a HIS holds after 医保 settlement, from a Submission (docs/hospital-formats.md)."""

from decimal import Decimal
from typing import Any

from gateway.kernel.money import yuan

_MED_TYPE = {"outpatient": "11", "emergency": "13", "outpatient_chronic": "14", "inpatient": "2101", "pharmacy": "41"}
_CLASS = {"A": "01", "B": "02", "C": "03"}
_GENDER = {"male": "1", "female": "2"}
_DISCHARGE = {"cured": "1", "transferred": "2", "dead": "5", "other": "9"}
_DIAGNOSIS_KIND = {"western": "1", "tcm_main": "2", "tcm_syndrome": "3"}
_FUNDS = {
    "hifp_pay": "fund_pool",
    "cvlserv_pay": "fund_civil",
    "hifes_pay": "fund_enterprise",
    "hifmi_pay": "fund_resident",
    "hifob_pay": "fund_serious",
    "maf_pay": "fund_aid",
    "oth_pay": "fund_other",
}
_VISIT_AMOUNTS = {
    "medfee_sumamt": "total",
    "fulamt_ownpay_amt": "own_total",
    "overlmt_selfpay": "over_total",
    "preselfpay_amt": "pre_total",
    "inscp_scp_amt": "scope_total",
    "act_pay_dedc": "deductible",
    **_FUNDS,
    "fund_pay_sumamt": "fund_total",
    "acct_pay": "account_pay",
    "psn_cash_pay": "cash_pay",
    "hosp_part_amt": "hospital_bear",
    "acct_mulaid_pay": "family_account",
}
_FUND_TYPES = (
    ("fund_pool", "310100", "职工基本医疗保险统筹基金"),
    ("fund_serious", "330100", "职工大额医疗费用补助基金"),
)
_COMMERCIAL_VISIT = (
    "visit_id", "payer_class", "bill_ref", "operator_code", "operator_name", "area_code", "area_name", "dept_code",
    "dept_name", "inpatient_no", "bed_no", "ward", "accident", "record",
)  # fmt: skip
_PAPERS = ("policies", "consent", "invoice", "report", "confirmation", "payout_account")


def yibao_body(submission: dict[str, Any]) -> dict[str, Any]:
    """The five members of the format; amounts are ``Decimal`` 元 (encode with ``encoding.to_json``).

    Raises ``ValueError`` for a bill without 医保: such a bill has no national messages.
    """
    if "setl_id" not in submission["visit"]:
        raise ValueError("a bill without 医保 settlement cannot be told in national messages")
    return {
        "settlement": _settlement(submission),
        "fee_detail": [_detail(submission, line) for line in submission["lines"]],
        "fee_result": [_result(line) for line in submission["lines"]],
        "settlement_list": _settlement_list(submission),
        "commercial": _commercial(submission),
    }


def _amount(fen: int) -> Decimal:
    return Decimal(yuan(fen))


def _clock(instant: str) -> str:
    return instant[:19].replace("T", " ")


def _settlement(submission: dict[str, Any]) -> dict[str, Any]:
    visit, split = submission["visit"], submission["split"]
    settled = _clock(visit["end_at"])
    stamp = settled.translate({ord(sign): None for sign in "- :"})
    return {
        "infcode": 0,
        "inf_refmsgid": f"999900{stamp}0000000003",
        "refmsg_time": stamp + "120",
        "respond_time": stamp + "480",
        "err_msg": "",
        "output": {"setlinfo": _setlinfo(submission, settled), "setldetail": _funds(split)},
    }


def _setlinfo(submission: dict[str, Any], settled: str) -> dict[str, Any]:
    patient, visit, split = submission["patient"], submission["visit"], submission["split"]
    person = {
        "mdtrt_id": visit["mdtrt_id"],
        "setl_id": visit["setl_id"],
        "psn_no": patient["psn_no"],
        "psn_name": patient["name"],
        "psn_cert_type": "01",
        "certno": patient["cert_no"],
        "gend": _GENDER[patient["gender"]],
        "naty": "01",
        "brdy": patient["birth_date"],
        "age": Decimal(int(settled[:4]) - int(patient["birth_date"][:4])),
        "insutype": patient["insurance_type"],
        "psn_type": patient["person_category"],
        "cvlserv_flag": "0",
        "setl_time": settled,
        "mdtrt_cert_type": "02",
        "med_type": _MED_TYPE[visit["visit_kind"]],
    }
    amounts = {national: _amount(split[ours]) for national, ours in _VISIT_AMOUNTS.items()}
    burden = {"psn_part_amt": _amount(split["account_pay"] + split["cash_pay"]), "balc": Decimal("880.00")}
    return person | amounts | burden | {"clr_optins": "999900", "clr_way": "1", "clr_type": person["med_type"][:2]}


def _funds(split: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "fund_pay_type": code,
            "fund_pay_type_name": name,
            "inscp_scp_amt": _amount(split["scope_total"]),
            "crt_payb_lmt_amt": Decimal("200000.00"),
            "fund_payamt": _amount(split[fund]),
            "setl_proc_info": "",
        }
        for fund, code, name in _FUND_TYPES
        if split[fund]
    ]


def _detail(submission: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    visit = submission["visit"]
    return {
        "feedetl_sn": line["line_no"],
        "mdtrt_id": visit["mdtrt_id"],
        "psn_no": submission["patient"]["psn_no"],
        **_by_kind(visit, line),
        "fee_ocur_time": _clock(line["occurred_at"]),
        "med_list_codg": line["nat_code"],
        "medins_list_codg": line["hosp_code"],
        "det_item_fee_sumamt": _amount(line["amount"]),
        "cnt": Decimal(line["qty"]),
        "pric": Decimal(line["price"]),
        "bilg_dept_codg": line["dept_code"],
        "bilg_dept_name": line["dept_name"],
        "bilg_dr_codg": line["doctor_code"],
        "bilg_dr_name": line["doctor_name"],
        "hosp_appr_flag": "1",
        "dscg_tkdrug_flag": "0",
        "list_type": line["item_kind"],
        "med_list_name": line["nat_name"],
        "medins_list_name": line["hosp_name"],
        "spec": line.get("spec", ""),
        "dosform_name": line.get("form", ""),
        "unit": line.get("unit", ""),
    }


def _by_kind(visit: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    """2301 refers a refund to its line; 2204 has prescriptions and one batch per settlement."""
    if visit["visit_kind"] == "inpatient":
        return {
            "init_feedetl_sn": line.get("refund_of", ""),
            "med_type": _MED_TYPE["inpatient"],
            "drord_no": "YZ" + line["line_no"][-3:],
        }
    return {"chrg_bchno": line["batch_no"], "dise_codg": "", "rxno": line["rx_no"], "rx_circ_flag": "0"}


def _result(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "feedetl_sn": line["line_no"],
        "det_item_fee_sumamt": _amount(line["amount"]),
        "cnt": Decimal(line["qty"]),
        "pric": Decimal(line["price"]),
        "pric_uplmt_amt": Decimal(line.get("price_limit", "0")),
        "selfpay_prop": Decimal(line["self_ratio"]),
        "fulamt_ownpay_amt": _amount(line["own_amount"]),
        "overlmt_amt": _amount(line["over_limit"]),
        "preselfpay_amt": _amount(line["pre_self"]),
        "inscp_scp_amt": _amount(line["in_scope"]),
        "chrgitm_lv": _CLASS[line["class_level"]],
        "med_chrgitm_type": line["fee_category"],
        "bas_medn_flag": "0",
        "memo": "",
    }


def _settlement_list(submission: dict[str, Any]) -> dict[str, Any]:
    split = submission["split"]
    return {
        "setlinfo": _list_head(submission),
        "payinfo": [
            {"fund_pay_type": code, "fund_payamt": yuan(split[fund])} for fund, code, _ in _FUND_TYPES if split[fund]
        ],
        "opspdiseinfo": [],
        "diseinfo": [_dise(diagnosis) for diagnosis in submission["diagnoses"]],
        "iteminfo": [_iteminfo(submission["lines"], one) for one in split["categories"]],
        "oprninfo": [_oprn(procedure) for procedure in submission["procedures"]],
        "icuinfo": [],
    }


def _list_head(submission: dict[str, Any]) -> dict[str, Any]:
    patient, visit, split = submission["patient"], submission["visit"], submission["split"]
    main = submission["diagnoses"][0]
    stay = visit["visit_kind"] == "inpatient"
    own = split["own_total"] + split["over_total"]
    return {
        "mdtrt_id": visit["mdtrt_id"],
        "setl_id": visit["setl_id"],
        "fixmedins_name": visit["hospital_name"],
        "fixmedins_code": visit["hospital_code"],
        "hi_no": patient["psn_no"],
        "medcasno": visit.get("inpatient_no", ""),
        "psn_name": patient["name"],
        "gend": _GENDER[patient["gender"]],
        "brdy": patient["birth_date"],
        "patn_cert_type": "01",
        "certno": patient["cert_no"],
        "hi_type": patient["insurance_type"],
        "insuplc": patient["insured_area"],
        "adm_way": visit.get("admit_way", ""),
        "adm_time": _clock(visit["begin_at"]),
        "dscg_time": _clock(visit["end_at"]),
        "act_ipt_days": str(visit["days"]) if stay else "",
        "dscg_way": _DISCHARGE[visit["discharge_way"]] if stay else "",
        "otp_wm_dise": "" if stay else main["name"],
        "wm_dise_code": "" if stay else main["code"],
        "diag_code_cnt": str(len(submission["diagnoses"])),
        "oprn_oprt_code_cnt": str(len(submission["procedures"])),
        "bill_code": submission["invoice"]["bill_code"],
        "bill_no": submission["invoice"]["bill_no"],
        "biz_sn": visit["visit_id"],
        "chfpdr_code": visit["doctor_code"],
        "chfpdr_name": visit["doctor_name"],
        "setl_begn_date": visit["begin_at"][:10],
        "setl_end_date": visit["end_at"][:10],
        "psn_selfpay": yuan(split["account_pay"] + split["cash_pay"] - own),
        "psn_ownpay": yuan(own),
        "acct_pay": yuan(split["account_pay"]),
        "psn_cashpay": yuan(split["cash_pay"]),
    }


def _dise(diagnosis: dict[str, Any]) -> dict[str, str]:
    return {
        "diag_type": _DIAGNOSIS_KIND[diagnosis["kind"]],
        "diag_code": diagnosis["code"],
        "diag_name": diagnosis["name"],
        "adm_cond_type": diagnosis.get("admit_condition", ""),
        "maindiag_flag": "1" if diagnosis["is_main"] else "0",
    }


def _iteminfo(lines: list[dict[str, Any]], category: dict[str, Any]) -> dict[str, str]:
    sums = dict.fromkeys("ABC", 0)
    for line in lines:
        if line["fee_category"] == category["category"]:
            sums[line["class_level"]] += line["amount"]
    return {
        "med_chrgitm": category["category"],
        "amt": yuan(category["amount"]),
        "claa_sumfee": yuan(sums["A"]),
        "clab_amt": yuan(sums["B"]),
        "fulamt_ownpay_amt": yuan(sums["C"]),
        "oth_amt": "0.00",
    }


def _oprn(procedure: dict[str, Any]) -> dict[str, str]:
    return {
        "oprn_oprt_type": "1",
        "oprn_oprt_name": procedure["name"],
        "oprn_oprt_code": procedure["code"],
        "oprn_oprt_date": procedure["performed_on"],
        "anst_way": procedure["anaesthesia"],
        "oper_dr_name": procedure["surgeon_name"],
        "oper_dr_code": procedure["surgeon_code"],
    }


def _commercial(submission: dict[str, Any]) -> dict[str, Any]:
    visit, patient = submission["visit"], submission["patient"]
    return {
        "kind": submission["kind"],
        "order_kind": submission["order_kind"],
        "hospital_name": visit["hospital_name"],
        "diagnosis_system": submission["diagnoses"][0]["system"],
        "patient": {name: patient[name] for name in ("patient_id", "mobile") if name in patient},
        "visit": {name: visit[name] for name in _COMMERCIAL_VISIT if name in visit},
        **{name: submission[name] for name in _PAPERS if name in submission},
    }
