"""A bill that is odd and not wrong is taken as it is; what is odd stays with it, for the hospital and for operators."""

from typing import Any

from lxml import etree
from support.bills import SampleBill, sample_bill
from support.doorstage import DoorStage, EvilInsurer
from support.house import House
from support.middleman import Middleman
from test_admin_door import ask

from gateway.sandbox.hospital.his import his_message

CERTIFICATE = {
    "rule": "claim-19",
    "fields": ["patient.cert_no"],
    "zh": "身份证号校验位不符",
    "en": "the identity number fails its check digit",
}


def odd(*insurers: str) -> SampleBill:
    """With a digit too many in the identity number, as a slip of the hand makes one."""
    return sample_bill(*insurers).changed(lambda bill: bill["patient"].update(cert_no=bill["patient"]["cert_no"] + "9"))


def sound(document: dict[str, Any]) -> bool:
    return document["state"] == "decided" and document["claims"][0]["outcome"] == "paid"


async def test_what_is_odd_is_said_in_the_answer_and_whenever_the_order_is_looked_at(house: House) -> None:
    bill = odd("package")

    first = await house.submit(bill)
    again = await house.submit(bill)
    order = await house.order(first.document["order_id"])

    assert sound(first.document)
    assert first.document["warnings"] == [CERTIFICATE]
    assert first.body == again.body == order.body
    assert bill.submission["patient"]["cert_no"] not in first.body.decode()


async def test_every_oddity_is_said_once_with_all_its_places(house: House) -> None:
    def of_a_newborn(bill: dict[str, Any]) -> None:
        bill["patient"] |= {"birth_date": bill["visit"]["begin_at"][:10], "cert_type": "birth", "cert_no": "B-1"}
        bill["lines"][0]["occurred_at"] = "1999-01-01T00:00:00+08:00"

    answer = await house.submit(sample_bill("package").changed(of_a_newborn))

    told = {warning["rule"]: warning["fields"] for warning in answer.document["warnings"]}
    assert told == {
        "claim-16": ["lines.occurred_at", "visit.begin_at", "visit.end_at"],
        "claim-23": ["patient.guardian_ref", "patient.birth_date"],
    }


async def test_a_bill_that_was_stopped_for_its_invoice_keeps_what_is_odd(house: House) -> None:
    bill = odd("package")
    await house.submit(bill)

    other = bill.changed(
        lambda told: told["patient"].update(cert_no=bill.submission["patient"]["cert_no"]), f"{bill.key}-2"
    )
    stopped = await house.submit(other)

    assert stopped.document["claims"][0]["reason"] == "invoice-used"
    assert stopped.document["warnings"] == [CERTIFICATE]
    assert (await house.order(stopped.document["order_id"])).document["warnings"] == [CERTIFICATE]


async def test_a_sound_bill_has_no_word_about_warnings(house: House) -> None:
    answer = await house.submit(sample_bill("package"))

    assert sound(answer.document)
    assert "warnings" not in answer.document


async def test_a_his_that_speaks_soap_reads_it_too(house: House) -> None:
    bill = odd("package")
    inner = his_message(bill.submission, bill.key)
    envelope = etree.Element("{http://schemas.xmlsoap.org/soap/envelope/}Envelope")
    call = etree.SubElement(etree.SubElement(envelope, envelope.tag.replace("Envelope", "Body")), "HIPMessageServer")
    etree.SubElement(call, "input1").text, etree.SubElement(call, "input2").text = "GW0001", inner

    answer = await house.call("POST", "/v1/soap", etree.tostring(envelope), {"Content-Type": "text/xml"})

    (text,) = etree.fromstring(answer.body).xpath("//*[local-name()='HIPMessageServerResult']/text()")
    (warning,) = etree.fromstring(text).iter("Warning")
    assert [leaf.text for leaf in warning] == ["claim-19", CERTIFICATE["zh"], "patient.cert_no"]


async def test_an_operator_who_looks_at_the_claim_reads_it(narrow: DoorStage, ward: House, evil: EvilInsurer) -> None:
    evil.behave = Middleman(narrow).behave
    bills = [odd("package"), sample_bill("package")]
    claims = [(await ward.submit(bill)).document["claims"][0]["claim_id"] for bill in bills]

    stories = [(await ask(ward, "auditor", f"claims/{claim}")).document for claim in claims]

    assert [story["warnings"] for story in stories] == [[CERTIFICATE], []]
