"""Whatever arrives, a seal refuses quietly: no crash, no other error than its own."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.seal_ends import both_ends, lower, make_keys

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, open_message

KINDS = (
    "exact ecdsa raw",
    "exact sm2",
    "pairs form",
    "pairs header",
    "json sm2",
    "json rsa1_5",
    "yibao",
    "body aes-cbc",
    "body sm2",
    "jws",
    "jws es256",
    "jws ed25519",
    "jwe ecdh",
    "jwe dir",
    "jwe nested",
)

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("garbage-keys"))


def open_or_refuse(seal: Seal, body: bytes, headers: dict[str, str], now: datetime) -> None:
    with suppress(SealRefused):
        assert isinstance(open_message(seal, body, headers, Role.REQUEST, now), Plain)


@pytest.mark.parametrize("agreement", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_garbage_is_refused_quietly(agreement: str, ring: KeyRing, now: datetime, data: st.DataObject) -> None:
    ours, theirs = both_ends(ring, agreement)
    sealed = ours.seal(Plain(b'{"data":"x","a":"1"}'), Role.REQUEST, now)
    body, headers = sealed.body, lower(sealed.headers)
    open_or_refuse(theirs, data.draw(st.binary(max_size=300)), headers, now)
    place, length = data.draw(st.integers(0, 10_000)) % len(body), data.draw(st.integers(0, 20))
    open_or_refuse(theirs, body[:place] + data.draw(st.binary(max_size=20)) + body[place + length :], headers, now)
    strange = {name: data.draw(st.text(max_size=30) | st.just("\udce9.x.y")) for name in headers}
    open_or_refuse(theirs, body, strange, now)
