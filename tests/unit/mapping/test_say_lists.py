"""It must be able to say: grouping and sums, wide to long and long to wide, look-up in a sibling list, numbers of rows."""

import json
from dataclasses import replace

import msgspec
import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import MappingFailed

CATEGORY = 'tables:\n  fee: {"09": 西药费, "02": 诊察费, else: 其他费}\n'


def lines(shop, *rows):
    """A dispatch whose lines have these (number, fee category, amount in 分)."""
    first = shop.dispatch().lines[0]
    made = [
        msgspec.structs.replace(first, line_no=number, fee_category=type(first.fee_category)(category), amount=amount)
        for number, category, amount in rows
    ]
    return shop.dispatch(lines=msgspec.to_builtins(tuple(made)))


THREE = (("1", "09", 100), ("2", "02", 20), ("3", "09", 3))


def test_lines_are_grouped_by_category_and_summed(shop):
    tree = """request:
  list:
    $each: g in groups(l.fee_category for l in lines)
    no: position
    code: g.key
    name: code(fee, g.key)
    amount: yuan(sum(l.amount for l in g.rows))
    count: count(g.rows)
    first: first(l.line_no for l in g.rows)
"""
    assert shop.json(CATEGORY + tree, lines(shop, *THREE))["list"] == [
        {"no": 1, "code": "09", "name": "西药费", "amount": "1.03", "count": 2, "first": "1"},
        {"no": 2, "code": "02", "name": "诊察费", "amount": "0.20", "count": 1, "first": "2"},
    ]


def test_groups_may_hold_lists_of_their_own_and_leave_rows_out(shop):
    tree = """request:
  a:
    - g:
        $each: g in groups(code(fee, l.fee_category) for l in lines where l.amount > 5)
        rows: {$each: l in g.rows, $item: l.line_no}
        share: yuan(max(sum(l.amount for l in g.rows), 50))
"""
    assert shop.xml(CATEGORY + tree.replace("    - g", "    g").replace("$item", "$text"), lines(shop, *THREE)) == (
        "<a><g><rows>1</rows><share>1.00</share></g><g><rows>2</rows><share>0.50</share></g></a>"
    )


def test_documents_are_grouped_too(shop):
    rows = [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}, {"k": "a", "v": "3"}]
    result = """  result:
    state: =accepted
    items: {$each: g in groups(x.k for x in r.list), $item: 'text(g.key) + join(list(text(x.v) for x in g.rows), "+")'}
"""
    assert shop.read(result, json.dumps({"list": rows}))["items"] == ["a1+3", "b2"]


def test_long_to_wide_by_stated_columns(shop):
    tree = """request:
  xyf: yuan(sum(l.amount for l in lines where l.fee_category == "09"))
  zcf: yuan(sum(l.amount for l in lines where l.fee_category == "02"))
"""
    assert shop.json(tree, lines(shop, *THREE)) == {"xyf": "1.03", "zcf": "0.20"}


def test_long_to_wide_by_names_that_the_data_give(shop):
    tree = """request:
  total: =x
  fee:
    $each: g in groups(l.fee_category for l in lines)
    $name: code(fee, g.key)
    $text: yuan(sum(l.amount for l in g.rows))
"""
    assert shop.json(CATEGORY + tree, lines(shop, *THREE)) == {"total": "x", "西药费": "1.03", "诊察费": "0.20"}
    assert shop.json(CATEGORY + tree, lines(shop)) == {"total": "x"}
    alone = tree.replace("  total: =x\n", "")
    assert shop.json(CATEGORY + alone, lines(shop)) == {}
    assert shop.json(CATEGORY + alone, lines(shop, *THREE)) == {"西药费": "1.03", "诊察费": "0.20"}


def test_a_member_that_would_come_twice_is_refused(shop):
    tree = "request:\n  a: =1\n  m: {$each: l in lines, $name: '\"a\" if l.amount > 50 else l.line_no', $text: =x}\n"

    with pytest.raises(MappingFailed) as failed:
        shop.json(tree, lines(shop, *THREE))
    assert "twice" in str(failed.value)


def test_wide_to_long(shop):
    tree = """request:
  funds:
    - {$when: present(split.fund_pool), code: =310, amount: yuan(split.fund_pool)}
    - {code: =320, amount: yuan(split.account_pay)}
    - {$when: split.cash_pay > 0, code: =390, amount: yuan(split.cash_pay)}
"""
    assert shop.json(tree)["funds"] == [{"code": "320", "amount": "120.00"}, {"code": "390", "amount": "172.31"}]


def test_a_row_finds_its_sibling_in_another_list(shop):
    tree = """request:
  x:
    $each: l in lines
    no: l.line_no
    name: 'default(find(diagnoses, "seq", position).code, "-")'
"""
    assert shop.json(tree)["x"] == [{"no": "L1", "name": "J06.900"}, {"no": "L2", "name": "R05.x00"}]
    assert shop.json(tree, lines(shop, *THREE))["x"][2] == {"no": "3", "name": "-"}
    assert shop.value('default(find(diagnoses, "code", "R05.x00").name, "")') == "乙"
    assert shop.value('default(find(diagnoses, "kind", "admission").name, "")') == "乙"


def test_rows_numbers_counts_and_totals_are_the_sender_s(shop):
    tree = """request:
  count: count(lines)
  total: yuan(sum(l.amount for l in lines))
  text: 'join(list(text(position) + "." + l.line_no for l in lines where l.amount > 10), ";")'
  line: {$each: l in lines, no: position, of: count(lines), in: 'join(list(text(position) for m in lines), "")'}
"""
    made = shop.json(tree, lines(shop, *THREE))

    assert (made["count"], made["total"], made["text"]) == (3, "1.23", "1.1;2.2")
    assert [(row["no"], row["of"], row["in"]) for row in made["line"]] == [(1, 3, "123"), (2, 3, "123"), (3, 3, "123")]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            "  a: {list: {item: {$each: l in lines, $text: l.line_no}}}\n",
            "<a><list><item>L1</item><item>L2</item></list></a>",
        ),
        ("  a: {item: {$each: l in lines, $text: l.line_no}}\n", "<a><item>L1</item><item>L2</item></a>"),
    ],
    ids=["with a container", "without one"],
)
def test_repeats_with_and_without_a_container(shop, tree, expected):
    assert shop.xml("request:\n" + tree) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "groups(lines)",
        "groups(l for l in lines)",
        "groups(l.spec for l in lines)",
        "groups(l.line_no for l in lines).key",
        "first(groups(l.line_no for l in lines)).name",
        'find(lines, "nothing", "x").line_no',
        'find(lines, "occurred_at", "x").line_no',
    ],
)
def test_what_can_not_be_grouped_or_found_does_not_load(shop, expression):
    with pytest.raises(MappingRefused):
        shop.value(expression)


def test_a_group_carries_the_labels_of_its_key_its_rows_and_its_filter(shop):
    """What may not flow can't flow through a group either."""
    shop.vocabulary = replace(shop.vocabulary, may_carry=frozenset({"financial", "operational"}))
    for expression in (
        "sum(count(g.rows) for g in groups(l.hosp_name for l in lines))",
        'join(list(g.key for g in groups(l.hosp_name for l in lines)), "")',
    ):
        found = shop.mistakes(
            "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\ntarget: {kind: json}\nhttp: {path: /x}\n"
            f"request:\n  x: {json.dumps(expression)}\n"
        )
        assert [mistake.code for mistake in found] == ["label-leak"], expression
