"""Several claims of one bill at a package insurer: each has a number of its own there, the first the hospital's."""

from typing import Any

import msgspec
import pytest
from partner_folder import Folder, exact

from gateway.claims.canonical.dispatch import Dispatch, read_result
from gateway.mapping.api import Incoming

PACKAGE = Folder("package")
NUMBERED = {
    "settle": ("07_S291", ("billNum", "businessSerialNum")),
    "register": ("51_register", ("billNum", "businessSerialNum")),
    "status": ("54_status", ("settleSerialNum",)),
    "claim": ("54_status", ("settleSerialNum",)),
    "cancel": ("56_status_cancel", ("settleSerialNum", "billNum")),
    "accept": ("54_status", ("settleSerialNum",)),
}
"""Act -> what it is sent for, without a number of the insurer's, and where it says ours."""


def sent(act: str, place: int) -> Dispatch:
    read = PACKAGE.dispatch(NUMBERED[act][0])
    claim = msgspec.structs.replace(read.claim, insurer_seq=place)
    return msgspec.structs.replace(read, claim=claim, refs={})


def numbers(act: str, dispatch: Dispatch) -> set[Any]:
    record = exact(PACKAGE.acts[act].write(dispatch).document)["package"]["body"][0]
    return {record[name] for name in NUMBERED[act][1]}


@pytest.mark.parametrize("act", NUMBERED)
def test_the_first_claim_goes_by_the_hospitals_bill_number_and_a_later_one_by_its_own(act: str) -> None:
    first, second = sent(act, 1), sent(act, 2)

    assert numbers(act, first) == {first.visit.bill_ref}
    assert numbers(act, second) == {second.claim.claim_id}


@pytest.mark.parametrize("act", ["settle", "register"])
def test_an_answer_about_the_first_claim_says_nothing_about_the_second(act: str) -> None:
    answer = Incoming(PACKAGE.sample("07_S291_answer"))

    first, second = (read_result(PACKAGE.acts[act].read(answer, sent(act, place))) for place in (1, 2))

    assert (first.state, second.state) == ("accepted", "unknown")
