"""Generated books with seeded differences: each seeded difference is found with its class, and nothing else is."""

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.claims.reconciliation.book import Kind, Line, Standing, Total, agree, totals
from gateway.claims.reconciliation.compare import Class, Edges, compare

DAY_ENDS = 1_700_000_000_000
EDGES = Edges(DAY_ENDS)
NOON = DAY_ENDS - 12 * 3_600_000
WAYS = ["ours", "theirs", "amount", "state", "rolled-ours", "rolled-theirs", "twice", "same", "same", "same"]
CLASSES = {
    "ours": Class.ONLY_OURS,
    "theirs": Class.ONLY_THEIRS,
    "twice": Class.ONLY_THEIRS,
    "amount": Class.AMOUNT,
    "state": Class.STATE,
    "rolled-ours": Class.ROLL_OVER,
    "rolled-theirs": Class.ROLL_OVER,
}
NAMED_BY = ["act", "peer", "alike"]
"""By what the peer's line can be recognised."""


def line(number: int, seed: random.Random) -> Line:
    # An hour apart, so that amount and time alone can only mean one line.
    at, kind = NOON - number * 3_600_000, seed.choice(list(Kind))
    ids, marks = frozenset({f"act_{number}", f"clm_{number}"}), frozenset({f"peer-{number}"})
    return Line(f"act_{number}", kind, Standing.DONE, seed.randrange(1, 10**7), at, ids, marks, person=f"p{number}")


def theirs_of(ours: Line, by: str, number: int) -> Line:
    ids = frozenset({ours.key}) if by == "act" else frozenset()
    marks = ours.marks if by == "peer" else frozenset()
    return replace(ours, key=f"line-{number}", ids=ids, marks=marks, at=ours.at + 60_000, number=number)


def books(ways: list[tuple[str, str]], seed: random.Random) -> tuple[list[Line], list[Line], Counter[Class]]:
    ours: list[Line] = []
    theirs: list[Line] = []
    wanted: Counter[Class] = Counter()
    for number, (way, by) in enumerate(ways, start=1):
        mine = line(number, seed)
        by = "act" if way in ("amount", "state", "twice") and by == "alike" else by
        other = theirs_of(mine, by, number)
        late = DAY_ENDS - seed.randrange(0, EDGES.edge_ms)
        match way:
            case "amount":
                other = replace(other, amount=mine.amount + seed.choice([1, -1]) * seed.randrange(1, 100))
            case "state":
                mine = replace(mine, standing=seed.choice([Standing.REFUSED, Standing.UNKNOWN]))
            case "rolled-ours":
                mine = replace(mine, at=late)
            case "rolled-theirs":
                other = replace(other, at=late)
        if way not in ("theirs", "rolled-theirs"):
            ours.append(mine)
        if way not in ("ours", "rolled-ours"):
            theirs += [other] * (2 if way == "twice" else 1)
        if way in CLASSES:
            wanted[CLASSES[way]] += 1
    seed.shuffle(ours)
    seed.shuffle(theirs)
    return ours, theirs, wanted


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(NAMED_BY)), max_size=40), st.integers(0, 2**32))
def test_each_seeded_difference_is_found_with_its_class_and_nothing_else(
    ways: list[tuple[str, str]], seed: int
) -> None:
    ours, theirs, wanted = books(ways, random.Random(seed))

    found = compare(ours, theirs, EDGES)

    assert Counter(one.kind for one in found.differences) == wanted
    assert agree(totals(ours), totals(theirs)) or wanted, "unequal totals never pass without a difference"


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(NAMED_BY)), max_size=40), st.integers(0, 2**32))
def test_every_line_is_in_one_pair_or_difference_and_the_sums_are_explained(
    ways: list[tuple[str, str]], seed: int
) -> None:
    ours, theirs, _ = books(ways, random.Random(seed))

    found = compare(ours, theirs, EDGES)

    alone = [one for one in found.differences if one.ours is None or one.theirs is None]
    assert len(found.pairs) + sum(one.ours is not None for one in alone) == len(ours)
    assert len(found.pairs) + sum(one.theirs is not None for one in alone) == len(theirs)
    gap = _sum(theirs) - _sum(ours)
    assert gap == sum(_done(one.theirs) - _done(one.ours) for one in found.differences)


def _done(line: Line | None) -> int:
    return line.amount if line is not None and line.standing is Standing.DONE else 0


def _sum(lines: list[Line]) -> int:
    return sum(_done(one) for one in lines)


def test_a_line_that_names_another_act_of_ours_is_never_taken_for_a_like_one() -> None:
    ours = Line("act_1", Kind.PAY, Standing.DONE, 100, NOON, frozenset({"act_1"}))
    theirs = Line("l1", Kind.PAY, Standing.DONE, 100, NOON, frozenset({"act_2"}))

    assert {one.kind for one in compare([ours], [theirs], EDGES).differences} == {Class.ONLY_OURS, Class.ONLY_THEIRS}


def test_two_alike_lines_are_left_to_a_person() -> None:
    ours = [Line(f"act_{n}", Kind.PAY, Standing.DONE, 100, NOON, frozenset({f"act_{n}"})) for n in (1, 2)]
    theirs = [Line("l1", Kind.PAY, Standing.DONE, 100, NOON)]

    assert len(compare(ours, theirs, EDGES).differences) == 3
    assert compare(ours[:1], theirs, EDGES).differences == ()


def test_another_person_is_another_act() -> None:
    ours = [Line("act_1", Kind.PAY, Standing.DONE, 100, NOON, frozenset({"act_1"}), person="a")]
    theirs = [Line("l1", Kind.PAY, Standing.DONE, 100, NOON, person="b")]

    assert len(compare(ours, theirs, EDGES).differences) == 2


def test_what_was_carried_once_is_not_carried_again() -> None:
    ours = Line("act_1", Kind.PAY, Standing.DONE, 100, DAY_ENDS - 1, frozenset({"act_1"}), carried="dif_1")

    assert [one.kind for one in compare([ours], [], EDGES).differences] == [Class.ONLY_OURS]


def test_refused_and_unknown_acts_are_listed_apart_and_never_summed() -> None:
    refused = Line("act_1", Kind.PAY, Standing.REFUSED, 700, NOON, frozenset({"act_1"}))
    unknown = Line("act_2", Kind.PAY, Standing.UNKNOWN, 900, NOON, frozenset({"act_2"}))

    assert compare([refused, unknown], [], EDGES).differences == ()
    assert agree(totals([refused, unknown]), totals([]))
    assert totals([unknown])[Kind.PAY, Standing.UNKNOWN] == Total(1, 900)
