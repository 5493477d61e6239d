"""Group E, requests of hospitals: replays, clocks, bytes that were not signed, and who may speak for whom."""

import ast
import asyncio
import base64
import hmac
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.bills import SampleBill, sample_bill
from support.hostile import require_refusal
from support.house import Answer, House
from support.postgres import Server
from support.room import room_on
from support.signed import HOSPITAL_THREE, HOSPITAL_TWO, signer_of

from gateway.claims.door.auth import WINDOW_S, Caller, Guard, Nonce, Tenant
from gateway.cli.stage import ROOT, Stage
from gateway.kernel.errors import NotAllowed
from gateway.kernel.ids import HospitalCode
from gateway.kernel.secret import Secret
from gateway.sandbox.hospital.signing import Signer
from gateway.store.claims_tables import CLAIMS
from gateway.store.postgres import Store
from gateway.wire.httpsig import sign_request, verify_request
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.keys import KeyRing

NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
KEY = RequestKey("h", Secret(b"k" * 32))


class Shifted:
    """The hospital's clock, so many seconds off ours."""

    def __init__(self, seconds: float) -> None:
        self._off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._off

    def epoch_ms(self) -> int:
        return int(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        return time.monotonic()


def _signer(stage: Stage, seconds: float = 0) -> Signer:
    return Signer.load(stage.keys / "hospital-h2-sign.key.pem", "hospital-h2-sign", Shifted(seconds))


def _signed(stage: Stage, bill: SampleBill, seconds: float = 0) -> dict[str, str]:
    proof = _signer(stage, seconds).headers("POST", "/v1/claims", "", bill.body, bill.key)
    return {"Idempotency-Key": bill.key, "Prefer": "wait=20", "Content-Type": "application/json", **proof}


async def _post(house: House, bill: SampleBill, headers: dict[str, str], path: str = "/v1/claims") -> Answer:
    return await house.call("POST", path, bill.body, headers, proven=False)


async def test_e4_a_replay_is_refused_in_the_same_process_and_a_second_before_its_window_closes(
    house: House, stage: Stage
) -> None:
    """The first is signed by a clock far ahead: its window closes latest of all, and its nonce is kept until then."""
    for seconds in (0, WINDOW_S - 3, -(WINDOW_S - 3)):
        bill = sample_bill("package", hospital=HOSPITAL_TWO)
        headers = _signed(stage, bill, seconds)

        assert (await _post(house, bill, headers)).is_decided
        await asyncio.sleep(1 if seconds < 0 else 0)
        require_refusal(await _post(house, bill, headers), 401, "request-replayed")
        assert len(await house.settlements("package", bill)) == 1


async def test_e4_a_replay_is_refused_after_a_crash_too(house: House, stage: Stage) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_TWO)
    headers = _signed(stage, bill)
    assert (await _post(house, bill, headers)).status == 200

    await asyncio.to_thread(stage.kill, "gateway")
    await asyncio.to_thread(stage.start, "gateway")

    require_refusal(await _post(house, bill, headers), 401, "request-replayed")


async def test_e4_a_nonce_that_one_node_took_is_used_up_on_every_other(postgres_server: Server, tmp_path: Path) -> None:
    """Two processes' rooms on one PostgreSQL; both at once as well: one is served."""
    address = postgres_server.new_database()
    rooms = [room_on(Store.open(address, CLAIMS), tmp_path / name, holder=name) for name in ("one", "two")]
    tenant = Tenant(HospitalCode(HOSPITAL_TWO), "two")
    guards = [Guard([tenant], KeyRing(tmp_path, {}, {}, {}), room.ledger) for room in rooms]
    until = int((time.time() + 2 * WINDOW_S) * 1000)

    await guards[0].use_up(Caller(tenant, Nonce("hospital:h", "n-1", until)))
    with pytest.raises(NotAllowed) as refused:
        await guards[1].use_up(Caller(tenant, Nonce("hospital:h", "n-1", until)))
    both = await asyncio.gather(
        *(guard.use_up(Caller(tenant, Nonce("hospital:h", "n-2", until))) for guard in guards), return_exceptions=True
    )
    for room in rooms:
        await room.store.close()

    assert refused.value.error_code == "request-replayed"
    assert [type(one) for one in both].count(NotAllowed) == 1


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 200), (4, 200), (6, 401)])
async def test_e5_a_hospitals_clock_may_be_five_minutes_off(
    house: House, stage: Stage, minutes: int, status: int
) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_TWO)

    answer = await _post(house, bill, _signed(stage, bill, minutes * 60))

    assert answer.status == status, answer.body
    assert len(await house.settlements("package", bill)) == (status == 200)


@pytest.mark.parametrize(("seconds", "fresh"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_e5_the_window_is_exact_to_the_second(seconds: int, fresh: bool) -> None:
    headers = sign_request("GET", "/x", "", {}, b"", KEY, NOW + timedelta(seconds=seconds))
    if fresh:
        assert verify_request("GET", "/x", "", headers, b"", lambda _: KEY, NOW, WINDOW_S).keyid == "h"
        return
    with pytest.raises(NotAllowed):
        verify_request("GET", "/x", "", headers, b"", lambda _: KEY, NOW, WINDOW_S)


WAITS = ("wire/http.py", "wire/link.py", "claims/conversation/budget.py", "claims/conversation/counter.py")
WALL = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today")}


@pytest.mark.parametrize("place", WAITS)
def test_e5_deadlines_are_measured_by_a_clock_that_nobody_sets(place: str) -> None:
    """Where something is waited for, the wall's time is not asked: an NTP step during a request moves no deadline."""
    asked = {
        (node.value.id, node.attr)
        for node in ast.walk(ast.parse((ROOT / "gateway" / place).read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not asked & WALL


FORGED: dict[str, tuple[str, dict[str, str]]] = {
    "another path": ("/v1/claims/csv", {}),
    "a query added": ("/v1/claims?x=1", {}),
    "a slash added": ("/v1/claims/", {}),
    "a path spelt otherwise": ("/v1/%63laims", {}),
    "another key of the bill": ("/v1/claims", {"Idempotency-Key": "other-1"}),
    "another digest": ("/v1/claims", {"Content-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}),
    "no digest": ("/v1/claims", {"Content-Digest": ""}),
    "another label": ("/v1/claims", {"Signature": "sig2=:AAAA:"}),
    "no signature": ("/v1/claims", {"Signature": ""}),
}


@pytest.mark.parametrize("name", FORGED)
async def test_e6_a_signature_over_anything_else_is_refused(house: House, stage: Stage, name: str) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_TWO)
    path, other = FORGED[name]
    headers = _signed(stage, bill) | other

    answer = await _post(house, bill, headers, path)

    assert answer.status in (401, 404), answer.body
    assert answer.code.startswith(("signature-", "digest-", "caller-", "not-found")), answer.code
    assert await house.settlements("package", bill) == []


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "a line end behind": lambda body: body + b"\n",
    "a blank in front": lambda body: b" " + body,
    "written anew": lambda body: body.replace(b'":', b'" :', 1),
    "in another encoding": lambda body: body.decode().encode("utf-16"),
    "one letter changed": lambda body: body.replace(b"direct_pay", b"direct_paY", 1),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("name", BODIES)
async def test_e6_the_bytes_that_came_are_those_that_were_signed(house: House, stage: Stage, name: str) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_TWO)

    answer = await house.call("POST", "/v1/claims", BODIES[name](bill.body), _signed(stage, bill), proven=False)

    require_refusal(answer, 401, "digest-mismatch")
    assert await house.settlements("package", bill) == []


async def test_e6_another_method_and_the_case_of_header_names(house: House, stage: Stage) -> None:
    proof = _signer(stage).headers("GET", "/v1/events", "after=0", b"", "")

    lower = await house.call(
        "GET", "/v1/events?after=0", headers={k.lower(): v for k, v in proof.items()}, proven=False
    )
    other = await house.call("POST", "/v1/offers", b"", proof, proven=False)

    assert lower.status == 200
    assert other.status in (401, 405)


def test_e7_what_proves_somebody_is_compared_in_constant_time() -> None:
    """Wherever an HMAC is made to be compared, ``hmac.compare_digest`` compares it; tokens and passwords are looked up by digest."""
    plain = []
    for file in sorted((ROOT / "gateway").rglob("*.py")):
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "hmac." in text else ():
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                sides = [node.left, *node.comparators]
                plain += [f"{file.name}:{node.lineno}" for side in sides if _is_mac(side)]
    assert plain == []


def _is_mac(node: ast.expr) -> bool:
    """``hmac.digest(…)``, ``hmac.new(…).digest()`` or ``.hexdigest()`` of one, anywhere in the side of a ``==``."""
    calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return any(
        isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.value.id == "hmac"
        for call in calls
        if isinstance(call, ast.Attribute)
    )


@pytest.mark.long
def test_e7_a_wrong_first_byte_costs_as_much_as_a_wrong_last_one() -> None:
    """A million samples of each, interleaved at random: Welch's t stays below 10 after the slowest tenth is cut."""
    base = b"x" * 200
    right = hmac.digest(b"k" * 32, base, "sha256")
    wrong = {place: bytes(b ^ (i == place) for i, b in enumerate(right)) for place in (0, 31)}
    times: dict[int, list[int]] = {0: [], 31: []}
    order = [place for place in wrong for _ in range(500_000)]
    random.Random(7).shuffle(order)
    for place in order:
        started = time.perf_counter_ns()
        assert not KEY.verify(wrong[place], base)
        times[place].append(time.perf_counter_ns() - started)
    low, high = (sorted(times[place])[: int(len(times[place]) * 0.9)] for place in (0, 31))
    error = (statistics.variance(low) / len(low) + statistics.variance(high) / len(high)) ** 0.5
    t = (statistics.fmean(low) - statistics.fmean(high)) / error
    print(f"t = {t:.2f}, means {statistics.fmean(low):.0f} and {statistics.fmean(high):.0f} ns")
    assert abs(t) < 10


async def test_e13_a_hospital_signs_for_itself_alone(house: House, stage: Stage) -> None:
    """Hospital two's key under hospital three's id, hospital two's own proof for hospital one's visit."""
    mine = sample_bill("package", hospital=HOSPITAL_TWO)
    headers = _signed(stage, mine)
    claimed = headers | {"Signature-Input": headers["Signature-Input"].replace("hospital-h2-sign", "hospital-h3-hmac")}
    other = sample_bill("package")

    for bill, sent, status, codes in (
        (mine, claimed, 401, ("signature-bad", "signature-algorithm", "signature-malformed")),
        (other, _signed(stage, other), 403, ("hospital-mismatch",)),
    ):
        require_refusal(await _post(house, bill, sent), status, *codes)
        assert await house.settlements("package", bill) == []


async def test_e13_nobody_learns_whether_anothers_order_exists(house: House, stage: Stage) -> None:
    """The same status, body and header names for another hospital's order and for none; the same time within what calls vary."""
    order_id = (await house.submit(sample_bill("package"))).document["order_id"]
    made_up = order_id[:-4] + ("0000" if order_id[-4:] != "0000" else "1111")
    took: dict[str, list[float]] = {order_id: [], made_up: []}
    seen = set()
    for _ in range(15):
        for one, spent in took.items():
            proof = signer_of(stage, HOSPITAL_THREE)("GET", f"/v1/orders/{one}", "", b"", "")
            started = time.perf_counter()
            answer = await house.call("GET", f"/v1/orders/{one}", headers=proof, proven=False)
            spent.append(time.perf_counter() - started)
            seen.add((answer.status, answer.body, tuple(sorted(answer.headers.keys()))))

    assert len(seen) == 1
    assert seen.pop()[0] == 404
    first, second = (statistics.median(spent) for spent in took.values())
    assert abs(first - second) < max(first, second) / 2 + 0.005


async def test_e13_a_stolen_password_opens_the_soap_door_for_its_own_hospital_only(house: House, stage: Stage) -> None:
    password = (stage.keys / "hospital-h4-password.secret").read_bytes().strip()
    bill = sample_bill("package")
    proof = {"Authorization": "Basic " + base64.b64encode(b"H99990100004:" + password).decode()}

    elsewhere = await house.call("POST", "/v1/claims", bill.body, proof | {"Idempotency-Key": bill.key}, proven=False)
    events = await house.call("GET", "/v1/events", headers=proof, proven=False)
    named: dict[str, Any] = {"Authorization": "Basic " + base64.b64encode(b"H99990100001:" + password).decode()}
    other = await house.call("POST", "/v1/soap", b"<a/>", named, proven=False)

    require_refusal(elsewhere, 401, "caller-unknown")
    require_refusal(events, 401, "caller-unknown")
    assert b"caller-unknown" in other.body
    assert await house.settlements("package", bill) == []
