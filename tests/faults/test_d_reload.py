"""Group D, mappings that change while claims run: what is broken never serves, and a claim ends by the version it began with."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bills import sample_bill
from support.house import House
from support.load import Load
from support.unknownstage import UnknownStage
from support.workshop import Workshop

from gateway.kernel.errors import MappingRefused
from gateway.mapping import FolderSource, Incoming, LiveActs

pytestmark = pytest.mark.heavy

ACT = """mapping: demo/act
version: {version}
channel: insurer
source: dispatch
target: {{kind: json}}
http: {{path: /x}}
request: {{v: ={version}}}
answer: {{result: {{state: =accepted, peer_code: ={version}}}}}
tests: [{{name: answer, answer: a.json, result: r.json}}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.schemas.mkdir()
    return shop


def _put(shop: Workshop, version: int, promised: int | None = None) -> None:
    shop.put("demo/act.yaml", ACT.format(version=version))
    shop.put("demo/a.json", "{}")
    shop.put("demo/r.json", f'{{"state": "accepted", "peer_code": "{version if promised is None else promised}"}}')


def _live(shop: Workshop) -> LiveActs:
    _put(shop, 1)
    return LiveActs(FolderSource(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs))


def test_d11_what_is_written_and_read_is_of_one_version_while_mappings_change_all_the_time(shop: Workshop) -> None:
    """Four threads make messages and read their answers; beside them the folder changes, every third time for the worse."""
    live, over, torn = _live(shop), threading.Event(), []
    seen: set[int] = set()

    def claim() -> None:
        while not over.is_set():
            sent = live["act"].write(shop.dispatch())
            time.sleep(0.001)  # the answer takes its time
            told = live["act"].pinned(sent.pin).read(Incoming(b"{}"))["peer_code"]
            if sent.document != b'{"v":"%d"}' % sent.pin.version or told != str(sent.pin.version):
                torn.append((sent.document, sent.pin.version, told))
            seen.add(sent.pin.version)

    claims = [threading.Thread(target=claim) for _ in range(4)]
    for one in claims:
        one.start()
    good = {1}
    for version in range(2, 32):
        breaks = version % 3 == 0
        _put(shop, version, promised=0 if breaks else None)
        if breaks:
            with pytest.raises(MappingRefused):
                live.reload()
        else:
            live.reload()
            good.add(version)
        time.sleep(0.005)
    over.set()
    for one in claims:
        one.join()

    assert torn == []
    assert seen <= good
    assert len(seen) > 10


@pytest.fixture
def folder(unsure: UnknownStage) -> Iterator[Path]:
    """The running gateway's own copy of the insurer hcx; it is as it was afterwards."""
    place = unsure.home / "mappings/insurers/hcx"
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    yield place
    for file, content in before.items():
        file.write_bytes(content)
    _signal(unsure)


def _signal(stage: UnknownStage) -> None:
    stage.processes["gateway"].send_signal(signal.SIGHUP)


async def _kept(clinic: House, value: str) -> None:
    """Until the metric says so."""
    line = f'lianpei_mappings_kept{{insurer="hcx"}} {value}'
    async with asyncio.timeout(30):
        while line not in (await clinic.call("GET", "/metrics", door="operator")).body.decode():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_d11_a_running_gateway_reloads_under_load_and_never_serves_what_is_broken(
    unsure: UnknownStage, clinic: House, folder: Path
) -> None:
    act = folder / "settle.yaml"
    sound = act.read_text("utf-8")
    load = Load(clinic, workers=3, insurers=("hcx", "huiyibao"))
    running = asyncio.create_task(load.run(patience_s=40))

    for broken in (sound.replace("version: 1", "version: 1\nnonsense: 1"), None):
        if broken is None:
            act.unlink()  # while claims that were made by it are under way
        else:
            act.write_text(broken, "utf-8")
        _signal(unsure)
        await _kept(clinic, "1.0")
        assert (await clinic.submit(sample_bill("hcx"))).is_decided, "the old version serves"
    for version in (2, 3):
        act.write_text(sound.replace("version: 1", f"version: {version}"), "utf-8")
        _signal(unsure)
        await asyncio.sleep(0.5)
    await _kept(clinic, "0.0")
    load.enough.set()
    await running

    assert len(load.sent) > 5
    assert all(one.final and not one.refused for one in load.sent), [one.refused for one in load.sent if one.refused]
    for one in load.sent:
        booked = await clinic.settlements(one.bill.insurers[0], one.bill)
        assert [row["times_applied"] for row in booked] == [1]
