"""Explain says for each value of a message what it is, where it came from and which line of the mapping said so."""

import pytest

from gateway.kernel.errors import LianpeiError
from gateway.mapping.act import run_located
from gateway.mapping.api import Incoming
from gateway.mapping.explain import Explained, explain_answer, explain_request
from gateway.mapping.explain.functions import FUNCTIONS
from gateway.mapping.functions import FUNCTIONS as LANGUAGE
from gateway.mapping.loader import read_folder

REQUEST = """let:
  main: first(d for d in diagnoses where d.is_main)
request:
  head: {code: =S291, who: partner.sender_code}
  total: yuan_number(split.total)
  main?: main.name
  gone?: refs.unheard_of
  lines:
    $each: l in lines where l.amount > 0
    no: l.line_no
    sum: yuan(l.amount)
    n: position
"""


def explained(shop, body: str, target: str = "{kind: json}", source=None) -> Explained:
    """One request, explained; the compiled mapping must make the same."""
    shop.refs = frozenset({"settle_no", "unheard_of"})
    act = shop.act(f"target: {target}\nhttp: {{path: '/x/{{claim.claim_id}}'}}\n{body}")
    file = read_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs).files["act"]
    source = source or shop.dispatch()
    made = explain_request(file, shop.partner, source)
    fast = run_located(act.request.compiled, "act", source)
    assert (made.text, made.path) == fast[:2]
    return made


def rows(made: Explained) -> dict[str, tuple]:
    return {row.target: (row.value, row.sources, row.line) for row in made.rows}


def test_each_value_has_its_sources_and_its_line(shop):
    assert rows(explained(shop, REQUEST)) == {
        "head.code": ("S291", (), 10),
        "head.who": ("990000001", ("partner.sender_code",), 10),
        "total": ("430.00", ("split.total",), 11),
        "main": ("甲", ("diagnoses[0].name",), 12),
        "lines[0].no": ("L1", ("lines[0].line_no",), 16),
        "lines[0].sum": ("25.00", ("lines[0].amount",), 17),
        "lines[0].n": ("1", (), 18),
        "path": ("clm_1", ("claim.claim_id",), 6),
    }


def test_amounts_are_told_in_fen_whatever_their_spelling(shop):
    made = explained(
        shop, "request: {a: yuan(split.total), b: yuan_number(split.total), c: split.total, d: act.serial}\n"
    )
    assert {row.target: row.fen for row in made.rows} == {"a": 43000, "b": 43000, "c": 43000, "d": None, "path": None}


def test_xml_is_told_with_attributes_and_repeats(shop):
    body = """request:
  Claim:
    $ns: {"": "urn:x"}
    id@: claim.claim_id
    Line: {$each: l in lines, no@: l.line_no, $text: yuan(l.amount)}
    Note: {$cdata: visit.dept_name}
    Void: {$empty: true}
"""
    assert list(rows(explained(shop, body, "{kind: xml}"))) == [
        "Claim.id@",
        *("Claim.Line[0].no@", "Claim.Line[0]", "Claim.Line[1].no@", "Claim.Line[1]"),
        *("Claim.Note", "path"),
    ]


@pytest.mark.parametrize(
    "expression",
    [
        'text(split.total) + "-" + pad(text(act.serial), 6)',
        "sum(l.amount for l in lines where l.item_kind == \"drug\") - 1",
        "any(l.amount < 0 for l in lines) and not all(l.amount < 0 for l in lines)",
        'join(list(l.line_no for l in lines), ",")',
        "default(refs.settle_no, visit.visit_id)",
        'datetime(default(visit.end_at, act.sent_at), "%Y")',
        'date(patient.birth_date, "%Y%m%d") + datetime(act.sent_at, "%H:%M:%S%z %:z %f %%", zone="UTC")',
        "age(patient.birth_date, day_of(act.sent_at)) * 2",
        "number(div(split.total, 7, 5), 3)",
        "round(decimal(\"2.345\"), 2) + min(act.serial, 3)",
        'visit.visit_kind in ("outpatient", "inpatient")',
        'upper(substr(visit.visit_id, 0, 1)) + uuid(claim.claim_id)',
        "code(kinds, visit.visit_kind)",
        "count(lines) if count(diagnoses) > 1 else 0",
        "true if default(visit.accident, false) else null",
    ],
)  # fmt: skip
def test_every_kind_of_expression_gives_what_the_compiled_one_gives(shop, expression):
    quoted = expression.replace("'", "''")
    explained(shop, f"tables: {{kinds: {{outpatient: '1', else: '9'}}}}\nrequest:\n  x: '{quoted}'\n")


def test_an_answer_is_told_too(shop):
    answer = """answer:
  let: {b: first(r.body)}
  result:
    state: '"accepted" if r.code == 0 else "refused"'
    approved?: fen(b.pay)
    refs: {settle_no: b.no}
"""
    act = shop.act(f"target: {{kind: json}}\nhttp: {{path: /x}}\n{answer}")
    file = read_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs).files["act"]
    incoming = Incoming(b'{"code": "0", "body": [{"pay": "12.50", "no": 7}]}')
    made = explain_answer(file, shop.partner, shop.vocabulary.result, act.answer.target, incoming)
    assert made.result == act.read(incoming)
    assert {row.target: (row.value, row.sources) for row in made.rows} == {
        "state": ("accepted", ("r.code",)),
        "approved": ("1250", ("r.body[0].pay",)),
        "refs.settle_no": ("7", ("r.body[0].no",)),
    }


@pytest.mark.parametrize(
    "body", ["request: {x: need(refs.settle_no)}\n", "request: {a: {x: 'code(t, visit.visit_id)'}}\n"]
)
def test_a_refusal_names_the_same_line_and_target_as_the_compiled_one(shop, body):
    text = "target: {kind: json}\nhttp: {path: /x}\ntables: {t: {a: b}}\n" + body
    act, source = shop.act(text), shop.dispatch(refs={})
    file = read_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs).files["act"]
    with pytest.raises(LianpeiError) as fast:
        act.write(source)
    with pytest.raises(LianpeiError) as slow:
        explain_request(file, shop.partner, source)
    assert (slow.value.line, slow.value.target, slow.value.reason) == (
        fast.value.line,
        fast.value.target,
        fast.value.reason,
    )
    assert "V1" not in slow.value.message


def test_explain_knows_every_function_of_the_language():
    assert set(LANGUAGE) - set(FUNCTIONS) == set()
