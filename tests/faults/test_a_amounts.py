"""Cases A11 and A12: an amount that cannot be is refused before anything is sent, or set aside when an insurer says it."""

import json
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.hostile import require_refusal
from support.house import House

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
from partner_folder import Folder

from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.claims.conversation.judge import Verdict, judge
from gateway.claims.conversation.plan import Step
from gateway.mapping.api import Incoming
from gateway.sandbox.package import cipher

HCX = Folder("hcx")

CANNOT_BE = {
    "lines and total differ": ('"total":43000', '"total":43001', "split"),
    "a line below zero": ('"price":"25","qty":"1","amount":2500', '"price":"-25","qty":"1","amount":-2500', "lines"),
    "31 digits of a price": ('"price":"25"', f'"price":"{"1" * 31}"', "price"),
    "31 digits of an amount": ('"total":43000', f'"total":{"1" * 31}', "total"),
    "1e3 as an amount": ('"amount":2500', '"amount":2.5e3', "amount"),
    "1e99 as a price": ('"price":"25"', '"price":"1e99"', "price"),
    "NaN as a price": ('"price":"25"', '"price":"NaN"', "price"),
    "0.1 + 0.2": ('"total":43000', '"total":0.30000000000000004', "total"),
    "half a 分": ('"amount":2500', '"amount":2500.5', "amount"),
    "an amount as text": ('"amount":2500', '"amount":"2500"', "amount"),
}


@pytest.mark.parametrize("case", CANNOT_BE)
async def test_a11_an_amount_that_cannot_be_is_refused_by_its_field_and_leaves_nothing(house: House, case: str) -> None:
    old, new, field = CANNOT_BE[case]
    bill = sample_bill("package")
    assert old in bill.body.decode()
    before = len(await house.received("package"))

    answer = await house.call(
        "POST", "/v1/claims", bill.body.decode().replace(old, new, 1).encode(), {"Idempotency-Key": bill.key}
    )

    refusal = require_refusal(answer, 422, "schema-invalid", "bad-money")
    assert field in str(refusal["fields"])
    assert len(await house.received("package")) == before
    assert (await house.submit(bill)).is_decided, "the key was used up by what was refused"


async def test_a11_an_exponent_in_a_price_is_read_exactly_and_leaves_as_digits(house: House) -> None:
    """Java writes a price of 1000 as 1E+3. It is exact, unlike an amount in 分 with an exponent, which is refused."""
    bill = sample_bill("package")
    body = bill.body.decode().replace('"price":"25"', '"price":"0.25E+2"', 1)

    answer = await house.call("POST", "/v1/claims", body.encode(), {"Idempotency-Key": bill.key})

    key = (house.stage.keys / "package-aes.secret").read_bytes()
    told = [one for one in await house.received("package") if one["op"] == "S250"][-1]
    lines = json.loads(cipher.decrypt(key, b64decode(told["body"])))["package"]["body"]
    assert answer.is_decided
    assert bill.key[5:] in str(lines)
    assert "0.25E" not in str(lines)
    assert "25.0" in str(lines)


async def test_a11_what_is_no_number_at_all_is_no_json(house: House) -> None:
    bill = sample_bill("package")
    for word in ("NaN", "Infinity", "01", "4_3000"):
        body = bill.body.decode().replace('"total":43000', f'"total":{word}', 1).encode()
        require_refusal(
            await house.call("POST", "/v1/claims", body, {"Idempotency-Key": bill.key}), 400, "bad-json", "json-invalid"
        )
    assert (await house.submit(bill)).is_decided


def told(act: str, currency: str | None) -> ActResult:
    """The published answer with its payment in this currency."""
    document: Any = json.loads(HCX.sample("claim_response_bundle"))
    amount = document["entry"][0]["resource"]["payment"]["amount"]
    amount.pop("currency", None)
    if currency is not None:
        amount["currency"] = currency
    protected = json.loads((HCX.home / "examples" / "complete.protected.json").read_text("utf-8"))
    return read_result(HCX.acts[act].read_callback(Incoming(json.dumps(document).encode(), 200, protected)))


@pytest.mark.parametrize(("callback", "act"), [("claim_result", "settle"), ("quote", "quote")])
def test_a12_an_amount_in_another_currency_is_never_taken_for_yuan(callback: str, act: str) -> None:
    step = Step(act, HCX.manifest.rule(act))

    in_yuan, unsaid, in_dollars = (judge(step, told(callback, word), 10**6, None) for word in ("CNY", None, "USD"))

    assert in_yuan == unsaid
    assert in_yuan.approved > 0
    assert (in_dollars.verdict, in_dollars.approved) == (Verdict.PARK, 0)
