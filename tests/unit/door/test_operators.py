"""Who works at the operators' door: one entry, one name, one token per person."""

import pytest

from gateway.claims.operators.roles import Operator, Operators, Person, Role
from gateway.kernel.errors import ConfigRefused, NotAllowed, RoleMissing
from gateway.kernel.secret import Secret

ALL = frozenset(Role)
ONE, TWO = Secret("1" * 64), Secret("2" * 64)


def test_a_token_leads_to_its_person_and_to_nobody_else() -> None:
    known = Operators([Person("li", frozenset({Role.VIEW}), ONE), Person("wang", ALL, TWO)])

    assert known.by_token("1" * 64).name == "li"
    assert known.by_token("2" * 64).signature == "operator:wang"
    for wrong in ("", "1" * 63, "1" * 65, "li"):
        with pytest.raises(NotAllowed):
            known.by_token(wrong)


@pytest.mark.parametrize(
    "persons",
    [
        [Person("li", ALL, ONE), Person("wang", ALL, ONE)],
        [Person("li", ALL, ONE), Person("LI", ALL, TWO)],
        [Person("li", ALL, None, "cn"), Person("wang", ALL, None, "cn")],
        [Person("li", ALL, Secret("short"))],
        [Person("li", ALL)],
        [Person("li na", ALL, ONE)],
        [Person("id-110101199001011234", ALL, ONE)],
    ],
    ids=["one token", "one name", "one certificate", "short token", "no proof", "odd name", "name with a long number"],
)
def test_persons_who_could_be_taken_for_one_another_are_refused_at_the_start(persons: list[Person]) -> None:
    with pytest.raises(ConfigRefused) as told:
        Operators(persons)
    assert told.value.error_code == "operator-setting"
    assert "1" * 64 not in str(told.value)


def test_token_and_certificate_of_one_entry_are_one_person() -> None:
    known = Operators([Person("li", ALL, ONE, "li.na")])

    assert known.by_token("1" * 64).name == known.by_certificate("li.na", b"der").name
    with pytest.raises(NotAllowed):
        known.by_certificate("wang.wei", b"der")


def test_a_role_that_is_not_had_is_missed() -> None:
    viewer = Operator("li", frozenset({Role.VIEW}), "proof")

    viewer.require(Role.VIEW)
    for role in ALL - {Role.VIEW}:
        with pytest.raises(RoleMissing):
            viewer.require(role)
