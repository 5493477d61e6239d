"""It must be able to say: a head that many files share, and a folder that says only what differs from another."""

import json

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import MappingFailed, check_folder, inherited_yaml, load_folder

HEAD = "mapping: {0}\nversion: 1\nchannel: insurer\nsource: dispatch\n"
BASE = (
    HEAD.format("base/act")
    + """target: {kind: json}
http: {path: /x}
tables: {sex: {$file: sex.csv, $key: ours, $value: theirs}}
let: {total: yuan(split.total)}
request:
  package:
    head: {$use: head, busseID: =S200}
    body:
      - no: visit.visit_id
        sex: code(sex, patient.gender)
        money: total
        ward?: visit.ward
"""
)
BLOCKS = """head:
  busseID: =
  sender: partner.sender_code
  at: datetime(act.sent_at, "%Y%m%d")
"""
DEMO = HEAD.format("demo/act") + "extends: base/act\n"


@pytest.fixture
def both(shop):
    """A base folder with one act, and an empty folder ``demo`` that extends it."""
    shop.put("base/act.yaml", BASE)
    shop.put("base/fragments.yaml", BLOCKS)
    shop.put("base/sex.csv", "ours,theirs\nmale,1\nfemale,2\nunknown,9\n")
    shop.put("demo/insurer.yaml", "insurer: demo\nextends: base\n")
    return shop


def made(shop, name="act"):
    shop.schemas.mkdir(exist_ok=True)
    acts = load_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)
    return json.loads(acts[name].write(shop.dispatch()).document)["package"]


def found(shop):
    shop.schemas.mkdir(exist_ok=True)
    return check_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)


def test_a_block_is_shared_and_a_key_of_it_said_anew_stays_in_its_place(both):
    head = made(both)["head"]

    assert list(head.items()) == [("busseID", "S200"), ("sender", "990000001"), ("at", "20250305")]


def test_an_act_without_a_file_is_the_base_s_under_the_folder_s_own_settings(both):
    both.partner["sender_code"] = "42"
    acts = load_folder(both.folder, both.schemas, both.vocabulary, both.partner, both.refs)

    assert made(both)["head"]["sender"] == "42"
    assert acts["act"].pin.name == "demo/act"


def test_only_the_acts_that_the_manifest_names_are_inherited(both):
    both.put("base/other.yaml", BASE.replace("base/act", "base/other"))
    both.put("demo/insurer.yaml", "insurer: demo\nextends: base\ninherits: [other]\n")

    assert set(load_folder(both.folder, both.schemas, both.vocabulary, both.partner, both.refs)) == {"other"}


def test_a_file_says_only_what_differs(both):
    both.put(
        "demo/act.yaml",
        DEMO
        + """let: {total: yuan(split.cash_pay)}
request:
  package:
    head: {$rename: {busseID: businessID}, $drop: [at], channel: =900, sender: {}}
    body: {$drop: [sex], ward: =W, extra: =1}
""",
    )
    package = made(both)

    assert list(package["head"].items()) == [("businessID", "S200"), ("channel", "900"), ("sender", "990000001")]
    assert package["body"] == [{"no": "V1", "money": "172.31", "ward": "W", "extra": "1"}]


def test_a_block_of_the_folder_hides_the_base_s_and_may_build_on_it(both):
    both.put("demo/fragments.yaml", "head:\n  $use: head\n  $rename: {at: when}\n  version: =4.0.0\n")

    assert list(made(both)["head"]) == ["busseID", "sender", "when", "version"]


def test_a_table_file_of_the_folder_hides_the_base_s(both):
    assert made(both)["body"][0]["sex"] == "1"
    both.put("demo/sex.csv", "ours,theirs\nmale,M\nfemale,F\nunknown,U\n")
    assert made(both)["body"][0]["sex"] == "M"


def test_a_block_takes_words_from_where_it_is_used(shop):
    shop.put("demo/fragments.yaml", "money:\n  value: yuan(amount)\n  cents: amount\n")
    tree = "  a: {$use: money, $let: {amount: split.total}}\n  b: {$use: money, $let: {amount: split.cash_pay}}\n"

    assert shop.json("request:\n" + tree) == {
        "a": {"value": "430.00", "cents": 43000},
        "b": {"value": "172.31", "cents": 17231},
    }


def test_the_base_s_tests_are_not_the_heir_s_and_its_schema_is_used(both):
    both.put("schemas/base/a.schema.json", '{"properties": {"package": {"required": ["none"]}}}')
    text = BASE.replace("{kind: json}", "{kind: json, schema: a.schema.json}") + "tests: [{name: x, in: y, out: z}]\n"
    both.put("base/act.yaml", text)
    schemas = both.root / "schemas" / "demo"
    mistakes = check_folder(both.folder, schemas, both.vocabulary, both.partner, both.refs)

    assert [mistake.code for mistake in mistakes] == ["missing-required"]
    assert mistakes[0].file.endswith("base/act.yaml")


def test_a_pin_names_the_content_of_every_file_that_a_mapping_is_made_of(both):
    def digest():
        return load_folder(both.folder, both.schemas, both.vocabulary, both.partner, both.refs)["act"].pin.digest

    digests = {digest()}
    for name, change in (
        ("fragments.yaml", BLOCKS + "# x\n"),
        ("sex.csv", "ours,theirs\nmale,1\nfemale,2\nunknown,8\n"),
    ):
        both.put(f"base/{name}", change)
        digests.add(digest())

    assert len(digests) == 3


def test_a_failure_inside_a_block_names_the_block_s_file_and_line(shop):
    shop.put("demo/fragments.yaml", "# a comment\nplace:\n  ward: need(visit.ward)\n")

    with pytest.raises(MappingFailed) as failed:
        shop.json("request:\n  a: {$use: place}\n")

    assert (failed.value.file, failed.value.line) == ("demo/fragments.yaml", 3)
    assert str(failed.value) == "demo/fragments.yaml:3 a.ward <- visit.ward: the value is absent"


@pytest.mark.parametrize(
    ("name", "text", "code", "file", "line"),
    [
        ("demo/act.yaml", DEMO + "request: {package: {$drop: [hed]}}\n", "not-inherited", "demo/act.yaml", 6),
        ("demo/act.yaml", DEMO + "request: {package: {$rename: {hed: x}}}\n", "not-inherited", "demo/act.yaml", 6),
        ("demo/act.yaml", DEMO + "request: {package: {$drop: head}}\n", "bad-shape", "demo/act.yaml", 6),
        ("demo/act.yaml", DEMO.replace("base/act", "base/none"), "unknown-file", "demo/act.yaml", 5),
        ("demo/act.yaml", DEMO.replace("base/act", "../base/act"), "unknown-file", "demo/act.yaml", 5),
        ("demo/act.yaml", DEMO.replace("base/act", "demo/act"), "unknown-file", "demo/act.yaml", 5),
        ("demo/act.yaml", DEMO + "request: {package: {head: {$use: hed}}}\n", "unknown-block", "demo/act.yaml", 6),
        ("demo/insurer.yaml", "insurer: demo\nextends: nowhere\n", "unknown-file", "demo/insurer.yaml", 2),
        ("base/insurer.yaml", "insurer: base\nextends: more\n", "extends-twice", "demo/insurer.yaml", 2),
        ("base/fragments.yaml", "head: {sender: vist.x}\n", "unknown-name", "base/fragments.yaml", 1),
        ("base/fragments.yaml", "head: {$use: head}\n", "unknown-block", "base/fragments.yaml", 1),
        ("base/fragments.yaml", "head: {$use: b}\nb: {$use: head}\n", "unknown-block", "base/fragments.yaml", 2),
        ("base/fragments.yaml", "head: [a, b]\n", "bad-shape", "base/act.yaml", 11),
        ("base/sex.csv", "ours,them\nmale,1\n", "unknown-column", "base/act.yaml", 7),
        ("base/sex.csv", b"ours,theirs\nmale,\xff\n", "bad-value", "base/act.yaml", 7),
    ],
)
def test_a_mistake_is_told_in_the_file_that_makes_it(both, name, text, code, file, line):
    both.put(name, text)
    told = [(m.code, m.file.removeprefix(str(both.root) + "/"), m.line) for m in found(both)]

    assert (code, file, line) in told


def test_extending_is_one_level_deep(both):
    both.put("base/other.yaml", HEAD.format("base/other") + "extends: base/act\n")
    both.put("demo/act.yaml", DEMO.replace("base/act", "base/other"))

    assert ("extends-twice", 5) in [(m.code, m.line) for m in found(both)]


def test_blocks_can_not_grow_without_end(shop):
    twice = "".join(f"b{n}: {{x: {{$use: b{n + 1}}}, y: {{$use: b{n + 1}}}}}\n" for n in range(30)) + "b30: {z: =1}\n"
    shop.put("demo/fragments.yaml", twice)

    with pytest.raises(MappingRefused) as refused:
        shop.json("request: {a: {$use: b0}}\n")
    assert "too-deep" in refused.value.message


def test_a_manifest_says_only_what_differs(both):
    both.put(
        "base/insurer.yaml", "insurer: base\nsettings: {a: 01, b: 'NO'}\nacts: {x: {retry: never}}\nkinds: {k: [x]}\n"
    )
    both.put("base/faults.yaml", "'1': {zh: 一}\n")
    both.put("demo/insurer.yaml", "insurer: demo\nextends: base\nsettings: {b: c}\nkinds: {$drop: [k]}\n")

    assert inherited_yaml(both.folder / "insurer.yaml") == {
        "insurer": "demo",
        "settings": {"a": "01", "b": "c"},
        "acts": {"x": {"retry": "never"}},
        "kinds": {},
        "extends": "base",
    }
    assert inherited_yaml(both.folder / "faults.yaml") == {"1": {"zh": "一"}}
    assert inherited_yaml(both.root / "base" / "insurer.yaml") is None


def test_a_folder_that_inherits_no_act_inherits_no_fault_codes(both):
    both.put("base/faults.yaml", '"1": {zh: 一}\n')
    both.put("demo/insurer.yaml", "insurer: demo\nextends: base\ninherits: []\n")

    assert inherited_yaml(both.folder / "faults.yaml") is None
    assert (inherited_yaml(both.folder / "insurer.yaml") or {})["insurer"] == "demo"
