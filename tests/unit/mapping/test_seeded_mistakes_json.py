"""Seeded mistakes in a mapping to JSON: each is found at its line with its code."""

import pytest

from tests.unit.mapping.seeded import JSON, Seed, assert_found, put_schemas

SEEDS = [
    # What the expression says.
    Seed("an unknown path", "claim.claim_id", "claim.claimid", 13, "unknown-field"),
    Seed("an unknown root", "claim.claim_id", "claims.claim_id", 13, "unknown-name"),
    Seed("an unknown function", "substr(visit", "substring(visit", 16, "unknown-function"),
    Seed("an unknown table", "code(sex,", "code(sexes,", 14, "unknown-table"),
    Seed("an unknown key of the file", "http: {path", "htttp: {path", 6, "unknown-key"),
    Seed("an unknown code in a comparison", "l.amount > 0", 'l.item_kind == "drug!"', 25, "unknown-code"),
    Seed("a canonical code without a row", "female: F, ", "", 14, "table-gap"),
    Seed("a row that can't occur", "male: M", "mann: M, male: M", 8, "unknown-code"),
    Seed("a type clash in arithmetic", "visit.dept_name, 0", "visit.dept_name + 1, 0", 16, "type-clash"),
    Seed("a type clash in an argument", "date(day_of(visit.begin_at)", "date(visit.begin_at", 11, "type-clash"),
    Seed("a time without a form", 'datetime(act.sent_at, "%Y-%m-%dT%H:%M:%S%:z")', "act.sent_at", 17, "type-clash"),
    Seed("an absent value into a function", "substr(visit.dept_name", "substr(visit.ward", 16, "may-be-absent"),
    Seed("a name given twice", "  day: date(", "  claim: date(", 11, "bad-name"),
    # What the schema says.
    Seed("null into required", "no: claim.claim_id", "no: visit.mdtrt_id", 13, "null-into-required"),
    Seed("a required member left out", "  tries: act.attempt\n", "", 13, "missing-required"),
    Seed("a required member that may be left out", "  no: claim.claim_id", "  no?: visit.mdtrt_id", 13, "missing-required"),
    Seed("a required member under a condition", "payer: {yibao", "payer: {$when: act.attempt > 1, yibao", 23, "missing-required"),
    Seed("an unknown member", "  kind: =direct", "  kind: =direct\n  kinds: =x", 16, "unknown-member"),
    Seed("a member made twice", "  kind: =direct", "  kind: =direct\n  kind: =direct", 16, "duplicate-key"),
    Seed("another kind of value", "sum: fits(claim.claimed)", "sum: yuan(claim.claimed)", 19, "wrong-kind"),
    Seed("an object for a text", "day: day\n", "day: {a: day}\n", 18, "wrong-kind"),
    Seed("a fraction for a whole number", "tries: act.attempt", 'tries: number(decimal("1.5"), 1)', 20, "wrong-kind"),
    Seed("a table value outside the enumeration", "unknown: U", "unknown: X", 14, "outside-enumeration"),
    Seed("a constant that is another", "kind: =direct", "kind: =quick", 15, "outside-enumeration"),
    Seed("a code of ours where theirs is wanted", "code(sex, patient.gender)", "patient.gender", 14, "outside-enumeration"),
    Seed("a text that may be too long", "substr(visit.dept_name, 0, 20)", "visit.dept_name", 16, "too-long"),
    Seed("a cut that is too wide", "dept_name, 0, 20", "dept_name, 0, 21", 16, "too-long"),
    Seed("a join that is too long", "claim.claim_id", "claim.claim_id + claim.claim_id", 13, "breaks-pattern"),
    Seed("a constant that is too short", "substr(visit.dept_name, 0, 20)", "=x", 16, "too-short"),
    Seed("a text that breaks a pattern", "claim.claim_id", "visit.hospital_name", 13, "breaks-pattern"),
    Seed("an amount above the limit", "fits(claim.claimed)", "max(claim.claimed, 0)", 19, "out-of-range"),
    Seed("an amount below the limit", "fits(claim.claimed)", "min(claim.claimed, 5)", 19, "out-of-range"),
    Seed("too many decimals", 'number(fits(decimal("1.50")), 2)', 'decimal("1.505")', 21, "too-many-digits"),
    Seed("a zoned time without its zone", "%S%:z", "%S", 17, "zone-missing"),
    Seed("a time that says UTC and is not", "%S%:z", "%SZ", 17, "wrong-zone"),
    Seed("a day of another form", '"%Y-%m-%d")', '"%Y%m%d")', 18, "wrong-form"),
    Seed("a list where one is allowed", "    - {code: =1}", "    - {$each: l in lines, code: =1}", 28, "repeated"),
    Seed("no item where one is wanted", "  first:\n    - {code: =1}", "  first: []", 28, "missing-required"),
    Seed("a reference's rule", "- {code: =1}", "- {other: =1}", 29, "missing-required"),
    Seed("no branch of oneOf", "payer: {yibao: policy.policy_no}", "payer: {other: policy.policy_no}", 23, "outside-enumeration"),
    Seed("two branches of oneOf at once", "payer: {yibao:", "payer: {other: =none, yibao:", 23, "unknown-member"),
    # What the answer says.
    Seed("a path that the answer can't have", "r.body", "r.boody", 32, "unknown-path"),
    Seed("a member of an answer's item", "b.paid", "b.payed", 36, "unknown-path"),
    Seed("a step into a text", "b.no", "b.no.x", 37, "unknown-path"),
    Seed("a step into a list", "first(r.body)", "first(r.body.paid)", 32, "unknown-path"),
    Seed("an answer code with no row", ", else: unknown", "", 34, "answer-gap"),
    Seed("an unknown field of the result", "approved?", "aproved?", 36, "unknown-field"),
    Seed("a result without its state", "    state: code(states, r.state)\n", "", 34, "missing-required"),
    Seed("a document value for an amount", "fen(b.paid)", "b.paid", 36, "type-clash"),
]  # fmt: skip


def test_the_sound_mapping_has_no_mistake(shop):
    put_schemas(shop)

    assert shop.mistakes(JSON) == []


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seeded_mistake_is_found_at_its_line(shop, seed):
    assert_found(shop, JSON, seed)
