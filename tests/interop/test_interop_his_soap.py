"""The SOAP door as clients of other makers use it: they read its WSDL, call it, and get decided bills or faults."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep.exceptions
from lxml import etree
from requests.auth import HTTPBasicAuth
from support.bills import SampleBill, sample_bill
from support.house import House
from support.verifiers import ROOT, node
from zeep import Client
from zeep.transports import Transport

from gateway.cli.stage import Stage
from gateway.kernel.money import yuan
from gateway.sandbox.hospital.his import his_message

HOSPITAL_FOUR = "H99990100004"
ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
Zeep = Callable[..., Any]


def address(stage: Stage) -> str:
    return f"https://localhost:{stage.ports['hospital']}/v1/soap"


def password(stage: Stage) -> str:
    return (stage.keys / "hospital-h4-password.secret").read_text("ascii").strip()


@pytest.fixture
def by_zeep(stage: Stage) -> Zeep:
    """(action, message) to the answer's text, as hospital one by its certificate or as whom ``auth`` says."""

    def call(action: str, message: str, auth: HTTPBasicAuth | None = None) -> str:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(stage.keys / "ca.cert.pem")
        if auth is None:
            session.cert = (str(stage.keys / "hospital-h1.cert.pem"), str(stage.keys / "hospital-h1.key.pem"))
        session.auth = auth
        client = Client(f"{address(stage)}?wsdl", transport=Transport(session=session))
        return str(client.service.HIPMessageServer(action, message))

    return call


def told(text: str) -> dict[str, str]:
    """Leaves of the answer text by name; of the claims, the first one's."""
    found: dict[str, str] = {}
    for leaf in etree.fromstring(text.encode()).iter():
        if not len(leaf):
            found.setdefault(str(leaf.tag), leaf.text or "")
    return found


async def test_zeep_submits_a_bill_and_reads_its_decision(by_zeep: Zeep, house: House) -> None:
    bill = sample_bill("package")

    answer = told(await asyncio.to_thread(by_zeep, "GW0001", his_message(bill.submission, bill.key)))
    booked = await house.settlements("package", bill)

    assert (answer["ResultCode"], answer["MessageID"], answer["IndemnitySign"]) == ("0", bill.key, "1")
    assert [yuan(one["amount_fen"]) for one in booked] == [answer["Approved"]]
    assert (answer["State"], answer["Outcome"], answer["Message"]) == ("decided", "paid", "商保已赔付")


async def test_the_same_message_is_one_bill_and_can_be_asked_for(by_zeep: Zeep, house: House) -> None:
    bill = sample_bill("package")
    message = his_message(bill.submission, bill.key)

    first = told(await asyncio.to_thread(by_zeep, "GW0001", message))
    again = told(await asyncio.to_thread(by_zeep, "GW0001", '<?xml version="1.0" encoding="GBK"?>\n' + message))
    asked_for = f"<CommercialQueryRt><CaseNo>{first['CaseNo']}</CaseNo></CommercialQueryRt>"
    query = f"<Request><Header><MessageID>q1</MessageID></Header><Body>{asked_for}</Body></Request>"
    asked = told(await asyncio.to_thread(by_zeep, "GW0002", query))

    assert again == first
    assert asked == first | {"MessageID": "q1"}
    assert len(await house.settlements("package", bill)) == 1


async def test_node_soap_submits_with_a_password(stage: Stage, house: House, tmp_path: Path) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_FOUR)
    (tmp_path / "message.xml").write_text(his_message(bill.submission, bill.key), "utf-8")

    good, answer = await _by_node(stage, password(stage), tmp_path)
    _, refused = await _by_node(stage, "0" * 64, tmp_path)

    assert good, answer
    assert (told(answer)["ResultCode"], told(answer)["Outcome"]) == ("0", "paid")
    assert refused == "FAULT soap:Client caller-unknown"


async def _by_node(stage: Stage, secret: str, place: Path) -> tuple[bool, str]:
    ca = str(stage.keys / "ca.cert.pem")
    arguments = (address(stage), ca, HOSPITAL_FOUR, secret, "GW0001", str(place / "message.xml"))
    good, answer, said = await asyncio.to_thread(node, "his_call.js", *arguments)
    return good, answer.decode() or said


async def test_a_password_opens_the_soap_door_only(stage: Stage, house: House, by_zeep: Zeep) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_FOUR)
    auth = HTTPBasicAuth(HOSPITAL_FOUR, password(stage))
    headers = {"Authorization": str(auth(requests.Request()).headers["Authorization"]), "Idempotency-Key": bill.key}

    elsewhere = await house.call("POST", "/v1/claims", bill.body, headers, proven=False)
    another = HTTPBasicAuth("H99990100002", password(stage))

    assert (elsewhere.status, elsewhere.code) == (401, "caller-unknown")
    with pytest.raises(zeep.exceptions.Fault, match="the caller is not known"):
        await asyncio.to_thread(by_zeep, "GW0001", his_message(bill.submission, bill.key), another)
    with pytest.raises(zeep.exceptions.Fault, match="the caller is not known"):
        await asyncio.to_thread(by_zeep, "GW0001", his_message(bill.submission, bill.key), HTTPBasicAuth("x", ""))


@pytest.mark.parametrize("sample", ["soap_call_escaped", "soap_call_cdata"])
async def test_published_calls_are_read_whether_escaped_or_in_cdata(house: House, sample: str) -> None:
    """The published message lacks the patient's policies and consent: that is what the answer says, in its own namespace."""
    call = (ROOT / "tests" / "contract" / "samples" / "his" / f"{sample}.xml").read_bytes()

    answer = await house.call("POST", "/v1/soap", call, {"Content-Type": "text/xml; charset=utf-8"})
    root = etree.fromstring(answer.body)
    text = root.findtext(
        f"{ENVELOPE}Body/{{urn:test:his}}HIPMessageServerResponse/{{urn:test:his}}HIPMessageServerResult"
    )

    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert text is not None
    assert (told(text)["ResultCode"], told(text)["MessageID"]) == ("-1", "TESTMSG0000001")
    assert "测试患者" not in text


def _cheaper(bill: dict[str, Any]) -> None:
    bill["split"]["total"] -= 100


REFUSED: dict[str, Callable[[SampleBill], tuple[str, str]]] = {
    "bad-money": lambda bill: ("GW0001", his_message(bill.changed(_cheaper).submission, bill.key)),
    "bad-request": lambda bill: ("GW0001", his_message(bill.submission, "no id at all")),
    "bad-xml": lambda _: ("GW0001", "<Request><Header>"),
    "action-unknown": lambda bill: ("GW0099", his_message(bill.submission, bill.key)),
    "order-unknown": lambda _: ("GW0002", "<Request><Header/><Body/></Request>"),
    "hospital-mismatch": lambda _: _of_another(sample_bill("package", hospital=HOSPITAL_FOUR)),
}


def _of_another(bill: SampleBill) -> tuple[str, str]:
    return "GW0001", his_message(bill.submission, bill.key)


@pytest.mark.parametrize("code", REFUSED)
async def test_a_message_that_is_refused_is_an_answer_and_no_fault(by_zeep: Zeep, code: str) -> None:
    bill = sample_bill("package")

    answer = told(await asyncio.to_thread(by_zeep, *REFUSED[code](bill)))

    assert (answer["ResultCode"], answer["ErrorCode"]) == ("-1", code)
    assert bill.submission["patient"]["name"] not in json.dumps(answer, ensure_ascii=False)


BROKEN = {
    "no XML": b"GW0001",
    "a DOCTYPE": b'<!DOCTYPE x [<!ENTITY e "e">]><x/>',
    "SOAP 1.2": b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>',
    "another operation": b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>',
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_call_is_a_fault(house: House, name: str) -> None:
    answer = await house.call("POST", "/v1/soap", BROKEN[name], {"Content-Type": "text/xml"})
    fault = etree.fromstring(answer.body).find(f"{ENVELOPE}Body/{ENVELOPE}Fault")

    assert answer.status == 500
    assert fault is not None
    assert fault.findtext("faultcode") == "soap:Client"
    assert fault.findtext("detail/{*}Problem/{*}Code") == "soap-form"
