"""A mapping file is data: whatever it says, no code of its own runs and nothing but the declared fields is read."""

import json

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping.code.safety import UnsafeCodeError, build
from gateway.mapping.code.writer import Writer
from gateway.mapping.values import Unit
from gateway.mapping.yamlfile import Book, Pos

ATTACKS = [
    '__import__("os").system("true")',
    "().__class__.__bases__[0].__subclasses__()",
    "visit.__class__",
    'visit["__class__"]',
    "act.__init__.__globals__",
    "lambda: 1",
    "[x for x in lines]",
    "{1: 2}",
    "f'{visit}'",
    "(y := visit.visit_id)",
    "open('/etc/hostname')",
    "eval('1')",
    "visit.visit_id.upper()",
    "text(*lines)",
    "text(**{})",
    "lines[0]",
    "lines[0:1]",
    "1 if 2 else 3 if",
    "await visit",
    "yield visit",
    "9 ** 9 ** 9",
    "visit.visit_id * 9999999",
    "1 << 9",
    "~1",
    "b'x'",
    "1j",
    "...",
    "U",
    "cat",
    "jtext(visit.visit_id)",
    "s_visit.visit_id",
    "h_inner",
    "r.x",
    "sum(l.amount for l in lines for m in lines)",
    "text(visit.visit_id) # comment",
    "(" * 300 + "1" + ")" * 300,
    "not " * 5000 + "true",
    "lines == lines",
    "visit == visit",
    "visit.visit_id\x00",
    "date(patient.birth_date, '%' + visit.visit_id)",
    "matches(visit.visit_id, '(')",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_an_expression_outside_the_grammar_does_not_load(shop, attack):
    with pytest.raises(MappingRefused):
        shop.write(f"request:\n  a: {json.dumps(attack)}\n")


@pytest.mark.parametrize(
    "text", ["'''", '"""', "\\", "{visit}", "%s", "'+__import__('os')+'", "\n", "\u2028", "{{}}", "')"]
)
def test_text_of_the_file_stays_text(shop, text):
    """Constants, keys, table rows and settings with quotes and braces come out as they went in."""
    shop.partner["sender_code"] = text
    spelt = json.dumps("=" + text)
    tables = f"tables:\n  t: {{V1: {spelt}, {json.dumps('k' + text)}: x}}\n"
    key = json.dumps("k" + text)
    body = f"{tables}request:\n  {key}: {spelt}\n  t: code(t, visit.visit_id)\n  p: partner.sender_code\n"

    assert {"k" + text: text, "t": text, "p": text} == shop.json(body)


@pytest.mark.parametrize("text", ["'''", "\\", "{visit}", "'+__import__('os')+'", "{{}}", "')"])
def test_names_blocks_and_cells_stay_text(shop, text):
    """Computed names, blocks, column names and constants of a CSV line come out as they went in."""
    spelt, name = json.dumps("=" + text), json.dumps(text)
    shop.put("demo/fragments.yaml", f"{json.dumps('b' + text)}:\n  {name}: {spelt}\n")
    tree = f"request:\n  used: {{$use: {json.dumps('b' + text)}}}\n  x: {{$name: {spelt}, $text: {spelt}}}\n"
    assert {"used": {text: text}, text: text} == shop.json(tree)

    line = shop.write(f"request:\n  {name}: {spelt}\n", target="{kind: csv, line_end: lf}").document.decode()
    assert line == f"{text}\n{text}\n"


@pytest.mark.parametrize("name", ["a><b", "a b", "", "a/", "=x", "a\u0000"])
def test_a_computed_tag_can_not_open_another(shop, name):
    with pytest.raises(MappingRefused):
        shop.xml(f"request:\n  a: {{$name: {json.dumps('=' + name)}, $text: =1}}\n")


def test_too_large_and_too_deep_files_are_refused(shop):
    assert [m.code for m in shop.mistakes("#" * (1024 * 1024 + 1))] == ["too-large"]
    deep = "request: " + "{a: " * 60 + "=1" + "}" * 60
    assert "too-deep" in [m.code for m in shop.mistakes(deep)]


@pytest.mark.parametrize(
    "source",
    [
        "def f(d):\n    import os\n",
        "def f(d):\n    return d.__class__\n",
        "def f(d):\n    return d.name\n",
        "def f(d):\n    return print(d)\n",
        "def f(d):\n    return 1.5\n",
        "def f(d):\n    return f'{d}'\n",
        "@g1\ndef f(d):\n    return 1\n",
        "def f(d):\n    global x1\n",
        "class f:\n    pass\n",
        "def f(d):\n    return __builtins__\n",
    ],
)
def test_generated_code_outside_the_whitelist_is_never_run(source):
    writer = Writer()
    for line in source.splitlines():
        writer.put(line, Pos(1, 1))

    with pytest.raises(UnsafeCodeError):
        build(writer, Unit(Book("x")), "f", "x")
