"""The signature between clearing and payment covers time, nonce, method, target and body."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.kernel.errors import SealRefused
from gateway.kernel.secret import Secret
from gateway.payment.signing import NONCE, SIGNATURE, TIMESTAMP, sign, verify

KEY = Secret("one secret")
NOW = datetime(2025, 3, 5, 10, 0, tzinfo=UTC)
WINDOW = timedelta(seconds=60)


def checked(headers: dict[str, str], now: datetime = NOW, key: Secret[str] = KEY, method: str = "POST",
            target: str = "/orders", body: bytes = b"{}") -> str:  # fmt: skip
    return verify(key, headers, now, WINDOW, method, target, body)


def refused(**changes: object) -> str:
    headers = sign(KEY, NOW, "POST", "/orders", b"{}")
    with pytest.raises(SealRefused) as caught:
        checked(headers, **changes)  # type: ignore[arg-type]  # each case changes one argument
    return caught.value.error_code


def test_a_genuine_request_gives_its_nonce_and_every_request_has_its_own() -> None:
    first, second = (checked(sign(KEY, NOW, "POST", "/orders", b"{}")) for _ in range(2))

    assert first != second


def test_whatever_is_covered_can_not_be_changed() -> None:
    assert refused(body=b"{ }") == "seal-bad-signature"
    assert refused(method="GET") == "seal-bad-signature"
    assert refused(target="/orders?x=1") == "seal-bad-signature"
    assert refused(key=Secret("other")) == "seal-bad-signature"


@pytest.mark.parametrize("off", [-61, 61])
def test_outside_the_window_a_genuine_request_is_stale(off: int) -> None:
    assert refused(now=NOW + timedelta(seconds=off)) == "seal-stale"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (TIMESTAMP, "", "seal-form"),
        (TIMESTAMP, "1e9", "seal-form"),
        (NONCE, "short", "seal-form"),
        (NONCE, "x" * 65, "seal-form"),
        (SIGNATURE, "", "seal-bad-signature"),
        (SIGNATURE, "é\udcff", "seal-bad-signature"),
        (TIMESTAMP, str(int(NOW.timestamp()) + 1), "seal-bad-signature"),
    ],
)
def test_a_header_that_is_odd_or_moved_is_refused(name: str, value: str, code: str) -> None:
    headers = sign(KEY, NOW, "POST", "/orders", b"{}") | {name: value}
    with pytest.raises(SealRefused) as caught:
        checked(headers)

    assert caught.value.error_code == code
