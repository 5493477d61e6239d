"""A store that can't write any more until it is opened anew never says that it is ready."""

from pathlib import Path

import apsw
import pytest
from support.store_tables import CLAIMS

from gateway.store.errors import StoreFailed
from gateway.store.sqlite import Store
from gateway.store.unit import Unit


async def test_a_disk_that_fails_while_room_is_looked_for_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "claims.db", CLAIMS)
    writer = store._writer
    execute, failing = writer._execute, [_failure(apsw.FullError, apsw.SQLITE_FULL)]

    def execute_or_fail(sql: str) -> apsw.Cursor:
        if sql == "COMMIT" and failing:
            raise failing[0]
        return execute(sql)

    monkeypatch.setattr(writer, "_execute", execute_or_fail)
    await refused(store, "full")
    assert writer.waits_for_room
    failing[0] = _failure(apsw.IOError, apsw.SQLITE_IOERR_FSYNC)
    await refused(store, "broken")
    failing.clear()

    writer.probe()

    assert not store.ready
    await refused(store, "still")
    await store.close()


async def refused(store: Store, name: str) -> None:
    with pytest.raises(StoreFailed):
        await store.commit(Unit().insert("setting", name=name, value="v"))


def _failure(kind: type[apsw.Error], code: int) -> apsw.Error:
    failure = kind("x")
    failure.extendedresult, failure.result = code, code & 255
    return failure
