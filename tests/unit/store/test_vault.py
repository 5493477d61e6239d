"""The vault: a record comes out for its own row only, and nobody without the master key learns or changes it."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.store.errors import VaultRefused
from gateway.store.vault import Vault

OLD, NEW = Secret(b"o" * 32), Secret(b"n" * 32)
VAULT = Vault({"m1": OLD}, "m1")
RECORD = b'{"patient": "Li Lei"}' * 300


def refused_code(vault: Vault, record_id: str, blob: bytes, kind: str) -> str:
    with pytest.raises(VaultRefused) as refused:
        vault.open(record_id, blob, kind)
    assert "Li Lei" not in str(refused.value)
    return refused.value.error_code


@given(st.binary(max_size=3000), st.text(max_size=40), st.text(max_size=20))
def test_a_record_comes_back_byte_for_byte(data: bytes, record_id: str, kind: str) -> None:
    assert VAULT.open(record_id, VAULT.seal(record_id, data, kind), kind) == data


def test_a_large_record_comes_back_and_is_stored_smaller() -> None:
    sealed = VAULT.seal("r", RECORD, "bill")
    assert len(sealed) < len(RECORD) // 5
    assert b"Li Lei" not in sealed
    assert VAULT.open("r", sealed, "bill") == RECORD


def test_short_records_of_one_length_have_one_sealed_length_whatever_they_say() -> None:
    lengths = {len(VAULT.seal("r", data, "note")) for data in (b"a" * 63, os.urandom(63))}
    assert len(lengths) == 1


def test_the_same_record_is_sealed_differently_each_time() -> None:
    assert VAULT.seal("r", RECORD, "bill") != VAULT.seal("r", RECORD, "bill")


@given(st.data())
def test_any_changed_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal("r", b"Li Lei was here", "bill"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << (place % 8)
    assert refused_code(VAULT, "r", bytes(sealed), "bill") in {"vault-tampered", "vault-key-unknown"}


@pytest.mark.parametrize("compressed", [False, True])
def test_any_shortened_or_lengthened_record_is_noticed(compressed: bool) -> None:
    sealed = VAULT.seal("r", RECORD if compressed else b"Li Lei", "bill")
    for blob in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        assert refused_code(VAULT, "r", blob, "bill") in {"vault-tampered", "vault-key-unknown"}


def test_a_record_moved_to_another_row_or_kind_is_refused() -> None:
    sealed = VAULT.seal("r1", RECORD, "bill")
    assert refused_code(VAULT, "r2", sealed, "bill") == "vault-tampered"
    assert refused_code(VAULT, "r1", sealed, "answer") == "vault-tampered"
    assert refused_code(VAULT, "1", VAULT.seal("", b"x", "1"), "") == "vault-tampered"


def test_after_a_change_of_master_key_old_records_open_and_new_ones_need_the_new_key() -> None:
    both = Vault({"m1": OLD, "m2": NEW}, "m2")
    old, fresh = VAULT.seal("r", RECORD, "bill"), both.seal("r", RECORD, "bill")
    assert both.open("r", old, "bill") == both.open("r", fresh, "bill") == RECORD
    assert (both.key_id(old), both.key_id(fresh)) == ("m1", "m2")
    assert refused_code(VAULT, "r", fresh, "bill") == "vault-key-unknown"


def test_a_rewrapped_record_needs_only_the_new_master_key() -> None:
    moved = Vault({"m1": OLD, "m2": NEW}, "m2").rewrap("r", VAULT.seal("r", RECORD, "bill"), "bill")
    only_new = Vault({"m2": NEW}, "m2")
    assert only_new.open("r", moved, "bill") == RECORD
    assert refused_code(only_new, "r2", moved, "bill") == "vault-tampered"


def test_a_wrong_master_key_under_the_right_id_opens_nothing() -> None:
    assert refused_code(Vault({"m1": NEW}, "m1"), "r", VAULT.seal("r", RECORD, "bill"), "bill") == "vault-tampered"


def test_one_vault_serves_many_threads_at_once() -> None:
    records = [os.urandom(50) * 40 for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda data: VAULT.seal("r", data, "bill"), records))
        assert list(pool.map(lambda blob: VAULT.open("r", blob, "bill"), sealed)) == records


@pytest.mark.parametrize(
    ("keys", "current"), [({"m1": b"short"}, "m1"), ({"m1": bytes(32)}, "m2"), ({"": bytes(32)}, "")]
)
def test_a_vault_with_a_bad_or_missing_key_is_not_built(keys: dict[str, bytes], current: str) -> None:
    with pytest.raises(ConfigRefused):
        Vault({key_id: Secret(key) for key_id, key in keys.items()}, current)
