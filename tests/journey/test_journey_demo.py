"""``lianpei demo --json`` shows the whole promise in one run, and its last line proves it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    command = [sys.executable, "-m", "gateway", "demo", "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    last: dict[str, Any] = json.loads(run.stdout.rstrip("\n").rpartition("\n")[2])
    return last


def test_at_least_ten_claims_reach_five_insurers_in_their_own_protocols(demo: dict[str, Any]) -> None:
    claims = demo["claims"]

    assert demo["ok"] is True
    assert len(claims) >= 10
    assert {claim["insurer"] for claim in claims} == {"package", "huiyibao", "ant", "eclaimlink", "hcx"}
    assert {claim["protocol"] for claim in claims} == {"json", "xml", "soap"}
    seals = {"aes-ecb-body", "sm2-envelope", "detached-text", "wsse-x509", "jwe-compact"}
    assert {claim["seal"] for claim in claims} == seals
    assert {claim["kind"] for claim in claims} == {"direct_pay", "quick_claim"}


def test_the_demo_shows_refusals_and_a_bill_with_two_policies(demo: dict[str, Any]) -> None:
    by_order = Counter(claim["order_id"] for claim in demo["claims"])
    refused = [claim for claim in demo["claims"] if claim["outcome"] == "refused"]

    assert refused
    assert all(claim["approved_fen"] == 0 for claim in refused)
    assert 2 in by_order.values()


def test_every_fen_at_the_payment_channel_follows_from_a_decision(demo: dict[str, Any]) -> None:
    """Quick-claims pay out what was approved; direct-pay bills collect what is left; each order once."""
    paid_out = Counter(
        claim["approved_fen"] for claim in demo["claims"] if claim["kind"] == "quick_claim" and claim["approved_fen"]
    )
    amounts = Counter(order["amount_fen"] for order in demo["orders"])
    direct = {claim["order_id"] for claim in demo["claims"] if claim["kind"] == "direct_pay"}

    assert all(order["times_applied"] == 1 and order["state"] == "settled" for order in demo["orders"])
    assert amounts >= paid_out
    assert (amounts - paid_out).total() == len(direct)
    assert demo["marks_on_payment_side"] == 0
