"""The fuzzer makes valid sources that go to the edges, and it finds what is wrong with a mapping."""

import unicodedata
from random import Random

import pytest

from gateway.claims.canonical.dispatch import Dispatch
from gateway.kernel.errors import LianpeiError
from gateway.mapping.explain import functions
from gateway.mapping.fuzz import verdict
from gateway.mapping.fuzz.run import FolderFuzz
from gateway.mapping.fuzz.shrink import shrunk
from gateway.mapping.fuzz.sources import SourceMaker
from gateway.mapping.fuzz.verdict import Outcome
from gateway.mapping.loader import read_folder
from gateway.mapping.nearby import field_at

JSON = "target: {kind: json}\nhttp: {path: /x}\n"


@pytest.fixture(scope="module")
def sources() -> list[dict]:
    maker = SourceMaker(Dispatch, ("settle_no",))
    made = [maker.make(number, Random(f"1:{number}")) for number in range(60)]
    for data in made:
        maker.built(data)
    return made


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    return [text for inner in value for text in texts(inner)] if isinstance(value, list) else [str(value)]


def test_sources_are_valid_and_go_to_the_edges(sources: list[dict]) -> None:
    counts = {len(data["lines"]) for data in sources}
    assert {0, 1, 1000} <= counts
    assert any("invoice" not in data and "record" not in data["visit"] for data in sources)
    assert {10**15, -(10**15)} <= {data["split"]["total"] for data in sources}
    assert max(len(data["visit"]["hospital_name"]) for data in sources) == 200


def test_texts_have_what_gbk_and_xml_lack(sources: list[dict]) -> None:
    signs = {sign for data in sources for text in texts(data) for sign in text}
    assert any(ord(sign) > 0xFFFF for sign in signs), "astral"
    assert any(unicodedata.combining(sign) for sign in signs), "combining"
    assert any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in signs), "right to left"
    assert signs & set('<&"\r\x00')


def fuzz(shop, body: str, seed: int = 1) -> FolderFuzz:
    shop.act(JSON + body)
    loaded = read_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)
    return FolderFuzz(loaded, shop.vocabulary, shop.partner, shop.refs, seed)


def test_the_same_seed_makes_the_same_cases(shop):
    body = "request: {a: visit.visit_id, n: patient.name, t: yuan(split.total)}\n"
    first, second = ([case.data for case in fuzz(shop, body).requests(range(8))] for _ in range(2))
    assert first == second
    assert first != [case.data for case in fuzz(shop, body, seed=2).requests(range(8))]


def test_a_mapping_that_breaks_its_schema_is_refused_by_the_name_of_the_field(shop):
    shop.put("schemas/s.json", '{"type": "object", "properties": {"n": {"maxLength": 9}}}')
    shop.act("target: {kind: json, schema: s.json}\nhttp: {path: /x}\nrequest: {n: fits(patient.name)}\n")
    loaded = read_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)
    cases = list(FolderFuzz(loaded, shop.vocabulary, shop.partner, shop.refs, 1).requests(range(30)))
    assert {case.verdict.outcome for case in cases} == {Outcome.MADE, Outcome.REFUSED}
    assert {case.verdict.note for case in cases} == {"", "demo/act: breaks its schema at n: maxLength"}


def test_two_back_ends_that_disagree_are_found_and_the_case_is_made_small(shop, monkeypatch):
    wrong = dict(functions.FUNCTIONS) | {"upper": lambda text: text.lower()}
    monkeypatch.setattr("gateway.mapping.explain.expressions.FUNCTIONS", wrong)
    found = fuzz(shop, "request: {d: upper(visit.dept_name), n: patient.name}\n")
    case = next(case for case in found.requests(range(50)) if case.verdict.is_finding)
    assert (case.verdict.outcome, case.verdict.note) == (Outcome.DISAGREE, "document")
    small = found.shrink(case)
    assert len(str(small)) < len(str(case.data)) / 2
    assert len(small["visit"]["dept_name"]) == 1


def test_a_crash_is_found(shop, monkeypatch):
    def broken(*_args: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(verdict, "run_located", broken)
    cases = list(fuzz(shop, "request: {n: patient.name}\n").requests(range(2)))
    assert [case.verdict.outcome for case in cases] == [Outcome.CRASH] * 2
    assert cases[0].verdict.note == "KeyError"


def test_a_refusal_that_names_no_field_is_found(shop, monkeypatch):
    def nameless(*_args: object) -> None:
        raise verdict.MappingFailed("demo/act", 0, "", "", "something is wrong")

    monkeypatch.setattr(verdict, "run_located", nameless)
    monkeypatch.setattr(verdict, "explain_request", nameless)
    case = next(fuzz(shop, "request: {n: patient.name}\n").requests(range(1)))
    assert case.verdict.outcome is Outcome.UNNAMED


TARGETS = {
    "gbk XML": ("{kind: xml, encoding: gbk}", "request: {a: {n: patient.name, v@: visit.dept_name}}\n"),
    "gb18030 JSON": ("{kind: json, encoding: gb18030}", "request: {n: patient.name}\n"),
    "big5 JSON, escaped": ("{kind: json, encoding: big5, lacking: escape}", "request: {n: patient.name}\n"),
    "gbk form": ("{kind: form, encoding: gbk}", "request: {n: patient.name}\n"),
    "gbk CSV, replaced": (
        "{kind: csv, encoding: gbk, lacking: {replace: '?'}}",
        "request: {$each: l in lines, no: l.line_no, name: l.hosp_name, note?: l.spec}\n",
    ),
    "SOAP 1.2": ("{kind: soap12}", "request: {a: {$cdata: patient.name}}\n"),
    "JSON in XML": (
        "{kind: xml}",
        "request: {a: {$document: {kind: json, as: cdata}, n: patient.name, l: {$each: l in lines, x: l.hosp_name}}}\n",
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_every_kind_of_target_and_encoding_makes_or_names(shop, name):
    """What no shipped partner has: other encodings, CSV, forms. A character that is lacking is refused by its field."""
    target, body = TARGETS[name]
    shop.act(f"target: {target}\nhttp: {{path: /x}}\n{body}")
    loaded = read_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)
    cases = list(FolderFuzz(loaded, shop.vocabulary, shop.partner, shop.refs, 1).requests(range(40)))
    assert [case for case in cases if case.verdict.is_finding] == []
    assert any(case.verdict.outcome is Outcome.MADE for case in cases)


def test_an_inner_document_that_cdata_can_not_carry_is_refused_by_the_name_of_its_element(shop):
    """Found by the fuzzer: the place of a ``$document`` had no name."""
    body = "request:\n  a:\n    b:\n      $document: {kind: json, as: cdata}\n      n: patient.name\n"
    with pytest.raises(LianpeiError) as refused:
        shop.write(body, shop.renamed("a\x85\ufffeb"), "{kind: xml}")
    assert refused.value.fields == ("a.b",)


def test_a_lacking_character_is_refused_by_the_name_of_its_field(shop):
    for kind, body, field in (
        ("xml", "request: {Claim: {Person: {Name: patient.name}}}\n", "Claim.Person.Name"),
        ("xml", "request: {Claim: {Person: {Name@: patient.name, Sex: =1}}}\n", "Claim.Person"),
        ("json", "request: {person: {name: patient.name}, z: =1}\n", "name"),
    ):
        with pytest.raises(LianpeiError) as refused:
            shop.write(body, shop.renamed("李𠮷"), f"{{kind: {kind}, encoding: gbk}}")
        assert refused.value.fields == (field,)
        assert "𠮷" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "kind", "field"),
    [
        ('{"a":"x","b":{"c":"!"}}', "json", "c"),
        ("<?xml version='1.0'?><a><b/><c>x</c><d>!</d></a>", "xml", "a.d"),
        ('<a><b k="!"/></a>', "xml", "a.b"),
        ("a=1&b=!", "form", "b"),
        ("!", "json", ""),
    ],
)
def test_a_place_in_a_document_has_a_name(text, kind, field):
    assert field_at(text, text.index("!", 1 if text != "!" else 0), kind) == field


def test_shrinking_keeps_what_matters():
    data = {"a": [1, 2, {"deep": "xxxyxxx"}], "b": "long text", "c": 77}
    assert shrunk(data, lambda one: "y" in str(one)) == {"a": [{"deep": "y"}]}
