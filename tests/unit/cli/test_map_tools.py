"""``lianpei map …``: each tool does what its help says, for people and for programs."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.maptools import PARTS
from gateway.cli.maptools.check import watch
from gateway.cli.maptools.place import find_place

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the payment channel's folder and of one partner's, with their schemas."""
    for part in ("mappings/payment/pay", "schemas/payment", "mappings/insurers/ant", "schemas/insurers/ant"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["map", *arguments])
    told = capsys.readouterr()
    return status, told.out + told.err


def test_every_tool_says_what_it_does_in_both_languages_with_an_example(capsys):
    tools = argparse.ArgumentParser().add_subparsers()
    for part in PARTS:
        part.add_commands(tools)
    assert {"check", "preview", "test", "explain", "diff", "fuzz"} <= set(tools.choices)
    for name, parser in tools.choices.items():
        text = parser.format_help()
        assert f"lianpei map {name}" in text
        assert any("\u4e00" <= sign <= "\u9fff" for sign in parser.description or "")


def test_a_place_is_a_code_a_path_or_an_act():
    for spelt in ("package", "mappings/insurers/package", "package/settle", "mappings/insurers/package/settle.yaml"):
        place = find_place(
            str(ROOT / spelt) if "/" in spelt and spelt.startswith("mappings") else spelt, ROOT / "mappings"
        )
        assert (place.folder.name, place.act) == ("package", "settle" if "settle" in spelt else "")
    assert find_place("fhir-r4", ROOT / "mappings").reads
    assert "financial" in find_place("pay", ROOT / "mappings").vocabulary.may_carry


def test_what_is_not_there_is_refused_with_a_hint(capsys):
    status, told = run(capsys, "check", "nobody/nothing")
    assert (status, "no-such-mapping" in told, "package/settle" in told) == (1, True, True)


def test_check_names_the_line_and_is_quiet_when_all_is_good(capsys, home):
    place = str(home / "mappings/payment/pay")
    assert run(capsys, "check", place)[0] == 0
    edit(home / "mappings/payment/pay/order.yaml", "fits(order.amount)", "fits(order.amuont)")
    status, told = run(capsys, "check", place)
    assert status == 1
    assert "order.yaml:14:" in told
    assert "did you mean amount?" in told
    status, told = run(capsys, "check", place, "--json")
    assert [(one["line"], one["code"]) for one in json.loads(told)["mistakes"]] == [(14, "unknown-field")]


def test_check_runs_the_tests_of_the_folder(capsys, home):
    edit(home / "mappings/payment/pay/examples/self_pay.request.json", "SELF_PAY", "SELF_PAID")
    status, told = run(capsys, "check", str(home / "mappings/payment/pay/order"))
    assert (status, "failing-test" in told, "biz_type" in told) == (1, True, True)


def test_watch_looks_again_after_each_change(home):
    chosen = argparse.Namespace(place=str(home / "mappings/payment/pay"), mappings=home / "mappings")
    seen = watch(chosen)
    assert next(seen).mistakes == []
    edit(home / "mappings/payment/pay/order.yaml", "=医疗费用结算", "医疗 费用")
    assert [one.code for one in next(seen).mistakes] == ["bad-expression"]
    edit(home / "mappings/payment/pay/order.yaml", "医疗 费用", "=医疗费用结算")
    assert next(seen).mistakes == []


def test_preview_shows_the_whole_call_and_what_to_look_at(capsys, home):
    status, told = run(capsys, "preview", str(home / "mappings/payment/pay/order"))
    assert status == 0
    assert told.startswith("POST /orders\nContent-Type: application/json;charset=utf-8\nX-Request-Id: act_")
    assert '  "total_amount": "56.86",' in told
    status, told = run(capsys, "preview", str(home / "mappings/insurers/ant/report"), "--json")
    shown = json.loads(told)
    assert (status, shown["refused"]) == (0, "")
    assert any(note.startswith("sealed with detached-text") for note in shown["warnings"])
    assert any(note.startswith("empty text") and "(report.yaml:" in note for note in shown["warnings"])


def test_preview_of_a_message_that_would_be_refused_shows_it_and_says_so(capsys, home):
    edit(home / "mappings/payment/pay/order.yaml", "fits(order.amount)", "fits(-order.amount)")
    status, told = run(capsys, "preview", str(home / "mappings/payment/pay/order"))
    assert status == 1
    assert '"total_amount": "-56.86"' in told
    assert "NOT SENT 不会发送: mapping-failed pay/order: breaks its schema at total_amount: pattern" in told


def test_test_shows_the_difference_and_record_takes_it_as_the_promise(capsys, home):
    folder = home / "mappings/payment/pay"
    edit(folder / "order.yaml", "source: order.source", "source: =LP")
    status, told = run(capsys, "test", str(folder))
    assert status == 1
    assert '  ~ source: "LIANPEI" → "LP"' in told
    assert "9 of 11 promises kept" in told
    before = (folder / "examples/self_pay.request.json").read_text("utf-8")
    assert run(capsys, "test", str(folder), "--record")[0] == 0
    after = (folder / "examples/self_pay.request.json").read_text("utf-8")
    assert after.split() == before.replace("LIANPEI", "LP").split()
    assert run(capsys, "test", str(folder)) == (0, "11 of 11 promises kept 项符合\n")


def test_record_writes_what_partners_sign_byte_for_byte(capsys, home):
    folder = home / "mappings/insurers/ant"
    golden = folder / "examples/report.request.xml"
    made = golden.read_bytes()
    golden.unlink()
    assert run(capsys, "test", str(folder))[0] == 1
    assert run(capsys, "test", str(folder), "--record")[0] == 0
    assert golden.read_bytes().strip() == made.strip()


def test_explain_is_a_table_for_people_and_rows_for_programs(capsys, home):
    status, told = run(capsys, "explain", str(home / "mappings/payment/pay/order"))
    line = next(line for line in told.splitlines() if line.startswith("total_amount"))
    assert (status, line.split()) == (0, ["total_amount", "56.86", "order.amount", "14"])
    rows = json.loads(run(capsys, "explain", str(home / "mappings/payment/pay/order"), "--json")[1])
    amount = next(row for row in rows if row["target"] == "total_amount")
    assert (amount["sources"], amount["line"], amount["fen"]) == (["order.amount"], 14, 5686)


def test_explain_reads_answers_and_hospital_documents(capsys, home):
    answer = home / "mappings/payment/pay/examples/paid.answer.json"
    status, told = run(capsys, "explain", str(home / "mappings/payment/pay/order"), "--answer", str(answer))
    assert status == 0
    assert any(line.split()[:3] == ["state", "paid", "r.status"] for line in told.splitlines())
    status, told = run(capsys, "explain", str(ROOT / "mappings/hospitals/fhir-r4"))
    assert status == 0
    assert "patient.name" in told


def test_diff_tells_fields_and_money(capsys, home):
    folder, new = home / "mappings/payment/pay", home / "new/mappings/payment/pay"
    shutil.copytree(folder, new)
    shutil.copytree(home / "schemas", home / "new/schemas")
    assert run(capsys, "diff", str(folder / "order"), str(new / "order")) == (
        0,
        "order request: 2 samples, 0 differ 个样本不同\norder answer: 3 samples, 0 differ 个样本不同\n",
    )
    edit(new / "order.yaml", "fits(order.amount)", "fits(order.amount + 1)")
    edit(new / "order.yaml", "  account_token?: order.account_token\n", "")
    status, told = run(capsys, "diff", str(folder), str(new))
    assert status == 1
    assert '    ~ total_amount: "56.86" → "56.87"' in told
    assert "    - account_token: " in told
    assert "money 金额 total_amount:" in told
    assert "(0.02)" in told
    shown = json.loads(run(capsys, "diff", str(folder), str(new), "--json", "--made", "3")[1])
    request = next(one for one in shown["acts"] if one["act"] == "order request")
    assert request["samples"] == 5
    before, after = request["money"]["total_amount"]
    assert after > before


def test_fuzz_tells_its_seed_and_how_to_make_a_finding_again(capsys, home, monkeypatch):
    place = str(home / "mappings/payment/pay/order")
    status, told = run(capsys, "fuzz", place, "--count", "5", "--seed", "3")
    assert status == 0
    assert told.startswith("pay/order, seed 3")
    assert told.endswith("no findings 没有发现\n")
    monkeypatch.setattr("gateway.mapping.fuzz.verdict._request_difference", lambda _fast, _slow: "document")
    status, told = run(capsys, "fuzz", place, "--count", "2", "--seed", "3", "--json", "--keep", str(home / "kept"))
    found = json.loads(told)["findings"]
    assert status == 1
    assert found[0]["again"].startswith(f"lianpei map fuzz {place.removesuffix('/order')}/order --seed 3 --case ")
    assert json.loads((home / "kept" / "order-0.dispatch.json").read_text("utf-8"))


def test_a_hospital_format_is_not_fuzzed_as_a_partner(capsys):
    status, told = run(capsys, "fuzz", str(ROOT / "mappings/hospitals/fhir-r4"))
    assert (status, "config-refused" in told) == (1, True)
