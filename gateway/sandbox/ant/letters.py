"""What the insurer writes: the signed answer, and the notices of actions 2, 9 and 10."""

from datetime import datetime

from lxml import etree

from gateway.kernel.clock import SHANGHAI
from gateway.sandbox.ant.report import FUNCTION, HEAD, Report
from gateway.sandbox.terms import Assessment

CID = "TEST"
OUT_POLICY = "TESTOUTP0001"
TOTALS = ("deductibleFee", "totalDeductibleFee", "overDeductibleFee")


def answer(asked: str, report_no: str, code: str, text: str, now: datetime) -> bytes:
    """The inside of ``<response>``; ``success`` 1 means taken, not decided."""
    head = _head("1.0", asked, str(int(now.timestamp() * 1000)))
    body = etree.Element("body")
    _texts(body, success="1" if code == "200" else "0", errorCode=code, errorMessage=text)
    if report_no:
        _texts(body, reportNo=report_no)
    return _print(head, body)


def closed(report: Report, assessed: Assessment, number: str, now: datetime) -> bytes:
    """Action 2: the inside of ``<request>``, with the liability's arithmetic."""
    at = stamp(now)
    body = etree.Element("body")
    _texts(body, reportNo=report.report_no, outReportNo=f"TESTOUTREPORT{number}")
    claim = etree.SubElement(etree.SubElement(body, "claims"), "claim")
    _texts(claim, outBizNo=f"TESTBIZ{number}", policyNo=report.policy_no, outPolicyNo=OUT_POLICY)
    _texts(claim, outClaimNo=f"TESTCLAIM{number}", action="2", actionTime=at, actionDesc="正常结案")
    context = etree.SubElement(claim, "actionContext")
    _infos(context, claimFee=str(assessed.payable), claimSuccessTime=at, claimAssessTime=at, claimRecordTime=at)
    _infos(context, accidentTime=report.accident_time, claimAccidentType="1", resolveReason="正常结案")
    _adjustment(_item(context, "adjustmentDetails"), assessed)
    return _print(_head("3.0", f"{at}TEST{number}", at), body)


def rejected(report: Report, number: str, now: datetime) -> bytes:
    """Action 9."""
    at = stamp(now)
    body, context = _case_notice(report, number, "9", "", at)
    _infos(context, rejectTime=at, rejectReason="不在保险责任内", rejectCategoryName="")
    return _print(_head("3.0", f"{at}TEST{number}", at), body)


def material_wanted(report: Report, number: str, now: datetime) -> bytes:
    """Action 10."""
    at = stamp(now)
    body, context = _case_notice(report, number, "10", "单证补传", at)
    item = _item(context, "progress")
    _infos(item, progressStatus="INSURANCE_COMPANY_MODIFY", progressUpdateTime=at, bizData="请补充费用清单")
    return _print(_head("3.0", f"{at}TEST{number}", at), body)


def stamp(now: datetime) -> str:
    return f"{now.astimezone(SHANGHAI):%Y%m%d%H%M%S}"


def _case_notice(report: Report, number: str, action: str, text: str, at: str) -> tuple[etree._Element, etree._Element]:
    body = etree.Element("body")
    _texts(body, outBizNo=f"TESTBIZ{number}", reportNo=report.report_no, outReportNo=f"TESTOUTREPORT{number}")
    policy = etree.SubElement(etree.SubElement(body, "policies"), "policy")
    _texts(policy, policyNo=report.policy_no, outPolicyNo=OUT_POLICY)
    _texts(body, action=action, actionTime=at, actionDesc=text)
    return body, etree.SubElement(body, "actionContext")


def _adjustment(item: etree._Element, assessed: Assessment) -> None:
    """One liability: assessclaimFee = totalFee - the three reductions, claimFee = assessclaimFee × paymentRatio."""
    base = str(assessed.base)
    _infos(item, liabilityCode="TESTL001", liabilityItemName="门急诊医疗", totalFee=base, compensationFee="0")
    _infos(item, insocialsecurityFee=base, outsocialsecurityfee="0", unreasonableFee="0", assessclaimFee=base)
    _infos(item, claimFee=str(assessed.payable), paymentRatio=str(assessed.product.ratio))
    _infos(item, **dict.fromkeys(TOTALS, "0"))


def _head(version: str, number: str, at: str) -> etree._Element:
    values = (version, FUNCTION, at, "UTC+8", number, "XML", "RSA", "0", CID)
    head = etree.Element("head")
    _texts(head, **dict(zip(HEAD, values, strict=True)))
    return head


def _item(context: etree._Element, key: str) -> etree._Element:
    infos = etree.SubElement(context, "extendInfos", key=key)
    return etree.SubElement(etree.SubElement(infos, "list"), "item")


def _infos(parent: etree._Element, **values: str) -> None:
    for key, value in values.items():
        etree.SubElement(parent, "extendInfo", key=key, value=value)


def _texts(parent: etree._Element, **values: str) -> None:
    for tag, text in values.items():
        etree.SubElement(parent, tag).text = text


def _print(*parts: etree._Element) -> bytes:
    return b"".join(etree.tostring(part, encoding="utf-8", xml_declaration=False) for part in parts)
