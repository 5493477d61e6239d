"""The conformance report: every simulator earns every point that counts, and a faulty one loses exactly the right ones."""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.conformance.case import Case, Finding, Mark
from gateway.cli.conformance.examine import CASES, Wanted, examine
from gateway.cli.conformance.report import Report
from gateway.cli.ports import free_ports
from gateway.cli.stage import ROOT
from gateway.kernel.errors import ConfigRefused
from gateway.sandbox.ant import envelope as ant_envelope
from gateway.sandbox.common import courier
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.huiyibao import envelope as huiyibao_envelope
from gateway.sandbox.package import settlements
from gateway.sandbox.server import SIMULATORS, Running, serve_all, tls_context
from gateway.wire.devkeys import create_development_keys

pytestmark = pytest.mark.heavy

INSURERS = tuple(code for code in SIMULATORS if code not in ("pay", "deduct"))
POSSIBLE = {
    "package": 28,
    "huiyibao": 35,
    "ant": 23,
    "ant-mybank": 25,
    "eclaimlink": 29,
    "hcx": 29,
    "gbk-soap": 18,
    "padded-xml": 18,
}
"""Points that count at each; what does not is documented in docs/conformance.md."""
Script = Mapping[str, Sequence[Any]]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.getbasetemp() / "development-keys"
    create_development_keys(directory)
    return directory


@asynccontextmanager
async def simulator(
    keys: Path, code: str, script: Script, *, plain: bool = False
) -> AsyncIterator[tuple[Running, int]]:
    """One simulator, and the port at which it expects the door for its calls."""
    door = free_ports()["partner"]
    settings = SimulatorSettings(keys, f"https://localhost:{door}", ca=keys / "ca.cert.pem")
    running = await serve_all(settings, {code: 0}, None if plain else tls_context(keys), script)
    try:
        yield running, door
    finally:
        await running.stop()


async def examined(
    keys: Path,
    code: str,
    *always: tuple[str, str],
    plain: bool = False,
    folder: Path | None = None,
    seconds: float = 0,
    patience_s: float = 2,
) -> Report:
    """The report on a simulator that always plays this trouble."""
    script = {code: [{"match": {"op": op}, "do": do, "times": 999, "seconds": seconds} for op, do in always]}
    async with simulator(keys, code, script, plain=plain) as (running, door):
        url = running.urls[code].replace("127.0.0.1", "localhost")
        folder = folder or ROOT / "mappings" / "insurers" / code
        ca = "" if plain else "ca.cert.pem"
        return await examine(Wanted(url, folder, keys, ROOT / "schemas", ca=ca, port=door, patience_s=patience_s))


async def test_every_simulator_earns_every_point_that_counts(keys: Path) -> None:
    reports = await asyncio.gather(*(examined(keys, code, patience_s=20) for code in INSURERS))

    assert {one.insurer: one.lost for one in reports} == dict.fromkeys(INSURERS, ())
    assert {one.insurer: (one.score, one.possible) for one in reports} == {
        code: (points, points) for code, points in POSSIBLE.items()
    }


async def test_a_partner_that_calls_elsewhere_is_not_blamed_without_saying_so(keys: Path) -> None:
    async with simulator(keys, "hcx", {}) as (running, _):
        url, elsewhere = running.urls["hcx"].replace("127.0.0.1", "localhost"), free_ports()["partner"]
        folder, schemas = ROOT / "mappings" / "insurers" / "hcx", ROOT / "schemas"
        report = await examine(
            Wanted(url, folder, keys, schemas, ca="ca.cert.pem", port=elsewhere, patience_s=0.2, only=("decides",))
        )

    assert report.lost == ("decides",)
    assert f"--gateway https://localhost:{elsewhere}" in report.as_text()


async def test_where_the_door_for_its_calls_cannot_be_opened_the_way_out_is_told(keys: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        wanted = Wanted(
            "https://localhost:1", ROOT / "mappings" / "insurers" / "hcx", keys, ROOT / "schemas", port=taken
        )
        with pytest.raises(ConfigRefused, match=f"port {taken}") as told:
            await examine(wanted)

    assert told.value.error_code == "port-in-use"
    assert "--port" in told.value.hint


async def test_an_insurer_that_tells_another_amount_loses_amounts_and_enquiry(keys: Path) -> None:
    report = await examined(keys, "package", ("S291", "wrong_amount"))

    assert set(report.lost) == {"amounts", "status-known"}
    assert report.possible - report.score == 6


async def test_an_insurer_that_approves_after_a_reversal_loses_the_reversal(keys: Path) -> None:
    assert (await examined(keys, "package", ("S270", "approve_after_reverse"))).lost == ("undo-twice",)


async def test_an_insurer_without_tls_loses_that(keys: Path) -> None:
    assert (await examined(keys, "gbk-soap", plain=True)).lost == ("tls",)


async def test_an_insurer_that_is_late_loses_the_deadline(keys: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mappings" / "insurers" / "gbk-soap"
    shutil.copytree(ROOT / "mappings" / "insurers" / "gbk-soap", folder)
    manifest = folder / "insurer.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("role: claim,", "role: claim, timeout: 300ms,"), "utf-8")

    report = await examined(keys, "gbk-soap", ("CLM01", "delay"), folder=folder, seconds=0.4)

    assert report.lost == ("deadlines",)


def _pays_again(books: settlements.Settlements, case: settlements.Case, *_: Any) -> dict[str, Any]:
    """As an insurer does that knows no act id."""
    books.ledger.apply(case.settlement, case.settlement.amount_fen)
    return case.first_answer


def _finds_anything(_: Any, record: Any) -> dict[str, Any]:
    empty = {"caseEndDate": "", "confirmation": "", "settleSerialNum": "TESTSETL99999999"}
    return empty | {"mngFinalPay": "1.00", "caseStatus": "1"}


def _settled_or_anything(books: settlements.Settlements, record: Any) -> dict[str, Any]:
    try:
        return _claim(books, record)
    except Violation:
        return _finds_anything(books, record)


_claim = settlements.Settlements.claim


def _own_word(policy_no: str) -> None:
    if policy_no.startswith("REFUSE"):
        raise Violation("7777777", "no")


FAULTY: dict[str, tuple[str, str, Any, set[str]]] = {
    "pays again": ("package", f"{settlements.__name__}.Settlements._again", _pays_again, {"same-act", "same-bytes"}),
    "finds what never was": (
        "package",
        f"{settlements.__name__}.Settlements.claim",
        _settled_or_anything,
        {"status-unknown", "undo-twice"},
    ),
    "has a code of its own": ("package", f"{settlements.__name__}.refuse_policy", _own_word, {"codes"}),
    "verifies nothing": ("ant", f"{ant_envelope.__name__}.pkcs1_15.new", None, {"changed"}),
    "does not look at the clock": ("huiyibao", f"{huiyibao_envelope.__name__}.WINDOW_MS", 10**9, {"stale"}),
    "calls once": ("ant", f"{courier.__name__}.RETRY_AFTER_S", (), {"callbacks"}),
}


class _Believing:
    """Signs as ever, and takes every signature."""

    def __init__(self, key: Any) -> None:
        self._real = _real_pen(key)

    def sign(self, digest: Any) -> bytes:
        return bytes(self._real.sign(digest))

    def verify(self, *_: Any) -> None:
        return None


_real_pen: Callable[[Any], Any] = ant_envelope.pkcs1_15.new


@pytest.mark.parametrize("fault", FAULTY)
async def test_a_faulty_insurer_loses_exactly_the_points_of_its_fault(
    keys: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, place, wrong, lost = FAULTY[fault]
    monkeypatch.setattr(place, wrong if wrong is not None else _Believing)

    report = await examined(keys, code)

    assert set(report.lost) == lost


def _report() -> Report:
    async def nothing(_: Any) -> Finding:
        return Finding(Mark.FULL, ())

    good = Case("good", 3, "好", "good", "改", "mend", nothing)
    bad = Case("bad", 2, "坏", "<b>bad</b>", "改 & 修", "mend it", nothing)
    beside = Case("beside", 1, "无", "none", "改", "mend", nothing)
    findings = (Finding(Mark.FULL, ("a",)), Finding(Mark.LOST, ("<script>",)), Finding(Mark.NOT_APPLICABLE, ("why",)))
    at = datetime(2026, 3, 5, tzinfo=UTC)
    return Report("package", "测试", "Test", at, tuple(zip((good, bad, beside), findings, strict=True)))


def test_the_score_counts_what_applies() -> None:
    report = _report()

    assert (report.score, report.possible, report.lost) == (3, 5, ("bad",))
    assert "3 of 5 points" in report.as_text()


def test_only_lost_points_say_what_to_mend() -> None:
    told = {one["name"]: one for one in _report().as_json()["cases"]}

    assert told["bad"]["mend"] == {"zh": "改 & 修", "en": "mend it"}
    assert "mend" not in told["good"]
    assert "mend" not in told["beside"]


def test_the_page_shows_both_languages_and_runs_nothing() -> None:
    page = _report().as_html()

    assert "改 &amp; 修<br>mend it" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_each_case_is_documented_with_its_points() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d) \|", (ROOT / "docs" / "conformance.md").read_text("utf-8"), re.M)

    assert rows == [(case.name, str(case.points)) for case in CASES]


async def test_the_command_writes_the_report_and_tells_a_loss(keys: Path, tmp_path: Path) -> None:
    """By the command itself, against a simulator that says who it is; no evidence holds a name or a number of a person."""
    script = {"padded-xml": [{"match": {"op": "CL0001"}, "do": "wrong_amount", "times": 999}]}
    async with simulator(keys, "padded-xml", script) as (running, door):
        url = running.urls["padded-xml"].replace("127.0.0.1", "localhost")
        told, page = tmp_path / "r.json", tmp_path / "r.html"
        words = ["conformance", url, "--keys", str(keys), "--ca", "ca.cert.pem", "--port", str(door)]
        words += ["--mappings", str(ROOT / "mappings"), "--schemas", str(ROOT / "schemas")]

        status = await asyncio.to_thread(main, [*words, "--json", str(told), "--html", str(page)])

    report = json.loads(told.read_text("utf-8"))
    assert status == 1
    assert [one["name"] for one in report["cases"] if one["mark"] == "lost"] == ["amounts"]
    assert "测试患者" not in told.read_text("utf-8") + page.read_text("utf-8")
    assert not re.search(r"999901\d{8}", told.read_text("utf-8") + page.read_text("utf-8"))
