"""Whatever bytes arrive, a seal answers with a document or with ``SealRefused``, never with a crash."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

Ends = Callable[..., tuple[Seal, Seal]]
CASES: dict[str, tuple[dict[str, Any], bytes]] = {
    "xml-dsig": ({}, b"<document><request><a/></request></document>"),
    "aes-ecb-body": ({}, b'{"a":1}'),
    "sm2-envelope": ({"hospital_code": "TEST0001"}, b'{"a":1}'),
    "detached-text": ({}, b"<document><request><a/></request></document>"),
    "jwe-compact": ({}, b'{"a":1}'),
    "wsse-x509": (
        {},
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a/></s:Body></s:Envelope>',
    ),
}
KEYS = {
    "sm2-envelope": ("huiyibao-gateway-sm2", "huiyibao-insurer-sm2"),
    "detached-text": ("ant-gateway-rsa", "ant-insurer-rsa"),
    "jwe-compact": ("hcx-gateway-rsa", "hcx-insurer-rsa"),
    "wsse-x509": ("eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa"),
    "xml-dsig": ("eclaimlink-gateway-rsa", "eclaimlink-insurer-rsa"),
}


def sealed_by(profile: str, ends: Ends, keys: KeyRing, now: datetime) -> tuple[Seal, bytes]:
    settings_, document = CASES[profile]
    if profile == "aes-ecb-body":
        exception = {"until": "2099-12-31", "reason": "test"}
        seal = build_seal({"profile": profile, "key": "package-aes", "exception": exception}, keys)
        return seal, seal.seal(Plain(document), Role.REQUEST, now).body
    ours, theirs = ends(profile, *KEYS[profile], **settings_)
    return theirs, ours.seal(Plain(document), Role.REQUEST, now).body


def open_or_refuse(seal: Seal, body: bytes, now: datetime) -> None:
    with suppress(SealRefused):
        assert isinstance(seal.open(body, Role.REQUEST, now), Plain)


@pytest.mark.parametrize("profile", CASES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_garbage_is_refused_quietly(
    profile: str, ends: Ends, keys: KeyRing, now: datetime, data: st.DataObject
) -> None:
    seal, body = sealed_by(profile, ends, keys, now)
    open_or_refuse(seal, data.draw(st.binary(max_size=300)), now)
    place, length = data.draw(st.integers(0, 10_000)) % len(body), data.draw(st.integers(0, 20))
    open_or_refuse(seal, body[:place] + data.draw(st.binary(max_size=20)) + body[place + length :], now)
