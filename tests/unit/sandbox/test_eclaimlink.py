"""The claim post office: what it pays, how its files come and go, and that nothing is paid twice."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError
from development_keys import development_keys
from eclaimlink_support import Provider, claim_file, connected, payments
from lxml import etree

from gateway.sandbox.eclaimlink.simulator import SCHEMAS
from gateway.wire.keys import KeyRing


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return development_keys(tmp_path_factory)


@pytest.fixture(scope="module")
def ring(keys: Path) -> KeyRing:
    return KeyRing.from_directory(keys)


@pytest.fixture
async def provider(keys: Path, ring: KeyRing) -> AsyncIterator[Provider]:
    async with connected(keys, ring) as one:
        yield one


async def test_a_claim_is_paid_by_activity_at_eighty_percent_and_the_advice_follows_its_schema(
    provider: Provider,
) -> None:
    answer = await provider.upload(claim_file(["25.00", "3.33"]))
    assert answer["UploadTransactionResult"] == "0"
    advice = await provider.remittance()
    etree.XMLSchema(etree.parse(SCHEMAS / "RemittanceAdvice.xsd")).assertValid(advice)
    assert payments(advice) == ["20.00", "2.66"]
    assert {one.text for one in advice.iter("DenialCode")} == {"PRCE-002"}
    (settlement,) = await provider.ledger()
    assert (settlement["amount_fen"], settlement["times_applied"]) == (2266, 1)


async def test_an_inpatient_claim_is_paid_at_ninety_percent(provider: Provider) -> None:
    await provider.upload(claim_file(["100.00"], encounter="3"))
    assert payments(await provider.remittance()) == ["90.00"]


async def test_what_others_bear_is_taken_off_in_full_but_never_below_zero(provider: Provider) -> None:
    await provider.upload(claim_file(["100.00"], share="30.00", others="-30.00"))
    assert payments(await provider.remittance()) == ["80.00", "-30.00"]


async def test_when_others_bear_more_than_the_share_nothing_is_paid(provider: Provider) -> None:
    await provider.upload(claim_file(["100.00"], share="90.00", others="-90.00"))
    assert payments(await provider.remittance()) == ["80.00", "-80.00"]


async def test_no_policy_pays_above_its_residual(provider: Provider) -> None:
    await provider.upload(claim_file(["60000.00", "10000.00"]))
    assert sum(Decimal(text) for text in payments(await provider.remittance())) == Decimal("50000.00")


@pytest.mark.parametrize("member", ["EXPIRED1", "REFUSE1"])
async def test_a_refused_policy_gets_nothing_and_the_reason(provider: Provider, member: str) -> None:
    await provider.upload(claim_file(["25.00"], member=member))
    advice = await provider.remittance()
    assert payments(advice) == ["0.00"]
    assert [one.text for one in advice.iter("DenialCode")] == ["ELIG-001"]
    assert [one["state"] for one in await provider.ledger()] == ["refused"]


async def test_the_same_file_again_is_the_same_transaction_and_pays_once(provider: Provider) -> None:
    first = await provider.upload(claim_file(["25.00"]))
    again = await provider.upload(claim_file(["25.00"]))
    assert first["TransactionID"] == again["TransactionID"]
    assert [one["times_applied"] for one in await provider.ledger()] == [1]


async def test_a_decided_claim_under_another_name_or_content_is_refused(provider: Provider) -> None:
    await provider.upload(claim_file(["25.00"]))
    assert (await provider.upload(claim_file(["25.00"]), "other.xml"))["UploadTransactionResult"] == "-2"
    assert (await provider.upload(claim_file(["26.00"])))["UploadTransactionResult"] == "-2"


async def test_a_refused_claim_may_come_again_as_a_correction(provider: Provider) -> None:
    await provider.upload(claim_file(["25.00"], member="REFUSE1"))
    correction = "<Resubmission><Type>correction</Type><Comment>new number</Comment></Resubmission>"
    answer = await provider.upload(claim_file(["25.00"], extra=correction))
    assert answer["UploadTransactionResult"] == "0"
    assert [one["state"] for one in await provider.ledger()] == ["refused", "settled"]


async def test_a_search_by_file_name_finds_what_was_sent_and_nothing_else(provider: Provider) -> None:
    async def found(name: str) -> list[str | None]:
        members = {"direction": "1", "transactionID": "2", "transactionStatus": "-1", "transactionFileName": name}
        answer = await provider.call("SearchTransactions", **members, minRecordCount="-1", maxRecordCount="-1")
        return [file.get("FileName") for file in etree.fromstring(answer["foundTransactions"])]

    assert await found("clm-1.xml") == []
    await provider.upload(claim_file(["25.00"]))
    assert await found("clm-1.xml") == ["clm-1.xml"]


async def test_a_file_is_listed_until_it_is_marked_as_downloaded(provider: Provider) -> None:
    async def waiting() -> list[str | None]:
        listed = await provider.call("GetNewTransactions", SenderID="TESTFAC1")
        return [file.get("FileID") for file in etree.fromstring(listed["xmlTransactions"])]

    await provider.upload(claim_file(["25.00"]))
    (file_id,) = await waiting()
    assert await waiting() == [file_id]
    await provider.call("SetTransactionDownloaded", fileId=str(file_id))
    assert await waiting() == []


async def test_a_prior_request_is_answered_by_an_authorization_that_moves_no_money(provider: Provider) -> None:
    content = (
        "<Prior.Request><Header><SenderID>TESTFAC1</SenderID><ReceiverID>TESTPAY1</ReceiverID>"
        "<TransactionDate>05/03/2025 09:30</TransactionDate><RecordCount>1</RecordCount>"
        "<DispositionFlag>TEST</DispositionFlag></Header><Authorization><Type>Authorization</Type><ID>prq-1</ID>"
        "<MemberID>TP1</MemberID><PayerID>TESTPAY1</PayerID><EmiratesIDNumber>N/A</EmiratesIDNumber>"
        "<Diagnosis><Type>Principal</Type><Code>J06.9</Code></Diagnosis><Activity><ID>A-1</ID>"
        "<Start>05/03/2025 10:00</Start><Type>5</Type><Code>X</Code><Quantity>2.00</Quantity><Net>50.00</Net>"
        "<Clinician>D</Clinician></Activity></Authorization></Prior.Request>"
    )
    await provider.upload(content, "prq-1.xml")
    answer = await provider.remittance()
    etree.XMLSchema(etree.parse(SCHEMAS / "PriorAuthorization.xsd")).assertValid(answer)
    assert (answer.findtext("Authorization/Result"), payments(answer)) == ("Yes", ["40.00"])
    assert await provider.ledger() == []


async def test_a_lost_answer_leaves_the_claim_taken_once(provider: Provider) -> None:
    await provider.script("UploadTransaction", "lose_answer")
    with pytest.raises(ClientConnectionError):
        await provider.upload(claim_file(["25.00"]))
    assert (await provider.upload(claim_file(["25.00"])))["UploadTransactionResult"] == "0"
    assert [one["times_applied"] for one in await provider.ledger()] == [1]
