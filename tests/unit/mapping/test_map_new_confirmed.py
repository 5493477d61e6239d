"""A draft as a person takes it up: each ``?`` deleted, and what stands there then is whole, in its row, and about our claim."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gateway.app import INSURER_VOCABULARY
from gateway.claims.canonical.dispatch import Dispatch
from gateway.mapping import load_folder
from gateway.mapping.api import Incoming
from gateway.mapping.drafting import draft_folder, read_contract
from gateway.mapping.yamlfile import Book, read_yaml

SENT = {
    "claimNo": "C1",
    "name": "测试",
    "diags": [{"code": "J06", "main": "1"}],
    "items": [{"seq": 1, "name": "测试药", "amount": "2.00", "visitNo": "V1"}],
}
TOLD = {"claimNo": "C1", "caseNo": "S1", "status": "0", "msg": "ok"}


@pytest.fixture
def draft(tmp_path: Path) -> str:
    for name, document in (("sent", SENT), ("told", TOLD)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document), "utf-8")
    told = read_contract(tmp_path / "told.json")
    return draft_folder("demo", read_contract(tmp_path / "sent.json"), Dispatch, "act", told).files["act.yaml"]


def confirmed(text: str) -> str:
    """Every mark deleted and nothing else, as the guide says."""
    return re.sub(r"((?:: |- )'?)\?", r"\1", text)


def parsed(text: str) -> Any:
    return yaml.load(text, yaml.BaseLoader)


def test_a_suggestion_whose_mark_is_deleted_is_still_one_value(draft: str) -> None:
    assert parsed(draft)["request"]["diags"]["main"] == '?"1" if d.is_main else "0"'
    assert parsed(confirmed(draft))["request"]["diags"]["main"] == '"1" if d.is_main else "0"'


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("seq", "?position"),
        ("name", "?l.hosp_name"),
        ("amount", "?yuan_number(l.amount)"),
        ("visitNo", "?visit.visit_id"),
    ],
)
def test_what_stands_in_a_row_is_looked_for_in_the_row_first(draft: str, part: str, source: str) -> None:
    assert parsed(draft)["request"]["items"][part] == source


def test_the_number_that_an_answer_repeats_is_ours_and_compared(draft: str) -> None:
    answer = parsed(draft)["answer"]

    assert answer["let"]["ours"].startswith("?default(empty_as_absent(trim(r.claimNo))")
    assert answer["result"]["insurer_ref?"] == "?r.caseNo"


@pytest.mark.parametrize(("number", "state"), [(None, "accepted"), ("", "accepted"), ("C-OTHER", "unknown")])
def test_an_answer_about_another_claim_says_nothing_about_ours(
    draft: str, tmp_path: Path, number: str | None, state: str
) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "act.yaml").write_text(confirmed(draft), "utf-8")
    act = load_folder(folder, tmp_path / "schemas", INSURER_VOCABULARY, {}, frozenset())["act"]
    sample = Path(__file__).parents[3] / "gateway" / "cli" / "maptools" / "sample_dispatch.json"
    sent = msgspec.json.decode(sample.read_bytes(), type=Dispatch)

    said = act.read(Incoming(json.dumps(TOLD | {"claimNo": number}).encode()), sent)

    assert said["state"] == state


def test_what_is_no_yaml_is_told_with_the_way_to_write_it(tmp_path: Path) -> None:
    (tmp_path / "act.yaml").write_text('a: "1" if d.is_main else "0"\n', "utf-8")
    book = Book("act.yaml")

    assert read_yaml(tmp_path / "act.yaml", book) is None
    assert [(one.code, "single quotes" in one.hint) for one in book.mistakes] == [("bad-yaml", True)]
