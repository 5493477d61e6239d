"""Format ``his-soap``: the XML message of a HIS that speaks SOAP only, from a Submission (docs/hospital-formats.md)."""

from datetime import datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree as ET

from gateway.kernel.money import yuan

_CHINA = timezone(timedelta(hours=8))
_KIND = {"outpatient": "1", "inpatient": "2", "emergency": "3", "outpatient_chronic": "4", "pharmacy": "5"}
_GENDER = {"male": "1", "female": "2"}
_CLASS = {"A": "01", "B": "02", "C": "03"}
_DIAGNOSIS = {"western": "1", "tcm_main": "2", "tcm_syndrome": "3"}
Names = dict[str, str]
_PATIENT: Names = {
    "PatientId": "patient_id", "PatientName": "name", "IdNo": "cert_no", "Birth": "birth_date", "Mobile": "mobile",
    "PsnNo": "psn_no", "InsuredArea": "insured_area", "InsuranceType": "insurance_type", "PersonCategory": "person_category",
}  # fmt: skip
_VISIT: Names = {
    "HospitalCode": "hospital_code", "HospitalName": "hospital_name", "VisitNo": "visit_id", "MdtrtId": "mdtrt_id",
    "SetlId": "setl_id", "BillRef": "bill_ref", "OperatorCode": "operator_code", "OperatorName": "operator_name",
    "AreaCode": "area_code", "AreaName": "area_name", "PayerClass": "payer_class", "BeginTime": "begin_at",
    "EndTime": "end_at", "DeptCode": "dept_code", "DeptName": "dept_name", "DoctorCode": "doctor_code",
    "DoctorName": "doctor_name", "AdmitWay": "admit_way", "DischargeWay": "discharge_way", "Days": "days",
    "InpatientNo": "inpatient_no", "BedNo": "bed_no", "Ward": "ward",
}  # fmt: skip
_RECORD: Names = {
    "RecordId": "record_id", "ChiefComplaint": "chief_complaint", "PresentIllness": "present_illness",
    "PastIllness": "past_illness", "Examination": "examination", "Treatment": "treatment", "Operation": "operation",
    "DischargeStatus": "discharge_status", "DischargeOrder": "discharge_order",
}  # fmt: skip
_OPERATION: Names = {
    "Code": "code", "Name": "name", "Date": "performed_on", "Anaesthesia": "anaesthesia", "DoctorCode": "surgeon_code",
    "DoctorName": "surgeon_name",
}  # fmt: skip
_LINE: Names = {
    "FeedetlSn": "line_no", "BatchNo": "batch_no", "RxNo": "rx_no", "OccurTime": "occurred_at", "ItemKind": "item_kind",
    "ItemCat": "fee_category", "NatItemCode": "nat_code", "NatItemName": "nat_name", "HospItemCode": "hosp_code",
    "ItemName": "hosp_name", "Spec": "spec", "Form": "form", "Unit": "unit", "Price": "price", "Qty": "qty",
    "SelfRatio": "self_ratio", "PriceLimit": "price_limit", "DeptCode": "dept_code", "DeptName": "dept_name",
    "DoctorCode": "doctor_code", "DoctorName": "doctor_name", "RefundOf": "refund_of",
}  # fmt: skip
_LINE_MONEY: Names = {
    "Amount": "amount", "OwnAmt": "own_amount", "OverAmt": "over_limit", "PreSelfAmt": "pre_self", "InScopeAmt": "in_scope",
}  # fmt: skip
_SPLIT_MONEY: Names = {
    "Total": "total", "FundPay": "fund_total", "FundPool": "fund_pool", "FundCivil": "fund_civil",
    "FundEnterprise": "fund_enterprise", "FundSerious": "fund_serious", "FundResident": "fund_resident",
    "FundAid": "fund_aid", "FundOther": "fund_other", "AcctPay": "account_pay", "FamilyAcctPay": "family_account",
    "CashPay": "cash_pay", "HospPay": "hospital_bear", "OwnTotal": "own_total", "OverTotal": "over_total",
    "PreSelfTotal": "pre_total", "InScopeTotal": "scope_total", "Deductible": "deductible",
}  # fmt: skip
_INVOICE: Names = {
    "BillCode": "bill_code", "BillNo": "bill_no", "CheckCode": "check_code", "IssueDate": "issued_on", "Issuer": "issuer",
    "Kind": "kind",
}  # fmt: skip
_POLICY: Names = {
    "InsurerCode": "insurer_code", "ProductCode": "product_code", "PolicyNo": "policy_no", "CertNoGroup": "cert_no_group",
    "CustomerNo": "customer_no", "InsuredRef": "insured_ref", "Relation": "relation", "BeginTime": "begin_at",
    "EndTime": "end_at", "BenefitType": "benefit_type", "ClaimWay": "claim_way", "OrderNo": "order_no",
}  # fmt: skip
_CONSENT: Names = {
    "ConsentId": "consent_id", "PatientId": "patient_id", "Grantor": "grantor", "HospitalCodes": "hospital_codes",
    "InsurerCodes": "insurer_codes", "Purposes": "purposes", "DataClasses": "data_classes", "TextVersion": "text_version",
    "TextSha256": "text_sha256", "GivenTime": "given_at", "ValidTo": "valid_to", "Channel": "channel", "ProofRef": "proof_ref",
}  # fmt: skip
_REPORT: Names = {"ReportNo": "report_no", "ReasonText": "reason_text"}
_CONFIRMATION: Names = {"Method": "method", "Token": "token", "Time": "confirmed_at"}
_PAYOUT: Names = {"AccountToken": "account_token", "PayeeName": "payee_name", "BankCode": "bank_code"}


def his_message(submission: dict[str, Any], message_id: str) -> str:
    """``Request/Header`` and ``Request/Body/CommercialVisitRt``."""
    root = ET.Element("Request")
    head = ET.SubElement(root, "Header")
    ET.SubElement(head, "SourceSystem").text = "HIS"
    ET.SubElement(head, "MessageID").text = message_id
    _visit(ET.SubElement(ET.SubElement(root, "Body"), "CommercialVisitRt"), submission)
    return ET.tostring(root, encoding="unicode")


def _visit(node: ET.Element, bill: dict[str, Any]) -> None:
    patient, visit = bill["patient"], bill["visit"]
    _put(node, "ClaimKind", bill["kind"])
    _put(node, "OrderKind", bill.get("order_kind"))
    _put(node, "VisitKind", _KIND[visit["visit_kind"]])
    _all(node, visit, _VISIT)
    _put(node, "Accident", None if "accident" not in visit else "1" if visit["accident"] else "0")
    _all(node, patient, _PATIENT)
    _put(node, "IdType", "01")
    _put(node, "SexCode", _GENDER[patient["gender"]])
    _part(node, "Record", visit.get("record"), _RECORD)
    for one in bill["diagnoses"]:
        _diagnosis(_row(node, "DiagList", "Diag"), one)
    for one in bill.get("procedures", ()):
        _all(_row(node, "OperList", "Oper"), one, _OPERATION)
    for one in bill["lines"]:
        _line(_row(node, "FeeList", "FeeItem"), one)
    _settle(ET.SubElement(node, "Settle"), bill["split"])
    _papers(node, bill)


def _diagnosis(node: ET.Element, one: dict[str, Any]) -> None:
    _all(
        node,
        one,
        {"Seq": "seq", "CodeSystem": "system", "Code": "code", "Name": "name", "AdmitCondition": "admit_condition"},
    )
    _put(node, "MainFlag", "1" if one["is_main"] else "0")
    _put(node, "DiagType", _DIAGNOSIS[one["kind"]])


def _line(node: ET.Element, one: dict[str, Any]) -> None:
    _all(node, one, _LINE)
    _money(node, one, _LINE_MONEY)
    _put(node, "ChrgitmLv", _CLASS.get(one.get("class_level", "")))


def _settle(node: ET.Element, split: dict[str, Any]) -> None:
    _put(node, "SettleDate", split.get("settled_at_day"))
    _money(node, split, _SPLIT_MONEY)
    for one in split.get("categories", ()):
        row = _row(node, "CatList", "Cat")
        _all(row, one, {"Code": "category", "Name": "name"})
        _money(row, one, {"Amount": "amount"})


def _papers(node: ET.Element, bill: dict[str, Any]) -> None:
    if "invoice" in bill:
        _money(_part(node, "Invoice", bill["invoice"], _INVOICE), bill["invoice"], {"Amount": "amount"})
    for policy in bill["policies"]:
        row = _row(node, "PolicyList", "Policy")
        _all(row, policy, _POLICY)
        _money(row, policy, {"Residual": "residual", "DeductibleLeft": "deductible_left"})
    _part(node, "Consent", bill["consent"], _CONSENT)
    _part(node, "Report", bill.get("report"), _REPORT)
    _part(node, "Confirmation", bill.get("confirmation"), _CONFIRMATION)
    _part(node, "PayoutAccount", bill.get("payout_account"), _PAYOUT)


def _part(node: ET.Element, name: str, source: dict[str, Any] | None, names: Names) -> ET.Element:
    if source is None:
        return node
    part = ET.SubElement(node, name)
    _all(part, source, names)
    return part


def _row(node: ET.Element, box: str, name: str) -> ET.Element:
    found = node.find(box)
    return ET.SubElement(ET.SubElement(node, box) if found is None else found, name)


def _all(node: ET.Element, source: dict[str, Any], names: Names) -> None:
    for name, ours in names.items():
        _put(node, name, source.get(ours))


def _money(node: ET.Element, source: dict[str, Any], names: Names) -> None:
    for name, ours in names.items():
        _put(node, name, yuan(source[ours]) if ours in source else None)


def _put(node: ET.Element, name: str, value: Any) -> None:
    """Absent values leave as empty elements, as these systems send them; instants lose their zone."""
    text = "^".join(value) if isinstance(value, list | tuple) else "" if value is None else str(value)
    if text[10:11] == "T" and "+" in text:
        text = datetime.fromisoformat(text).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
    ET.SubElement(node, name).text = text
