"""Ids sort by age and can't be guessed; secrets don't print."""

import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.kernel.entropy import take
from gateway.kernel.ids import id_floor, id_time, is_id, new_act_id, new_order_id, new_settlement_id
from gateway.kernel.secret import Secret


def test_ids_are_unique_and_fit_everywhere() -> None:
    made = [new_act_id() for _ in range(10_000)]

    assert len(set(made)) == len(made)
    assert all(is_id(one) for one in made)


def test_random_bytes_are_never_handed_out_twice_also_not_to_two_threads() -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: take(12), range(20_000)))

    assert len(set(taken)) == len(taken)
    assert {len(one) for one in taken} == {12}


def test_an_id_says_when_it_was_made_and_sorts_by_it() -> None:
    before = time.time_ns() // 1_000_000
    made = new_act_id()

    assert before <= id_time(made) <= time.time_ns() // 1_000_000
    assert id_floor("act", before) <= made < id_floor("act", before + 3_600_000)


def test_a_settlement_number_says_nothing_about_when_it_was_made() -> None:
    first, second = new_settlement_id(), new_settlement_id()

    assert first[4:12] != second[4:12]
    assert new_order_id()[4:10] == new_order_id()[4:10]


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a\n", "x" * 65, "号"])
def test_what_is_no_id_is_refused(text: str) -> None:
    assert not is_id(text)


def test_a_secret_prints_as_stars_and_cannot_be_pickled() -> None:
    secret = Secret("open sesame")

    assert "sesame" not in f"{secret} {secret!r} {[secret]}"
    assert secret.expose() == "open sesame"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
