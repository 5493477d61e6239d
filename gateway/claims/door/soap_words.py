"""What the SOAP door says: an answer text inside a SOAP answer, or a fault."""

from collections.abc import Mapping
from typing import Any

from lxml import etree

from gateway.kernel.errors import (
    BadClaim,
    BadMoney,
    BadRequest,
    Conflict,
    LianpeiError,
    MessageRefused,
    NotAllowed,
    NotFound,
)
from gateway.kernel.errorwords import in_chinese
from gateway.kernel.money import yuan

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
OURS = "urn:lianpei:his"
OPERATION = "HIPMessageServer"
Parts = list[tuple[str, "str | Parts"]]
"""Elements in order: a name with its text or with what is below it."""

_ANSWERED = (BadMoney, BadClaim, Conflict, NotAllowed, NotFound, MessageRefused, BadRequest)
"""Refusals of a message; every other error means that the call itself has failed and is a fault."""
_MOST_RULES = 10


def is_answer(error: LianpeiError) -> bool:
    """Whether the message was read and refused. All else (who calls, how often, trouble on our side) is no answer to it."""
    return isinstance(error, _ANSWERED) and error.error_code != "internal"


def refused(message_id: str, error: LianpeiError) -> str:
    """ResultCode -1: what is wrong, by rule and field and never by value."""
    fields: Parts = [("Field", field) for field in error.fields[:100]]
    broken = [f"{one['rule']}：{one['zh']} {one['en']}" for one in error.errors[:_MOST_RULES]]
    text = "；".join([f"{in_chinese(error.error_code)} [{error.error_code}] {error.message}", *broken])
    said: Parts = [("ResultCode", "-1"), ("ResultContent", text)]
    return _inner(message_id, [*said, ("ErrorCode", error.error_code), ("Hint", error.hint), ("FieldList", fields)])


def accepted(message_id: str, view: Mapping[str, Any]) -> str:
    """ResultCode 0 with the bill as it stands; amounts in 元.

    IndemnitySign: 1 the insurer pays a share, 0 it pays nothing, 2 not decided yet.
    """
    decided = view["state"] == "decided"
    sign = "2" if not decided else "1" if view["approved_fen"] > 0 else "0"
    claims: Parts = [("Claim", _claim(claim)) for claim in view["claims"]]
    due = view["self_pay_due_fen"]
    found: Parts = [
        ("CaseNo", view["order_id"]),
        ("State", view["state"]),
        ("IndemnitySign", sign),
        ("Total", yuan(view["total_fen"])),
        ("Approved", yuan(view["approved_fen"])),
        ("SelfPayDue", yuan(due) if decided else ""),
        ("ClaimList", claims),
    ]
    if "warnings" in view:
        found.append(("WarningList", [("Warning", _warning(one)) for one in view["warnings"]]))
    return _inner(message_id, [("ResultCode", "0"), ("ResultContent", "成功"), ("CommercialVisitRp", found)])


def _warning(told: Mapping[str, Any]) -> Parts:
    return [("Rule", told["rule"]), ("Message", told["zh"]), *(("Field", field) for field in told["fields"])]


def _claim(claim: Mapping[str, Any]) -> Parts:
    return [
        ("ClaimNo", claim["claim_id"]),
        ("InsurerCode", claim["insurer"]),
        ("State", claim["state"]),
        ("Outcome", claim["outcome"] or ""),
        ("Claimed", yuan(claim["claimed_fen"])),
        ("Approved", yuan(claim["approved_fen"])),
        ("Reason", claim["reason"] or ""),
        ("Message", claim["message"]["zh"]),
    ]


def _inner(message_id: str, body: Parts) -> str:
    head: Parts = [("SourceSystem", "LIANPEI"), ("MessageID", message_id)]
    root = _filled(etree.Element("Response"), [("Header", head), ("Body", body)])
    return etree.tostring(root, encoding="unicode")


def _filled(node: etree._Element, parts: Parts, namespace: str = "") -> etree._Element:
    for name, value in parts:
        child = etree.SubElement(node, f"{{{namespace}}}{name}" if namespace else name)
        if isinstance(value, str):
            child.text = value
        else:
            _filled(child, value, namespace)
    return node


def answer(text: str, namespace: str) -> bytes:
    """The operation's answer in the namespace in which it was called: products give their own to the same operation."""
    call = etree.Element(f"{{{namespace}}}{OPERATION}Response" if namespace else f"{OPERATION}Response")
    return _enveloped(_filled(call, [(f"{OPERATION}Result", text)], namespace))


def fault(status: int, error: LianpeiError) -> bytes:
    """SOAP 1.1 section 4.4; the detail carries the stable error code."""
    ours = status >= 500 or status in (408, 429)
    node = etree.Element(f"{{{ENVELOPE}}}Fault")
    etree.SubElement(node, "faultcode").text = "soap:Server" if ours else "soap:Client"
    etree.SubElement(node, "faultstring").text = f"{in_chinese(error.error_code)} {error.message}"
    detail: Parts = [("Problem", [("Code", error.error_code), ("Hint", error.hint)])]
    _filled(etree.SubElement(node, "detail"), detail, OURS)
    return _enveloped(node)


def _enveloped(node: etree._Element) -> bytes:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(node)
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
