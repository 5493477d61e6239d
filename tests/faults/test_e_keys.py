"""Group E, keys and certificates: exchanged under load, ended, foreign, slow, readable by others, and fresh in every process."""

import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pkcs11
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ed25519
from support.bills import sample_bill
from support.certificates import Issuer, put_certificate, put_key, rsa_key
from support.house import House
from support.keyhouse import make_keys, peer, serving

from gateway.cli.stage import ROOT, Stage
from gateway.kernel.clock import SHANGHAI
from gateway.kernel.entropy import take
from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.kernel.ids import new_settlement_id
from gateway.kernel.secret import Secret
from gateway.wire.keys import KeyRing
from gateway.wire.rotation import Accepted, write_roles
from gateway.wire.rotation import Role as KeyRole
from gateway.wire.seals import Plain, Role, build_seal
from gateway.wire.slotdevice import REST_S, Device, SlotKey
from gateway.wire.slots import SlotRsaKey

DAY = (datetime.now(SHANGHAI) + timedelta(days=1)).date()
"""Days of keys are China's; midnight may pass meanwhile."""
DOCUMENT = b"<document><signature></signature><request>x</request></document>"


def _pair(directory: Path) -> None:
    for number, name in enumerate(("us", "us.next", "them", "them.next")):
        put_key(directory, name, rsa_key(number))
        put_certificate(directory, name, Issuer().issue(name, rsa_key(number)))


def _seal(ring: KeyRing, own: str, other: str) -> Any:
    return build_seal({"profile": "detached-text", "own_key": own, "peer_key": other}, ring, DAY)


@pytest.mark.parametrize("first", ["we", "they"])
def test_e8_no_message_fails_while_keys_are_exchanged_under_load(tmp_path: Path, first: str) -> None:
    """Three threads send and open without a pause, while both ends announce, switch and drop, in either order."""
    _pair(tmp_path)
    both = (Accepted("us.next", DAY), Accepted("us", DAY)), (Accepted("them.next", DAY), Accepted("them", DAY))
    steps = [{"them": KeyRole("them", "", both[1][:1]), "us": KeyRole("us", "", both[0][:1])}]
    switched = {"us": KeyRole("us.next", "us", both[0][1:]), "them": KeyRole("them.next", "them", both[1][1:])}
    turn = ("us", "them") if first == "we" else ("them", "us")
    for one in turn:
        steps.append(steps[-1] | {one: switched[one]})
    steps.append({"us": KeyRole("us.next"), "them": KeyRole("them.next")})
    ends: dict[str, Any] = {}
    failures: list[str] = []
    sent, over = [0], threading.Event()

    def exchange(roles: dict[str, KeyRole]) -> None:
        write_roles(tmp_path, roles)
        ring = KeyRing.from_directory(tmp_path)
        ends["ours"], ends["theirs"] = _seal(ring, "us", "them"), _seal(ring, "them", "us")

    def talk() -> None:
        while not over.is_set():
            ours, theirs = ends["ours"], ends["theirs"]
            now = datetime.now(UTC)
            for sender, taker in (("ours", "theirs"), ("theirs", "ours")):
                try:
                    body = ends[sender].seal(Plain(DOCUMENT), Role.REQUEST, now).body
                    ends[taker].open(body, Role.REQUEST, now)
                except (SealRefused, ConfigRefused) as wrong:
                    if {"ours": ours, "theirs": theirs} == {"ours": ends["ours"], "theirs": ends["theirs"]}:
                        failures.append(wrong.message)
                sent[0] += 1

    exchange({"us": KeyRole("us"), "them": KeyRole("them")})
    before = ends["theirs"].seal(Plain(DOCUMENT), Role.REQUEST, datetime.now(UTC)).body
    talkers = [threading.Thread(target=talk) for _ in range(3)]
    for one in talkers:
        one.start()
    try:
        for roles in steps[:-1]:
            exchange(roles)
            assert ends["ours"].open(before, Role.REQUEST, datetime.now(UTC)), "what was under way still counts"
            time.sleep(0.15)
    finally:
        over.set()
        for one in talkers:
            one.join()
    exchange(steps[-1])

    assert failures == []
    assert sent[0] > 100
    with pytest.raises(SealRefused):
        ends["ours"].open(before, Role.REQUEST, datetime.now(UTC))


def test_e8_the_wrong_order_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    """The insurer switches before it announced: refused, and its old key goes on."""
    _pair(tmp_path)
    ring = KeyRing.from_directory(tmp_path)
    early = _seal(ring.using({"them": "them.next"}), "them", "us").seal(
        Plain(DOCUMENT), Role.REQUEST, datetime.now(UTC)
    )
    with pytest.raises(SealRefused):
        _seal(ring, "us", "them").open(early.body, Role.REQUEST, datetime.now(UTC))


async def test_e8_every_sent_message_is_kept_with_the_names_of_its_keys(house: House, stage: Stage) -> None:
    import sqlite3

    order = (await house.settle(sample_bill("ant")))["order_id"]
    with sqlite3.connect(stage.home / "claims.db") as database:
        rows = database.execute(
            "SELECT direction, key_ids FROM message WHERE order_id = ? AND owner_id LIKE 'act_%'", (order,)
        ).fetchall()
    database.close()

    assert rows
    assert all(keys == "ant-gateway-rsa,ant-insurer-rsa" for direction, keys in rows if direction == "out"), rows


def test_e9_an_ended_own_certificate_refuses_to_sign(tmp_path: Path) -> None:
    """Between two messages of one running seal: the last second counts, the next does not."""
    us, them = rsa_key(0), rsa_key(1)
    ends = Issuer().issue("us", us, days=2)
    put_key(tmp_path, "us", us)
    put_certificate(tmp_path, "us", ends)
    put_key(tmp_path, "them", them)
    put_certificate(tmp_path, "them", Issuer().issue("them", them))
    ring = KeyRing.from_directory(tmp_path)
    ours = build_seal({"profile": "xml-dsig", "own_key": "us", "peer_key": "them"}, ring)
    theirs = build_seal({"profile": "xml-dsig", "own_key": "them", "peer_key": "us"}, ring)
    last = ends.not_valid_after_utc

    message = ours.seal(Plain(b"<document/>"), Role.REQUEST, last - timedelta(seconds=1))
    assert theirs.open(message.body, Role.REQUEST, last - timedelta(seconds=1))
    with pytest.raises((ConfigRefused, SealRefused)):
        ours.seal(Plain(b"<document/>"), Role.REQUEST, last + timedelta(seconds=1))
    with pytest.raises(SealRefused):
        theirs.open(message.body, Role.REQUEST, last + timedelta(seconds=1))


async def test_e9_a_gateway_tells_the_days_and_an_alert_comes_a_month_before(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys")
    put_key(keys, "hospital", ed25519.Ed25519PrivateKey.generate())
    put_certificate(keys, "eclaimlink-gateway-rsa", Issuer().issue("us", rsa_key(2), days=29))
    async with serving(keys, peer()) as gateway:
        told = gateway.metrics.render()[0].decode()

    days = re.search(r'lianpei_certificate_days_left\{name="eclaimlink-gateway-rsa"\} ([0-9.]+)', told)
    assert days is not None
    assert 27 < float(days[1]) <= 29
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text("utf-8"))["groups"]
    exprs = [rule["expr"] for group in rules for rule in group["rules"] if "expr" in rule]
    assert any(re.search(r"certificate_days_left < 30\b", expr) for expr in exprs)


class _Anything:
    def __getattr__(self, _name: str) -> Any:
        return _Anything()

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Anything()


class _DeadSlot(_Anything):
    """A module whose token answers every operation with an error, or with nothing until ``answers`` is set."""

    def __init__(self, *, hangs: bool) -> None:
        self.exceptions = pkcs11.exceptions
        self.calls, self.answers = 0, threading.Event()
        if not hangs:
            self.answers.set()

    def lib(self, _module: str) -> "_DeadSlot":
        return self

    def get_token(self, **_: Any) -> "_DeadSlot":
        return self

    def open(self, **_: Any) -> "_DeadSlot":
        return self

    def get_key(self, **_: Any) -> "_DeadSlot":
        return self

    def sign(self, *_: Any, **__: Any) -> bytes:
        self.calls += 1
        self.answers.wait(30)
        raise pkcs11.exceptions.DeviceError


@pytest.mark.parametrize("hangs", [False, True])
def test_e11_a_slot_that_is_down_fails_before_anything_is_sent_and_no_other_key_signs(
    tmp_path: Path, hangs: bool
) -> None:
    """The seal raises: there is no message. A key of the same name on the disk beside it is not looked for."""
    from gateway.wire.keys import Entry

    module: Any = _DeadSlot(hangs=hangs)
    public = rsa_key(0).public_key()
    inside = SlotRsaKey(SlotKey("us", module, "module", "token", "us", Secret("1"), Device()), public)
    put_key(tmp_path, "us-weaker", rsa_key(3))
    ring = KeyRing(tmp_path, {"us": Entry(inside, public), "them": Entry(None, rsa_key(1).public_key())}, {}, {})
    seal = _seal(ring, "us", "them")
    started = time.monotonic()

    for _ in range(20):
        with pytest.raises(ConfigRefused) as refused:
            seal.seal(Plain(DOCUMENT), Role.REQUEST, datetime.now(UTC))
        assert refused.value.error_code == "key-slot"
    module.answers.set()

    assert time.monotonic() - started < REST_S, "twenty messages wait for the slot once at most"
    assert module.calls == 1 if hangs else module.calls >= 20


FORKED = """
import os, sys
from gateway.kernel.entropy import take
from gateway.kernel.ids import new_act_id
take(12)
readers = []
for _ in range(4):
    reader, writer = os.pipe()
    if os.fork() == 0:
        out = b"".join(take(12) for _ in range(250_000))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(out)
        os._exit(0)
    os.close(writer)
    readers.append(reader)
seen = set()
for reader in readers:
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    seen.update(data[at : at + 12] for at in range(0, len(data), 12))
print(len(seen))
"""


def test_e14_a_million_nonces_of_four_forked_processes_are_all_different() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "1000000", done.stderr


def test_e14_threads_share_no_nonce_either() -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.extend(take(12) for _ in range(20_000))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == 80_000
    assert len({new_settlement_id() for _ in range(10_000)}) == 10_000
