"""Disks under SQLite that forget, are slow, or fail once, as files of a virtual file system in front of the real one."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

_SECTOR = 512


class RememberingFile(apsw.VFSFile):
    """``kept`` is this file as a power cut would leave it: what was written and synced, and nothing else."""

    def __init__(self, name: Any, flags: Any, disk: "RememberingDisk", kept: Path) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._kept = os.open(kept, os.O_RDWR | os.O_CREAT, 0o600)
        self._unsynced: list[Callable[[], object]] = []

    def xWrite(self, data: Any, offset: int) -> None:
        super().xWrite(data, offset)
        copy = bytes(data)
        self._unsynced.append(lambda: os.pwrite(self._kept, copy, offset))

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self._unsynced.append(lambda: os.ftruncate(self._kept, size))

    def xSync(self, flags: int) -> None:
        writes, self._unsynced = self._unsynced, []
        time.sleep(self._disk.pause())
        super().xSync(flags)
        for write in writes:
            write()
        self._disk.synced()

    def xClose(self) -> None:
        super().xClose()
        os.close(self._kept)


class RememberingDisk(apsw.VFS):
    def __init__(self, kept: Path, pause: Path) -> None:
        super().__init__("remembering", base="unix", makedefault=True)
        self._kept = kept
        self._pause = pause
        self._gone: list[Path] = []

    def pause(self) -> float:
        return float(self._pause.read_text("ascii") or 0) if self._pause.exists() else 0.0

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:
        if name is None:  # a temporary file
            return super().xOpen(name, flags)
        path = name if isinstance(name, str) else name.filename()
        return RememberingFile(name, flags, self, self._kept / Path(path).name)

    def xDelete(self, name: str, syncdir: bool) -> None:
        super().xDelete(name, syncdir)
        self._gone.append(self._kept / Path(name).name)
        if syncdir:
            self.synced()

    def synced(self) -> None:
        """SQLite syncs the folder with the first sync of a new log, and with it what was deleted before."""
        while self._gone:
            self._gone.pop().unlink(missing_ok=True)


class FailingDisk(apsw.VFS):
    """The ``when``-th call that opens, writes, cuts or syncs a file fails, once."""

    def __init__(self) -> None:
        super().__init__("failing", base="unix", makedefault=True)
        self.when = self.calls = 0

    def fail(self, when: int) -> None:
        self.when, self.calls = when, 0

    @property
    def has_failed(self) -> bool:
        return 0 < self.when <= self.calls

    def count(self, call: str) -> None:
        self.calls += 1
        if self.calls == self.when:
            raise apsw.IOError(call) from None

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:
        self.count("open")
        return FailingFile(name, flags, self)


class FailingFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: Any, disk: FailingDisk) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk

    def xWrite(self, data: Any, offset: int) -> None:
        self._disk.count("write")
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._disk.count("truncate")
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.count("sync")
        super().xSync(flags)


_disks: list[apsw.VFS] = []


def install(kept: str, pause: str = "/nonexistent") -> None:
    """``kept``: an empty folder for what would survive a power cut. ``pause``: a file with the seconds that a sync takes
    longer; it may change."""
    Path(kept).mkdir(parents=True, exist_ok=True)
    _disks.append(RememberingDisk(Path(kept), Path(pause)))


def cut(real: Path, kept: Path, left: Path, moments: random.Random | None = None) -> None:
    """Write to ``left`` what a power cut leaves of a database: what was synced, and of the rest nothing or any sectors."""
    left.mkdir()
    assert any(kept.glob("*-wal")), "nothing was remembered, so nothing is tried"
    for synced in kept.iterdir():
        old, new = synced.read_bytes(), (real / synced.name).read_bytes() if (real / synced.name).exists() else b""
        (left / synced.name).write_bytes(old if moments is None else _mixed(old, new, moments))


def _mixed(old: bytes, new: bytes, moments: random.Random) -> bytes:
    length = moments.choice((len(old), len(new)))
    old, new = old.ljust(length, b"\0"), new.ljust(length, b"\0")
    sectors = range(0, length, _SECTOR)
    return b"".join(moments.choice((old, new))[at : at + _SECTOR] for at in sectors)[:length]
