"""Seeded mistakes in a mapping to XML: each is found at its line with its code."""

import pytest

from tests.unit.mapping.seeded import XML, Seed, assert_found, put_schemas

NOTE = "    'b:Note': {by@: =us, $text: =none}"
LINES = "    'b:Line':\n      $each: l in lines\n      'b:Code': l.line_no\n      'b:Qty': number(fits(l.qty), 2)\n"
SEEDS = [
    Seed("another root", "'b:Bill'", "'b:Bil'", 10, "unknown-element"),
    Seed("the root in another namespace", "urn:bill}", "urn:bil}", 10, "wrong-namespace"),
    Seed("a child without its namespace", "    'b:No'", "    No", 13, "wrong-namespace"),
    Seed("a prefix that nobody declared", "'b:No'", "'c:No'", 13, "unknown-prefix"),
    Seed("a misspelled child", "'b:Kind'", "'b:Kinds'", 14, "unknown-element"),
    Seed("a child of the base type left out", "    'b:No': claim.claim_id\n", "", 10, "missing-required"),
    Seed("a child of the extension left out", "    'b:Bank': need(refs.settle_no)\n", "", 10, "missing-required"),
    Seed("a child that may be left out", "'b:No': claim.claim_id", "'b:No?': visit.mdtrt_id", 13, "missing-required"),
    Seed("a child that may be absent", "'b:No': claim.claim_id", "'b:No': visit.mdtrt_id", 13, "may-be-absent"),
    Seed("a comment in an expression", "need(refs.settle_no)", "need(refs.settle_no)#", 20, "bad-expression"),
    Seed("a required child under a condition", "'b:Sum':\n", "'b:Sum':\n      $when: act.attempt > 1\n", 16, "missing-required"),
    Seed("children in another order", "    'b:No': claim.claim_id\n    'b:Kind': code(kinds, visit.visit_kind)\n",
         "    'b:Kind': code(kinds, visit.visit_kind)\n    'b:No': claim.claim_id\n", 14, "misordered"),
    Seed("the extension before its base", "    'b:No': claim.claim_id\n", "    'b:Bank': =1\n    'b:No': =1\n", 14, "misordered"),
    Seed("one child twice", "    'b:No': claim.claim_id\n", "    'b:No': [=1, =2]\n", 13, "repeated"),
    Seed("a list where one is allowed", "'b:No': claim.claim_id", "'b:No': {$each: l in lines, $text: l.line_no}", 13, "repeated"),
    Seed("a choice filled twice", "    'b:Bank'", "    'b:Cash': =1\n    'b:Bank'", 21, "choice-twice"),
    Seed("a choice's sequence half filled", "'b:Bank': need", "'b:Card': need", 10, "missing-required"),
    Seed("a choice's sequence beside another", "    'b:Bank'", "    'b:Card': =1\n    'b:Pin': =2\n    'b:Bank'", 22, "choice-twice"),
    Seed("a group's element left out", LINES, "", 10, "missing-required"),
    Seed("a part of an all left out", "      'b:Code': l.line_no\n", "", 21, "missing-required"),
    Seed("a child of a child", "'b:Days': =3", "'b:Day': =3", 19, "unknown-element"),
    Seed("an optional element's required child", "'b:Days': =3", "'b:Ward': =3", 19, "missing-required"),
    Seed("text where elements stand", "{$when: visit.visit_kind == \"inpatient\", 'b:Days': =3}", "=3", 19, "wrong-kind"),
    Seed("elements where text stands", "'b:No': claim.claim_id", "'b:No': {'b:Kind': =1}", 13, "wrong-kind"),
    Seed("a word where a number stands", "'b:Days': =3", "'b:Days': =three", 19, "wrong-kind"),
    Seed("a number below the type's bound", "'b:Days': =3", "'b:Days': =0", 19, "out-of-range"),
    Seed("a fraction where a whole number stands", "'b:Days': =3", "'b:Days': yuan_number(claim.claimed)", 19, "wrong-kind"),
    Seed("an unknown attribute", "version@: =1.0", "version@: =1.0\n    size@: =1", 13, "unknown-attribute"),
    Seed("a required attribute left out", "    version@: =1.0\n", "", 10, "missing-required"),
    Seed("a fixed attribute of another value", "version@: =1.0", "version@: =1.1", 12, "outside-enumeration"),
    Seed("an attribute group's attribute", "      unit@: =CNY\n", "", 16, "missing-required"),
    Seed("an attribute's enumeration", "unit@: =CNY", "unit@: =EUR", 17, "outside-enumeration"),
    Seed("an attribute's built-in type", "by@: =us", "by@: =7 us", 25, "wrong-form"),
    Seed("a table value outside the enumeration", "inpatient: 2", "inpatient: 3", 14, "outside-enumeration"),
    Seed("an included type's pattern", "'b:No': claim.claim_id", "'b:No': visit.hospital_name", 13, "breaks-pattern"),
    Seed("a time without its zone", "%S%:z", "%S", 15, "zone-missing"),
    Seed("a time of another form", "%Y-%m-%dT%H:%M:%S%:z", "%Y%m%d%H%M%S", 15, "wrong-form"),
    Seed("too many digits", "yuan_number(fits(claim.claimed))", "yuan_number(claim.claimed)", 16, "too-many-digits"),
    Seed("too many decimals", "yuan_number(fits(claim.claimed))", 'decimal("1.505")', 16, "too-many-digits"),
    Seed("a restricted text that is too long", "$text: =none", "$text: visit.dept_name", 25, "too-long"),
    Seed("an element that nobody knows after a wildcard", NOTE, NOTE + "\n    'b:More': =1", 26, "unknown-element"),
    Seed("an empty element that nobody meant", "{by@: =us, $text: =none}", "{}", 25, "bad-shape"),
    Seed("an answer's element that can't be", "r.No ==", "r.Stay.Dayz ==", 29, "unknown-path"),
    Seed("an answer's attribute that can't be", 'attr(r.Sum, "unit")', 'attr(r.Sum, "units")', 30, "unknown-path"),
    Seed("an answer's repeated element", "l.Code", "l.Kode", 31, "unknown-path"),
]  # fmt: skip


def test_the_sound_mapping_has_no_mistake(shop):
    put_schemas(shop)

    assert shop.mistakes(XML) == []


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seeded_mistake_is_found_at_its_line(shop, seed):
    assert_found(shop, XML, seed)
