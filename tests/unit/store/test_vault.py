"""The vault: a record comes out for its own row only, and nobody without the master key learns or changes it."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kernel.errors import ConfigRefused
from gateway.kernel.secret import Secret
from gateway.store.errors import VaultRefused
from gateway.store.vault import BillVault, Vault, WrappedKey

OLD, NEW, INDEX = Secret(b"o" * 32), Secret(b"n" * 32), Secret(b"i" * 32)
VAULT = Vault({"m1": OLD}, "m1", INDEX)
BILL, WRAPPED = VAULT.new_bill("ord_1")
RECORD = b'{"patient": "Li Lei"}' * 300


def refused_code(bill: BillVault, record_id: str, blob: bytes, kind: str) -> str:
    with pytest.raises(VaultRefused) as refused:
        bill.open(record_id, blob, kind)
    assert "Li Lei" not in str(refused.value)
    return refused.value.error_code


def key_refused(vault: Vault, order_id: str, wrapped: WrappedKey) -> str:
    with pytest.raises(VaultRefused) as refused:
        vault.bill(order_id, wrapped)
    return refused.value.error_code


@given(st.binary(max_size=3000), st.text(max_size=40), st.text(max_size=20))
def test_a_record_comes_back_byte_for_byte(data: bytes, record_id: str, kind: str) -> None:
    assert BILL.open(record_id, BILL.seal(record_id, data, kind), kind) == data


def test_a_large_record_comes_back_and_is_stored_smaller() -> None:
    sealed = BILL.seal("r", RECORD, "bill")
    assert len(sealed) < len(RECORD) // 5
    assert b"Li Lei" not in sealed
    assert BILL.open("r", sealed, "bill") == RECORD


def test_short_records_of_one_length_have_one_sealed_length_whatever_they_say() -> None:
    lengths = {len(BILL.seal("r", data, "note")) for data in (b"a" * 63, os.urandom(63))}
    assert len(lengths) == 1


def test_the_same_record_is_sealed_differently_each_time() -> None:
    assert BILL.seal("r", RECORD, "bill") != BILL.seal("r", RECORD, "bill")


@given(st.data())
def test_any_changed_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(BILL.seal("r", b"Li Lei was here", "bill"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << (place % 8)
    assert refused_code(BILL, "r", bytes(sealed), "bill") == "vault-tampered"


@pytest.mark.parametrize("compressed", [False, True])
def test_any_shortened_or_lengthened_record_is_noticed(compressed: bool) -> None:
    sealed = BILL.seal("r", RECORD if compressed else b"Li Lei", "bill")
    for blob in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        assert refused_code(BILL, "r", blob, "bill") == "vault-tampered"


def test_a_record_moved_to_another_row_kind_or_bill_is_refused() -> None:
    sealed = BILL.seal("r1", RECORD, "bill")
    other, _ = VAULT.new_bill("ord_2")
    assert refused_code(BILL, "r2", sealed, "bill") == "vault-tampered"
    assert refused_code(BILL, "r1", sealed, "answer") == "vault-tampered"
    assert refused_code(BILL, "1", BILL.seal("", b"x", "1"), "") == "vault-tampered"
    assert refused_code(other, "r1", sealed, "bill") == "vault-tampered"


def test_a_data_key_moved_to_another_bill_is_refused() -> None:
    sealed = BILL.seal("r", RECORD, "bill")
    assert VAULT.bill("ord_1", WRAPPED).open("r", sealed, "bill") == RECORD
    assert key_refused(VAULT, "ord_2", WRAPPED) == "vault-tampered"


@pytest.mark.parametrize("spelt", ["", "no base64", "AAAA"])
def test_a_data_key_that_was_damaged_or_destroyed_opens_nothing(spelt: str) -> None:
    assert key_refused(VAULT, "ord_1", WrappedKey("m1", spelt)) == "vault-tampered"


def test_a_rewrapped_bill_needs_only_the_new_master_key_and_its_records_stay_as_they_are() -> None:
    sealed = BILL.seal("r", RECORD, "bill")
    both, only_new = Vault({"m1": OLD, "m2": NEW}, "m2", INDEX), Vault({"m2": NEW}, "m2", INDEX)
    moved = both.rewrap("ord_1", WRAPPED)
    assert moved.master == "m2"
    assert only_new.bill("ord_1", moved).open("r", sealed, "bill") == RECORD
    assert both.bill("ord_1", WRAPPED).open("r", sealed, "bill") == RECORD
    assert key_refused(only_new, "ord_1", WRAPPED) == "vault-key-unknown"
    assert key_refused(only_new, "ord_2", moved) == "vault-tampered"


def test_a_wrong_master_key_under_the_right_id_opens_nothing() -> None:
    assert key_refused(Vault({"m1": NEW}, "m1", INDEX), "ord_1", WRAPPED) == "vault-tampered"


def test_a_person_has_one_index_however_the_number_is_spelt_and_nobody_else_can_make_it() -> None:
    assert VAULT.person("11010519491231002x") == VAULT.person(" 110105194912 31002X")
    assert VAULT.person("110105194912310021") != VAULT.person("11010519491231002X")
    assert Vault({"m1": OLD}, "m1", NEW).person("11010519491231002X") != VAULT.person("11010519491231002X")


def test_text_is_sealed_into_text_and_garbage_is_refused() -> None:
    sealed = BILL.seal_text("r", "病历号-1", "ref")
    assert BILL.open_text("r", sealed, "ref") == "病历号-1"
    for garbled in ("", "病", sealed[:-4], sealed + "="):
        with pytest.raises(VaultRefused):
            BILL.open_text("r", garbled, "ref")


def test_a_bills_secrets_differ_by_purpose_and_by_bill() -> None:
    other, _ = VAULT.new_bill("ord_1")
    assert len({BILL.secret("a"), BILL.secret("b"), other.secret("a")}) == 3
    assert VAULT.bill("ord_1", WRAPPED).secret("a") == BILL.secret("a")


def test_one_vault_serves_many_threads_at_once() -> None:
    records = [os.urandom(50) * 40 for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda data: BILL.seal("r", data, "bill"), records))
        assert list(pool.map(lambda blob: BILL.open("r", blob, "bill"), sealed)) == records


@pytest.mark.parametrize(
    ("keys", "current", "index"),
    [
        ({"m1": b"short"}, "m1", bytes(32)),
        ({"m1": bytes(32)}, "m2", bytes(32)),
        ({"": bytes(32)}, "", bytes(32)),
        ({"m1": bytes(32)}, "m1", b"short"),
    ],
)
def test_a_vault_with_a_bad_or_missing_key_is_not_built(keys: dict[str, bytes], current: str, index: bytes) -> None:
    with pytest.raises(ConfigRefused):
        Vault({key_id: Secret(key) for key_id, key in keys.items()}, current, Secret(index))
