"""Mobile 医保 payments, HIS messages and CSV rows against their published samples, and what each of them refuses."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from lxml import etree
from partner_folder import SAMPLES, changed
from test_hospital_formats import PUBLISHED, papers, published, read, refused_rules

from gateway.claims.canonical.claim import Submission
from gateway.kernel.errors import MessageRefused
from gateway.sandbox.hospital.his import his_message
from gateway.sandbox.hospital.table import csv_file
from gateway.sandbox.hospital.visits import Wish, submission

OUTPATIENT = PUBLISHED["op"][2]


def mobile(order: str = "mobile_6302_callback_data") -> dict[str, Any]:
    """The published upload and order; judged lines are those of the same visit's 2204 answer, in the profile's spelling."""
    judged = published("yibao", "op_2204_answer")["output"]["result"]
    return {
        "fee_upload": published("yibao", "mobile_6201_data"),
        "fee_result": [{_camel(name): value for name, value in line.items()} for line in judged],
        "pay_order": published("yibao", order),
        "commercial": papers("pat_0001"),
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def amounts(bill: Submission) -> tuple[Any, ...]:
    split = bill.split
    own = (split.total, split.own_total, split.over_total, split.pre_total, split.scope_total)
    return (*own, split.fund_total, split.account_pay, split.cash_pay)


@pytest.mark.parametrize("order", ["mobile_6302_callback_data", "mobile_6202_answer_data"])
def test_published_mobile_payment_is_read_to_the_fen(order: str) -> None:
    bill = read("yibao-6201", mobile(order))
    assert (amounts(bill), len(bill.lines), refused_rules(bill)) == (OUTPATIENT, 9, [])


def test_person_of_an_identity_card_needs_no_other_word_for_birth_and_gender() -> None:
    """999901198503120012: born on 12 March 1985; the 17th digit is odd."""
    patient = read("yibao-6201", mobile()).patient
    assert (patient.birth_date.isoformat(), patient.gender) == ("1985-03-12", "male")


@pytest.mark.parametrize("state", ["0", "1", "2", "14", "15", "16", "17", "25"])
def test_mobile_order_that_is_not_settled_is_no_bill(state: str) -> None:
    with pytest.raises(MessageRefused, match=r"split\.total"):
        read("yibao-6201", changed(mobile("mobile_6202_answer_data"), ("pay_order", "ordStas"), state))


def test_one_provinces_spelling_of_the_cash_amount_is_read() -> None:
    body = mobile()
    body["pay_order"]["ownpayAmt"] = body["pay_order"].pop("ownPayAmt")
    assert read("yibao-6201", body).split.cash_pay == OUTPATIENT[-1]


def test_person_without_an_identity_card_is_told_by_the_commercial_part() -> None:
    body = changed(mobile(), ("fee_upload", "idType"), "08")
    with pytest.raises(MessageRefused, match="birth_date"):
        read("yibao-6201", body)
    told = {"patient_id": "pat_0001", "gender": "female", "birth_date": "1990-01-02"}
    assert read("yibao-6201", changed(body, ("commercial", "patient"), told)).patient.gender == "female"


def completed() -> bytes:
    """The published inner request with what insurers need besides."""
    root = etree.fromstring((SAMPLES / "his" / "inner_request.xml").read_bytes())
    ours = etree.fromstring(his_message(submission(Wish("outpatient", 17)), "m").encode())
    visit, more = root.find("Body/CommercialVisitRt"), ours.find("Body/CommercialVisitRt")
    assert visit is not None
    assert more is not None
    for name in ("ClaimKind", "HospitalName", "PayerClass", "PatientId", "PolicyList", "Consent"):
        found = more.find(name)
        assert found is not None
        visit.append(deepcopy(found))
    return etree.tostring(root)


def test_published_his_message_is_read_to_the_fen() -> None:
    bill = read("his-soap", completed())
    assert (amounts(bill), len(bill.lines), refused_rules(bill)) == (OUTPATIENT, 9, [])
    assert [(one.code, one.is_main) for one in bill.diagnoses] == [("J06.900", True)]


def test_his_message_of_another_kind_of_visit_is_refused() -> None:
    with pytest.raises(MessageRefused, match="visit_kind"):
        read("his-soap", completed().replace(b"<VisitKind>1<", b"<VisitKind>7<"))


def test_a_caret_parts_a_list_in_one_element() -> None:
    two = completed().replace(b"<InsurerCodes>package<", b"<InsurerCodes>package^hcx<")
    assert read("his-soap", two).consent.insurer_codes == ("package", "hcx")


def sheet() -> str:
    return csv_file({"B1": submission(Wish("outpatient", 17))}, "\n")


def test_csv_amounts_with_a_point_are_refused_and_never_taken_for_fen() -> None:
    assert ",2500,A," in sheet()
    with pytest.raises(MessageRefused, match="amount"):
        read("csv", sheet().replace(",2500,A,", ",25.00,A,", 1).encode())


def test_csv_with_a_second_row_of_what_a_bill_has_one_of_is_refused() -> None:
    split = next(line for line in sheet().splitlines() if line.startswith("split,"))
    with pytest.raises(MessageRefused, match="split"):
        read("csv", f"{sheet()}{split}\n".encode())


def test_csv_truth_in_another_word_is_refused() -> None:
    main = next(line for line in sheet().splitlines() if line.startswith("diagnoses,"))
    with pytest.raises(MessageRefused, match="is_main"):
        read("csv", sheet().replace(main, main.replace(",true,", ",ja,")).encode())


@pytest.mark.parametrize("row", ["#lines,bill", "#odd,bill\nodd,B1", "nobody,B1", "#,bill", "#x,a,a", '"a"b'])
def test_csv_that_says_nothing_sure_is_refused(row: str) -> None:
    with pytest.raises(MessageRefused):
        read("csv", f"{sheet()}{row}\n".encode())


def test_csv_with_more_cells_than_columns_is_refused_and_empty_cells_are_absent() -> None:
    wide = sheet().replace("\nsplit,", "\nsplit,", 1).splitlines()
    padded = "\n".join(line + ",,," for line in wide)
    assert read("csv", padded.encode()) == msgspec.convert(submission(Wish("outpatient", 17)), Submission)
    with pytest.raises(MessageRefused, match="more cells"):
        read("csv", "\n".join([*wide[:-1], wide[-1] + ",,,x"]).encode())


def test_no_refusal_tells_a_value() -> None:
    body = json.dumps(changed(mobile(), ("fee_upload", "medType"), "测试患者")).encode()
    with pytest.raises(MessageRefused) as refused:
        read("yibao-6201", body)
    assert "测试" not in str(refused.value)
