"""Action 1, the claim report: which parts it must have, in which order."""

import re
import time
from dataclasses import dataclass

from lxml import etree

from gateway.sandbox.common.rules import Violation, words

FUNCTION = "ant.bxcloud.health.report.sync"
HEAD = words("version function transTime transTimeZone reqMsgId format signType asyn cid")
BODY = words("instSerailNo outBizNo reportNo outReportNo policies action actionTime actionDesc actionContext")
_MAY_BE_EMPTY = frozenset({"outReportNo", "actionDesc"})
_FIXED_HEAD = {"function": FUNCTION, "transTimeZone": "UTC+8", "signType": "RSA", "asyn": "0"}
_REQUIRED_KEYS = words(
    "accidentTime accidentPersonCertName accidentPersonCertNo accidentPersonCertType claimApplyAmount claimApplyTime "
    "reportChannel claimerCertName claimerCertNo claimerCertType outBizNo"
)
_TIME_KEYS = ("accidentTime", "claimApplyTime")


@dataclass(frozen=True, slots=True)
class Report:
    message_id: str
    out_biz_no: str
    report_no: str
    policy_no: str
    applied_fen: int
    accident_time: str


def message_id(request: etree._Element) -> str:
    return (request.findtext("head/reqMsgId") or "").strip()


def read_report(request: etree._Element) -> Report:
    """Raises ``Violation`` 400 with the name of the first part that is missing or malformed."""
    head, body = _children(request, "head", HEAD), _children(request, "body", BODY)
    _check_head(head)
    context = _context(body["actionContext"])
    policies = [(one.findtext("policyNo") or "").strip() for one in body["policies"].findall("policy")]
    if len(policies) != 1 or not policies[0]:
        raise _malformed("policies")
    if _text(body, "action") != "1":
        raise _malformed("action")
    _stamp("actionTime", _text(body, "actionTime"))
    return Report(
        _text(head, "reqMsgId"),
        _text(body, "outBizNo"),
        _text(body, "reportNo"),
        policies[0],
        _amount(context["claimApplyAmount"]),
        context["accidentTime"],
    )


def _children(request: etree._Element, name: str, expected: tuple[str, ...]) -> dict[str, etree._Element]:
    parent = request.find(name)
    if parent is None or tuple(child.tag for child in parent) != expected:
        raise _malformed(name)
    children = {str(child.tag): child for child in parent}
    for tag, child in children.items():
        if len(child) == 0 and tag not in _MAY_BE_EMPTY and not (child.text or "").strip():
            raise _malformed(tag)
    return children


def _check_head(head: dict[str, etree._Element]) -> None:
    for name, value in _FIXED_HEAD.items():
        if _text(head, name) != value:
            raise _malformed(name)
    if _text(head, "format").upper() != "XML":
        raise _malformed("format")
    _stamp("transTime", _text(head, "transTime"))


def _context(element: etree._Element) -> dict[str, str]:
    found = {info.get("key") or "": info.get("value") or "" for info in element.findall("extendInfo")}
    if len(found) != len(element.findall("extendInfo")):
        raise _malformed("actionContext")
    for key in _REQUIRED_KEYS:
        if not found.get(key, "").strip():
            raise _malformed(key)
    for key in _TIME_KEYS:
        _stamp(key, found[key])
    return found


def _text(children: dict[str, etree._Element], name: str) -> str:
    return (children[name].text or "").strip()


def _stamp(name: str, value: str) -> None:
    try:
        well_formed = re.fullmatch(r"[0-9]{14}", value) is not None
        time.strptime(value, "%Y%m%d%H%M%S")
    except ValueError:
        well_formed = False
    if not well_formed:
        raise _malformed(name)


def _amount(value: str) -> int:
    """分, an integer text without a point."""
    if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) == 0:
        raise _malformed("claimApplyAmount")
    return int(value)


def _malformed(name: str) -> Violation:
    return Violation("400", f"{name}缺失或格式错误")
