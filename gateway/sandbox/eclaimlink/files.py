"""Claim files: read and checked like a strict payer would, and the remittance that answers them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import etree

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import BadMoney, MessageRefused
from gateway.kernel.money import fen_from_yuan, yuan
from gateway.kernel.xml import parse_xml
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.eclaimlink.security import Element

_ROOTS = {"Claim.Submission": "ClaimSubmission", "Prior.Request": "PriorRequest"}
OTHER_PAYERS = "OTHER-PAYERS"
_INPATIENT_ENCOUNTERS = ("3", "4")


@dataclass(frozen=True, slots=True)
class Activity:
    """One billed activity; ``net`` in 分 is the line's total, not a unit price."""

    element: Element
    id: str
    code: str
    net: int

    @property
    def is_ordinary(self) -> bool:
        return self.code != OTHER_PAYERS


@dataclass(frozen=True, slots=True)
class Record:
    """A Claim or an Authorization of a file."""

    element: Element
    id: str
    member_id: str
    net: int
    inpatient: bool
    activities: tuple[Activity, ...]
    kind: str
    """``claim``, or the Type of an authorization."""

    @property
    def is_resubmission(self) -> bool:
        return self.element.find("Resubmission") is not None

    @property
    def content(self) -> bytes:
        return bytes(etree.tostring(self.element, method="c14n"))


@dataclass(frozen=True, slots=True)
class ClaimFile:
    root: str
    sender: str
    receiver: str
    records: tuple[Record, ...]


class Reader:
    def __init__(self, schemas: Path) -> None:
        self._schemas = {root: etree.XMLSchema(etree.parse(schemas / f"{name}.xsd")) for root, name in _ROOTS.items()}

    def read(self, content: bytes) -> ClaimFile:
        """A checked file. Raises ``Violation``: ``-7`` unknown kind of file, ``-2`` anything wrong with it."""
        try:
            document = parse_xml(content)
        except MessageRefused as error:
            raise Violation("-2", "the file is not well-formed XML") from error
        root = str(document.tag)
        if root not in self._schemas:
            raise Violation("-7", "the transaction type is not supported")
        if not self._schemas[root].validate(document):
            raise Violation("-2", "the file does not follow its schema")
        return _checked(document, root)


def _checked(document: Element, root: str) -> ClaimFile:
    elements = document.findall("Claim" if root == "Claim.Submission" else "Authorization")
    if int(document.findtext("Header/RecordCount")) != len(elements):
        raise Violation("-2", "RecordCount is not the number of records")
    receiver = document.findtext("Header/ReceiverID")
    if any(element.findtext("PayerID") != receiver for element in elements):
        raise Violation("-2", "PayerID is not the ReceiverID of the header")
    records = tuple(_claim(element) if root == "Claim.Submission" else _authorization(element) for element in elements)
    if len({record.id for record in records}) != len(records):
        raise Violation("-2", "an ID stands twice")
    return ClaimFile(root, document.findtext("Header/SenderID"), receiver, records)


def _fen(element: Element, name: str) -> int:
    try:
        return fen_from_yuan(element.findtext(name))
    except BadMoney as error:
        raise Violation("-2", f"{name} is no amount") from error


def _activities(element: Element) -> tuple[Activity, ...]:
    activities = tuple(
        Activity(one, one.findtext("ID"), one.findtext("Code"), _fen(one, "Net")) for one in element.findall("Activity")
    )
    if len({one.id for one in activities}) != len(activities):
        raise Violation("-2", "an activity ID stands twice in a record")
    return activities


def _is_inpatient(element: Element) -> bool:
    return element.findtext("Encounter/Type") in _INPATIENT_ENCOUNTERS


def _claim(element: Element) -> Record:
    activities, net = _activities(element), _fen(element, "Net")
    if _fen(element, "Gross") != _fen(element, "PatientShare") + net:
        raise Violation("-2", "Gross is not PatientShare + Net")
    if sum(one.net for one in activities) != net:
        raise Violation("-2", "the activities do not add up to Net")
    if sum(one.text == "Principal" for one in element.findall("Diagnosis/Type")) != 1:
        raise Violation("-2", "a claim has exactly one Principal diagnosis")
    member = element.findtext("MemberID") or ""
    return Record(element, element.findtext("ID"), member, net, _is_inpatient(element), activities, "claim")


def _authorization(element: Element) -> Record:
    activities = _activities(element)
    return Record(
        element,
        element.findtext("ID"),
        element.findtext("MemberID"),
        sum(one.net for one in activities),
        _is_inpatient(element),
        activities,
        element.findtext("Type"),
    )


@dataclass(frozen=True, slots=True)
class Payment:
    activity: Activity
    fen: int
    denial: str = ""


def stamp(now: datetime) -> str:
    return now.astimezone(SHANGHAI).strftime("%d/%m/%Y %H:%M")


def _answer_file(root: str, schema: str, file: ClaimFile, now: datetime) -> Element:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    document = etree.Element(root, nsmap={"xsi": xsi})
    document.set(f"{{{xsi}}}noNamespaceSchemaLocation", schema)
    header = {
        "SenderID": file.receiver,
        "ReceiverID": file.sender,
        "TransactionDate": stamp(now),
        "RecordCount": "1",
        "DispositionFlag": "TEST",
    }
    _texts(etree.SubElement(document, "Header"), header)
    return document


def _texts(parent: Element, members: dict[str, str]) -> Element:
    for name, text in members.items():
        etree.SubElement(parent, name).text = text
    return parent


def _copied(activity: Activity, *names: str) -> dict[str, str]:
    found = {name: activity.element.findtext(name) for name in names}
    return {name: text for name, text in found.items() if text is not None}


def remittance(file: ClaimFile, record: Record, payments: list[Payment], reference: str, now: datetime) -> bytes:
    """A Remittance.Advice over one claim; every activity comes back with its PaymentAmount."""
    document = _answer_file("Remittance.Advice", "RemittanceAdvice.xsd", file, now)
    claim = etree.SubElement(document, "Claim")
    _texts(claim, {"ID": record.id, "IDPayer": f"IDP{reference}", "ProviderID": record.element.findtext("ProviderID")})
    _texts(claim, {"PaymentReference": reference, "DateSettlement": stamp(now)})
    for payment in payments:
        one = etree.SubElement(claim, "Activity")
        kept = ("ID", "Start", "Type", "Code", "Quantity", "Net", "OrderingClinician", "Clinician")
        _texts(one, _copied(payment.activity, *kept))
        _texts(one, _paid(payment))
    return bytes(etree.tostring(document, xml_declaration=True, encoding="utf-8"))


def authorization(file: ClaimFile, record: Record, payments: list[Payment], reference: str, now: datetime) -> bytes:
    """A Prior.Authorization: ``Yes`` with what would be paid, or ``No`` with the reason."""
    document = _answer_file("Prior.Authorization", "PriorAuthorization.xsd", file, now)
    refused = next((one.denial for one in payments if one.denial.startswith("ELIG")), "")
    head = {"Result": "No" if refused else "Yes", "ID": record.id, "IDPayer": f"AUTH{reference}"}
    if refused:
        head["DenialCode"] = refused
    answer = _texts(etree.SubElement(document, "Authorization"), head | {"Start": stamp(now), "End": stamp(now)})
    for payment in payments:
        one = etree.SubElement(answer, "Activity")
        _texts(one, _copied(payment.activity, "ID", "Type", "Code", "Quantity", "Net"))
        _texts(one, _paid(payment))
    return bytes(etree.tostring(document, xml_declaration=True, encoding="utf-8"))


def _paid(payment: Payment) -> dict[str, str]:
    amount = {"PaymentAmount": yuan(payment.fen)}
    return amount | ({"DenialCode": payment.denial} if payment.denial else {})
