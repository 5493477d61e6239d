"""The hub's dialect of the package protocol: amounts as text, the split in a list of its own, one call for a whole visit."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import test_partner_package as main_dialect
from partner_folder import SAMPLES, Folder, changed, exact

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, build_seal

HUB = Folder("package-leyue")
WRITTEN = {
    "open_visit": "S210",
    "fee_lines": "S250",
    "withdraw_lines": "S260",
    "settle": "S291",
    "cancel": "S270",
    "instant": "S299",
}
NOW = datetime(2025, 3, 5, tzinfo=UTC)


def package(act: str) -> Any:
    return HUB.written(act, act)["package"]


def fen(text: str) -> int:
    return int(Decimal(text) * 100)


def test_folder_has_no_mistake_its_tests_pass_and_it_says_that_no_claim_runs() -> None:
    assert HUB.mistakes() == []
    assert HUB.failed_tests() == []
    assert HUB.manifest.kinds == {}
    assert "`kinds` is empty" in (HUB.home / "README.md").read_text("utf-8")
    assert set(HUB.manifest.acts) == set(WRITTEN)


@pytest.mark.parametrize("act", WRITTEN)
def test_every_heading_has_the_two_names_with_their_blanks_and_every_result_seven_members(act: str) -> None:
    said = package(act)
    head = said["head"]
    assert (head["busseID"], head["clientmacAddress "], head["intermediaryCode"]) == (
        WRITTEN[act],
        "000000000000",
        "003",
    )
    assert head[" recordCount "] == str(len(said["body"]))
    assert not {"providerCode", "clientmacAddress", "recordCount"} & set(head)
    assert head["sendTradeNum"].rpartition("-")[2].isdecimal()
    assert len(head["sendTradeNum"].rpartition("-")[2]) == 4
    assert len(said["additionInfo"]) == 7


@pytest.mark.parametrize("act", WRITTEN)
def test_no_value_is_null_and_no_amount_a_number(act: str) -> None:
    def leaves(node: Any) -> list[Any]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
        return [node] if inner is None else [leaf for one in inner for leaf in leaves(one)]

    kinds = {type(leaf) for leaf in leaves(package(act)["body"])}
    assert kinds <= {str, Decimal}
    numbers = [leaf for leaf in leaves(package(act)["body"]) if isinstance(leaf, Decimal)]
    assert numbers == ([Decimal(1)] if act == "settle" else []), "the days of a stay are the only number"


def test_the_split_ties_as_in_the_base_dialect() -> None:
    (visit,) = package("settle")["body"]
    (split,) = visit["composite"]
    base = main_dialect.PACKAGE.written("settle", "07_S291")["package"]["body"][0]
    amounts = {name: fen(text) for name, text in split.items() if text}
    assert len(amounts) == 16
    assert {name: int(base[name] * 100) for name in amounts} == amounts
    assert not set(amounts) & set(visit)


def test_one_call_brings_the_visit_its_lines_and_its_split() -> None:
    (visit,) = package("instant")["body"]
    assert sum(fen(line["money"]) for line in visit["recipeList"]) == fen(visit["sumMoney"]) == 43000
    assert visit["composite"] == package("settle")["body"][0]["composite"]
    lines = [{**line, "exeDays": line["days"], "medicalNum": visit["medicalNum"]} for line in visit["recipeList"]]
    for line in lines:
        line.pop("days")
    assert lines == package("fee_lines")["body"]


def test_only_zero_is_a_success() -> None:
    answer = json.loads((HUB.home / "examples/settle.answer.json").read_text("utf-8"))
    for act in ("settle", "instant"):
        for code, state in (("0", "accepted"), ("1", "refused")):
            said = json.dumps(changed(answer, ("package", "additionInfo", "errorCode"), code)).encode()
            assert HUB.answered(act, said, act).state == state, (act, code)


def test_published_cipher_text_of_this_dialect_is_made_and_opened(tmp_path: Path) -> None:
    vectors = json.loads((SAMPLES / "package/40_wire_vectors.json").read_text("utf-8"))
    vector, plain = vectors["des_ede3_ecb_pkcs5"], vectors["plaintext"].encode()
    key = tmp_path / "package-leyue-3des.secret"
    key.touch(mode=0o600)
    key.write_text(vector["key_ascii"])
    seal = build_seal(HUB.manifest.seal, KeyRing.from_directory(tmp_path), NOW.date())
    assert seal.seal(Plain(plain), Role.REQUEST, NOW).body.decode() == vector["body_base64"]
    assert seal.open(vector["body_base64"].encode(), Role.ANSWER, NOW).document == plain


@pytest.mark.parametrize(
    ("schema", "act", "path", "value", "keyword"),
    [
        ("S250.request", "fee_lines", ("body", 0, "money"), 25.0, "type"),
        ("S250.request", "fee_lines", ("head", "recordCount"), "9", "additionalProperties"),
        ("S260.request", "withdraw_lines", ("body", 0, "medicalNumm"), "", "additionalProperties"),
        ("S291.request", "settle", ("body", 0, "composite"), [], "minItems"),
        ("S299.request", "instant", ("body", 0, "recipeList"), [], "minItems"),
        ("S299.request", "instant", ("additionInfo", "asyncAsk"), "1", "const"),
    ],
)
def test_schema_refuses(schema: str, act: str, path: tuple[str | int, ...], value: Any, keyword: str) -> None:
    sound = json.loads(HUB.acts[act].write(HUB.dispatch(act)).document)
    assert HUB.violations(schema, sound) == []
    assert keyword in HUB.violations(schema, changed(sound, ("package", *path), value))


def test_amounts_stay_exact() -> None:
    document = HUB.acts["fee_lines"].write(HUB.dispatch("fee_lines")).document
    assert exact(document)["package"]["body"][5]["price"] == "3.333333"
