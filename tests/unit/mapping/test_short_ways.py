"""A document is read with as few calls as can be: what is said must be what the helpers' own rules say.

Each answer here is read by both back ends (conftest), and only the slow one follows the rules call by call.
"""

import re

import pytest

from gateway.mapping import MappingFailed
from gateway.mapping.runtime import documents
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.documents import TRIM_NAMES, jget, jmissing, xtexts
from gateway.mapping.runtime.numbers import fen
from gateway.mapping.runtime.text import xattr, xtext

ROWS = """  result:
    state: ="accepted"
    results:
      $each: l in r.lines
      correlation: l.no
      state: l.status
      peer_code?: l.reason
      insurer_ref?: l.ref
""".replace('="accepted"', "=accepted")
XML_ROWS = ROWS.replace("r.lines", "r.line")


def rows(shop, document, kind="json"):
    return shop.read(ROWS if kind == "json" else XML_ROWS, document, kind)["results"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('"no": "1", "status": "accepted"', {}),
        ('"no": 1, "status": "accepted"', {}),
        ('" no ": "1", "status\\t": "accepted", "reason": "x"', {"peer_code": "x"}),
        ('"no": "1", "status": "accepted", "reason": null, " ref": "7"', {"insurer_ref": "7"}),
        ('"no": "1", "status": "accepted", "reason": null, " reason": "x"', {}),
        (
            '"no": "1", "status": "accepted", "reason": true, "ref": 12.50',
            {"peer_code": "true", "insurer_ref": "12.50"},
        ),
        ('"no": "1", "status": "accepted", "reason": ""', {"peer_code": ""}),
    ],
)
def test_a_member_is_got_by_its_name_then_by_its_name_with_blanks_and_null_is_absent(shop, row, said):
    assert rows(shop, f'{{"lines": [{{{row}}}]}}') == [{"correlation": "1", "state": "accepted", **said}]


def test_a_row_that_is_no_object_has_no_members(shop):
    for odd in ("1", '"text"', "[]", "true"):
        with pytest.raises(MappingFailed) as refused:
            rows(shop, f'{{"lines": [{{"no": "1", "status": "accepted"}}, {odd}]}}')
        assert refused.value.reason == "the value is absent"


@pytest.mark.parametrize(("row", "line"), [('"status": "accepted"', "no"), ('"no": {}, "status": "accepted"', "no")])
def test_a_refused_member_is_named_with_its_line(shop, row, line):
    with pytest.raises(MappingFailed) as refused:
        rows(shop, f'{{"lines": [{{{row}}}]}}')
    assert refused.value.source == f"l.{line}"
    assert refused.value.target.endswith("correlation")


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<no>1</no><status>accepted</status>", {}),
        ("<no>1</no><no>2</no><status>accepted</status><reason/><reason>b</reason>", {"peer_code": ""}),
        ("<no>1</no><status>acc<b>x</b>epted</status>", {}),
        ("<?no 2?><no>1</no><!-- <no>3</no> --><status>accep<?odd?>ted</status>", {}),
        ('<p:no xmlns:p="urn:p">1</p:no><status>accepted</status><reason>甲</reason>', {"peer_code": "甲"}),
    ],
)
def test_a_child_is_the_first_of_its_local_name_and_its_text_is_its_own(shop, inside, said):
    found = rows(shop, f"<r><line>{inside}</line></r>", "xml")
    assert found == [{"correlation": "1", "state": "accepted", **said}]


def test_an_element_that_is_read_for_more_than_its_text_stays_an_element(shop):
    result = """  let: {a: r.answer}
  result:
    state: a.state
    peer_code: a.code
    peer_text: attr(a.code, "name")
    insurer_ref: trim(a.state) + a.code
"""
    document = '<r><answer><state>accepted</state><code name="甲">7</code></answer></r>'
    found = shop.read(result, document, "xml")
    assert found == {"state": "accepted", "peer_code": "7", "peer_text": "甲", "insurer_ref": "accepted7"}


def test_members_are_read_alike_inside_loops_filters_and_lists(shop):
    result = """  result:
    state: =accepted
    peer_text: join(list(trim(l.no) + l.status for l in r.lines where l.no == "1" and l.status != "x"), ",")
    peer_code: text(count(x for x in r.lines where any(y.no == x.no and y.status == "x" for y in r.lines)))
"""
    document = '{"lines": [{"no": "1", "status": "a"}, {"no": 1, " status": "b"}, {"no": "1", "status": "x"}, {}]}'
    found = shop.read(result, document)
    assert (found["peer_text"], found["peer_code"]) == ("1a,1b", "3")


def test_only_so_many_names_of_partners_are_kept(monkeypatch):
    monkeypatch.setattr(documents, "TRIM_NAMES", set())
    for number in range(5000):
        assert jmissing({f"n{number}": 1, " a ": number}, "a") == number
    assert len(documents.TRIM_NAMES) <= 4096
    assert not any(name != name.strip() for name in TRIM_NAMES | documents.TRIM_NAMES)
    assert jget({" a ": None}, "a") is jmissing({" a ": None}, "a")
    assert xtexts(None) == {}


AMOUNTS = {
    "0.00": 0,
    "1.05": 105,
    "12.50": 1250,
    "-12.50": -1250,
    "007.10": 710,
    " 1.20 ": 120,
    "1.2": 120,
    "12": 1200,
    "9999999999999.99": 999999999999999,
    "12.5000": 1250,
    ".50": 50,
    "+1.00": 100,
    "5.": 500,
}
NO_AMOUNTS = ["99999999999999.99", "0.5O", "١.٢٣", "１.２３", "1_0.00", "1.2.3.45", "1.234", "1e1.00", "1,0.00", ""]
NO_AMOUNTS += [".", "1 .00", "²1.00", "--1.00"]


@pytest.mark.parametrize("text", AMOUNTS)
def test_an_amount_is_read_to_the_fen(text):
    assert fen(text) == AMOUNTS[text]


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(RefusalError):
        fen(text)


@pytest.mark.parametrize(("escape", "special"), [(xtext, "&<>"), (xattr, '&<>"\t\n')])
def test_every_character_is_escaped_or_refused_or_left_as_xml_says(escape, special):
    forbidden = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
    for number in range(0x11000):
        character = chr(number)
        if forbidden.match(character):
            with pytest.raises(RefusalError):
                escape("甲" + character)
        else:
            changed = character in special or character == "\r"
            assert (escape("甲" + character) != "甲" + character) is changed
