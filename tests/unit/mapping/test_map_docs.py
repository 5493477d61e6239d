"""`lianpei map docs`: one page that names every field, where it comes from in Chinese and English, and nothing outside itself."""

from pathlib import Path
from typing import Any

import pytest
from lxml import html

from gateway.cli import main
from gateway.cli.maptools.docs import field_table
from gateway.cli.maptools.place import find_place

FOLDERS = [
    *sorted(p.parent.name for p in Path("mappings/insurers").glob("*/insurer.yaml")),
    "fhir-r4",
    "yibao-2207",
    "pay",
]


def rows(text: str) -> dict[str, list[str]]:
    """First cell's field name to the texts of the row's cells; the last of a name wins."""
    found = {}
    for row in html.fromstring(text).xpath("//tbody/tr[td/span[@class='name']]"):
        cells = [cell.text_content() for cell in row.xpath("./td")]
        found[row.xpath("string(td/span[@class='name'])")] = cells
    return found


@pytest.mark.parametrize("code", FOLDERS)
def test_every_shipped_folder_becomes_a_page_of_its_own(code: str) -> None:
    place = find_place(code)
    text = field_table(place)
    tree = html.fromstring(text)
    assert not tree.xpath("//script | //link | //img | //iframe | //@src")
    assert all(href.startswith("#") for href in tree.xpath("//@href"))
    acts = [place.act] if place.reads else list(place.loaded().files)
    assert [node.get("id") for node in tree.xpath("//section") if node.get("id") != "faults"] == acts


def test_a_field_a_constant_a_table_and_a_condition() -> None:
    found = rows(field_table(find_place("eclaimlink/claim")))
    assert found["EmiratesIDNumber"][1] == "证件号码 patient.cert_no"
    assert found["RecordCount"][1:3] == ["1", "固定值 constant"]
    assert found["Gross"][2] == "yuan(split.total)"
    assert found["Resubmission"][3] == "present(refs.id_payer)"
    assert found["Activity"][3] == "others != 0"
    assert found["ReceiverID"][1] == "约定值 TESTPAY1 partner.payer_id"
    assert found["state"][0] == "state结果"


def test_loops_and_named_values_lead_to_the_fields_behind_them() -> None:
    found = rows(field_table(find_place("package/settle")))
    assert found["diagnosisCode"][1] == "诊断代码 diagnoses.code"
    assert found["hosorgName"][1] == "收费员姓名 visit.operator_name约定值 商保网关 partner.operator_name"
    assert "统筹基金" not in found["seriousFundMoney"][1]
    assert "职工大额 split.fund_serious" in found["seriousFundMoney"][1]


def test_what_a_file_says_is_text_in_the_page(shop: Any) -> None:
    (shop.folder).mkdir()
    shop.put(
        "demo/insurer.yaml",
        "insurer: demo\nnames: {zh: <b>, en: '&amp;'}\nprotocol: json\nseal: {profile: plain}\nkinds: {}\n",
    )
    shop.put("demo/faults.yaml", "'<i>': {code: a, who: cashier, retry: 'no', zh: '<u>', en: x}\n")
    head = "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\n"
    text = head + 'target: {kind: json}\nhttp: {path: /x}\nrequest: {"<script>": "=</td>"}\n'
    shop.put("demo/act.yaml", text)
    (shop.root / "schemas" / "demo").mkdir(parents=True)
    page = field_table(find_place(str(shop.folder)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;/td&gt;" in page
    assert "<u>" not in page


def test_the_command_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "docs", "ant", "-o", str(tmp_path / "ant.html")]) == 0
    assert "KiB" in capsys.readouterr().out
    assert (tmp_path / "ant.html").read_text("utf-8").startswith("<!doctype html>")
