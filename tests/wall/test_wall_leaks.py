"""The tests of the tests: one deliberate leak per lock, and the lock that must notice it does."""

import io
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import test_wall_schemas as lock3
from imports import named_modules, room_of
from test_wall_imports import BELOW, MAY_NAME, loaded_by

from gateway.cli.wall.places import Place, findings
from gateway.cli.wall.search import Marks
from gateway.kernel.errors import ConfigRefused, LianpeiError
from gateway.kernel.fields import F, M, leaf
from gateway.payment.allowlist import AllowList
from gateway.payment.metrics import Metrics
from gateway.payment.room import load_channel
from gateway.telemetry import logs

HOUSE = Path(__file__).parents[2]
MARK = "MK0000010001MZ"
MARKS = Marks({MARK: "Diagnosis.name"})


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program, to be damaged."""
    shutil.copytree(HOUSE / "gateway", tmp_path / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(HOUSE / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(house: Path) -> str:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=house, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


def add(house: Path, file: str, code: str) -> Path:
    path = house / "gateway" / file
    path.write_text(f"{path.read_text('utf-8')}\n\n{code}\n", "utf-8")
    return path


def test_lock_1_notices_an_import_inside_a_function_and_one_on_the_way_through_another_room(copy: Path) -> None:
    lazy = add(copy, "payment/metrics.py", "def leak() -> None:\n    from gateway.claims.bill import Bill  # noqa")
    add(copy, "store/unit.py", "from gateway.claims import safe  # noqa")

    told = broken_contracts(copy)

    assert "Payment never knows claims" in told
    assert "gateway.payment.metrics -> gateway.claims.bill" in told
    assert "gateway.store.unit -> gateway.claims.safe" in told
    rooms = {room_of(module) for _, module in named_modules(lazy, copy)}
    assert rooms - MAY_NAME["payment"] - {"payment", ""} == {"claims"}


def test_lock_2_notices_a_module_that_is_loaded_by_a_text(copy: Path) -> None:
    add(
        copy, "payment/metrics.py", "import importlib\nimportlib.import_module('.'.join(('gateway', 'claims', 'bill')))"
    )

    rooms = {room_of(module) for module in loaded_by("gateway.payment", copy)} - {""}

    assert rooms - BELOW - {"kernel", "payment"} == {"claims"}


class OrderWithDepartment(msgspec.Struct, frozen=True, kw_only=True):
    amount: Annotated[int, leaf("金额", F, ge=0)]
    dept_name: Annotated[str, leaf("科室", M, max_length=50)]


class OrderWithRemark(msgspec.Struct, frozen=True, kw_only=True):
    amount: Annotated[int, leaf("金额", F, ge=0)]
    remark: Annotated[str, leaf("备注", F, max_length=50)]


def test_lock_3_notices_a_medical_leaf_in_a_payment_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lock3.ROOTS, "leak", OrderWithDepartment)
    with pytest.raises(AssertionError, match="dept_name"):
        lock3.test_every_payment_leaf_is_financial_or_operational()


def test_lock_3_notices_a_free_text_in_a_payment_schema_whatever_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lock3.ROOTS, "leak", OrderWithRemark)
    with pytest.raises(AssertionError, match="remark"):
        lock3.test_no_payment_leaf_is_free_text_or_an_open_map()


@pytest.mark.parametrize("line", ["  title: visit.dept_name", "  title: order.dept_name", "  body: =高血压"])
def test_lock_3_loads_no_payment_mapping_that_says_more(tmp_path: Path, line: str) -> None:
    folder, schemas = tmp_path / "pay", HOUSE / "schemas" / "payment"
    shutil.copytree(HOUSE / "mappings" / "payment" / "pay", folder)
    mapping = folder / "order.yaml"
    assert load_channel(folder, schemas) is not None

    mapping.write_text(mapping.read_text("utf-8").replace("  title: =医疗费用结算", line), "utf-8")

    with pytest.raises((ConfigRefused, LianpeiError)):
        load_channel(folder, schemas)


def test_lock_3_sends_no_title_but_the_agreed_one() -> None:
    names = AllowList(HOUSE / "schemas" / "payment" / "allowlist.json", "pay")
    assert names.refused('{"title": "医疗费用结算"}'.encode()) == []
    assert names.refused('{"title": "精神科 医疗费用"}'.encode()) == ["/title not the fixed text"]


def found_in(side: str, data: bytes) -> list[str]:
    return [one.leaf for one in findings([Place("leak", data, side)], MARKS)]


def test_lock_5_notices_a_mark_in_a_log_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The allow-list is what keeps it out: with it nothing is found, without it the search finds it."""
    for is_open, leaves in ((False, []), (True, ["Diagnosis.name"])):
        if is_open:
            monkeypatch.setattr(logs, "allowed", lambda name, value: True)
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logs.JsonLines())
        logger = logging.getLogger("lianpei.leak")
        monkeypatch.setattr(logger, "handlers", [handler])
        logger.setLevel("INFO")
        logs.get_logger("leak").event("act-sent", diagnosis=MARK)
        assert "act-sent" in stream.getvalue()
        assert found_in("telemetry", stream.getvalue().encode()) == leaves


class NoRows:
    def tally(self, *_: object, **__: object) -> dict[str, object]:
        return {}


def test_lock_5_notices_a_mark_in_a_metrics_label() -> None:
    metrics = Metrics(NoRows())  # type: ignore[arg-type]
    assert found_in("telemetry", metrics.render()) == []
    metrics.trouble(MARK)
    assert found_in("telemetry", metrics.render()) == ["Diagnosis.name"]


def test_lock_5_notices_a_mark_in_a_payment_title() -> None:
    sent = b'POST /orders HTTP/1.1\r\n\r\n{"out_trade_no":"stl_1","title":"%s"}'
    assert found_in("payment", sent % "医疗费用结算".encode()) == []
    assert found_in("payment", sent % MARK.encode()) == ["Diagnosis.name"]
