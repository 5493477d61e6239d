"""Building seals from settings, and the profiles ``plain`` and ``aes-ecb-body``."""

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import PROFILES, Plain, Role, build_seal

TODAY = date(2027, 12, 31)
AES: dict[str, Any] = {
    "profile": "aes-ecb-body",
    "key": "package-aes",
    "exception": {"until": "2027-12-31", "reason": "the partner offers nothing else"},
}
ENDS = {"own_key": "ant-gateway-rsa", "peer_key": "ant-insurer-rsa"}


def refusal(config: dict[str, Any], keys: KeyRing, today: date = TODAY) -> ConfigRefused:
    with pytest.raises(ConfigRefused) as refused:
        build_seal(config, keys, today)
    return refused.value


def test_plain_hands_the_document_through(keys: KeyRing, now: datetime) -> None:
    seal = build_seal({"profile": "plain", "content_type": "text/plain"}, keys)
    sealed = seal.seal(Plain(b"{}"), Role.REQUEST, now)
    assert (sealed.body, sealed.content_type) == (b"{}", "text/plain")
    assert seal.open(b"x", Role.ANSWER, now) == Plain(b"x")


def test_aes_body_is_one_line_of_base64_and_opens_again(keys: KeyRing, now: datetime) -> None:
    seal = build_seal(AES, keys, now.date())
    for document in (b"", b"1" * 16, "测试".encode() * 50):
        sealed = seal.seal(Plain(document), Role.REQUEST, now)
        assert b"\n" not in sealed.body
        assert len(base64.b64decode(sealed.body, validate=True)) % 16 == 0
        assert seal.open(sealed.body, Role.ANSWER, now).document == document


def test_a_weak_profile_loads_only_with_a_running_exception(keys: KeyRing) -> None:
    build_seal(AES, keys, TODAY)
    assert refusal(AES, keys, TODAY + timedelta(days=1)).error_code == "weak-seal-expired"
    for exception in (
        None,
        {},
        {"until": "2027-12-31"},
        {"until": "soon", "reason": "x"},
        {"until": "2027-12-31", "reason": " "},
    ):
        assert refusal({**AES, "exception": exception}, keys).error_code == "seal-setting"


def test_a_weak_profile_stops_on_the_day_after_its_exception(keys: KeyRing) -> None:
    """A process that runs over the date must not go on with it; the day is the one in China."""
    seal = build_seal(AES, keys, TODAY)
    last_second = datetime(2027, 12, 31, 15, 59, 59, tzinfo=UTC)
    body = seal.seal(Plain(b"{}"), Role.REQUEST, last_second).body
    for call in (
        lambda: seal.seal(Plain(b"{}"), Role.REQUEST, last_second + timedelta(seconds=1)),
        lambda: seal.open(body, Role.ANSWER, last_second + timedelta(seconds=1)),
    ):
        with pytest.raises(ConfigRefused) as refused:
            call()
        assert refused.value.error_code == "weak-seal-expired"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Token已过期".encode(), "seal-form"),
        (b"AAAA", "seal-decrypt"),
        (b"", "seal-decrypt"),
        (b"A" * 64, "seal-decrypt"),
    ],
)
def test_what_does_not_decrypt_is_refused(keys: KeyRing, now: datetime, body: bytes, code: str) -> None:
    with pytest.raises(SealRefused) as refused:
        build_seal(AES, keys, now.date()).open(body, Role.ANSWER, now)
    assert refused.value.error_code == code


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"profile": "none"},
        {"profile": "plain", "surprise": "1"},
        {**AES, "key": "package-app"},
        {"profile": "detached-text", "own_key": "ant-gateway-rsa"},
        {"profile": "detached-text", **ENDS, "root": "a b"},
        {"profile": "detached-text", **ENDS, "answers": "maybe"},
        {
            "profile": "wsse-x509",
            "own_key": "eclaimlink-gateway-rsa",
            "peer_key": "eclaimlink-insurer-rsa",
            "window_s": "0",
        },
        {"profile": "jwe-compact", **ENDS, "alg": "RSA1_5"},
        {"profile": "jwe-compact", **ENDS, "alg": "dir"},
        {"profile": "jwe-compact", **ENDS, "once_headers": "x"},
        {"profile": "sm2-envelope", "own_key": "huiyibao-gateway-sm2", "peer_key": "huiyibao-insurer-sm2"},
    ],
)
def test_a_wrong_setting_does_not_load(keys: KeyRing, config: dict[str, Any]) -> None:
    refused = refusal(config, keys)
    assert refused.error_code == "seal-setting"
    assert refused.hint


def test_a_key_of_another_kind_does_not_load(keys: KeyRing) -> None:
    config = {"profile": "sm2-envelope", **ENDS, "hospital_code": "TEST0001"}
    assert refusal(config, keys).error_code == "key-kind"
    assert refusal({"profile": "wsse-x509", **ENDS}, keys).error_code == "key-missing"


def test_a_setting_never_chooses_an_unlisted_profile() -> None:
    assert set(PROFILES) == {
        "plain",
        "aes-ecb-body",
        "sm2-envelope",
        "detached-text",
        "wsse-x509",
        "xml-dsig",
        "jwe-compact",
        "exact-bytes",
        "sorted-pairs",
        "sorted-json",
        "signed-field",
        "yibao-mobile",
        "encrypted-body",
        "jws",
        "jwe",
    }
