"""Disks under SQLite that forget, fail or are slow, as files of a virtual file system in front of the real one."""

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

    def __init__(self, name: Any, flags: Any, kept: Path, pause_s: float) -> None:
        super().__init__("unix", name, flags)
        self._kept = os.open(kept, os.O_RDWR | os.O_CREAT, 0o600)
        self._unsynced: list[Callable[[], object]] = []
        self._pause_s = pause_s

    def xWrite(self, data: Any, offset: int) -> None:
        super().xWrite(data, offset)
        copy = bytes(data)
        self._unsynced.append(lambda: os.pwrite(self._kept, copy, offset))

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self._unsynced.append(lambda: os.ftruncate(self._kept, size))

    def xSync(self, flags: int) -> None:
        writes, self._unsynced = self._unsynced, []
        if self._pause_s:
            time.sleep(self._pause_s)
        super().xSync(flags)
        for write in writes:
            write()

    def xClose(self) -> None:
        super().xClose()
        os.close(self._kept)


class RememberingDisk(apsw.VFS):
    def __init__(self, kept: Path, pause_s: float) -> None:
        super().__init__("remembering", base="unix", makedefault=True)
        self._kept = kept
        self._pause_s = pause_s

    def xOpen(self, name: Any, flags: Any) -> apsw.VFSFile:
        if not isinstance(name, apsw.URIFilename):  # a temporary file
            return super().xOpen(name, flags)
        return RememberingFile(name, flags, self._kept / Path(name.filename()).name, self._pause_s)


_disks: list[apsw.VFS] = []


def install(kept: str, pause_s: float = 0.0) -> None:
    """``kept``: an empty folder for what would survive a power cut. Each sync takes ``pause_s`` longer."""
    Path(kept).mkdir(parents=True, exist_ok=True)
    _disks.append(RememberingDisk(Path(kept), pause_s))


def cut(real: Path, kept: Path, left: Path, moments: random.Random | None = None) -> None:
    """Write to ``left`` what a power cut leaves of a database: what was synced, and of the rest nothing or any sectors."""
    left.mkdir()
    for synced in kept.iterdir():
        old, new = synced.read_bytes(), (real / synced.name).read_bytes() if (real / synced.name).exists() else b""
        (left / synced.name).write_bytes(old if moments is None else _mixed(old, new, moments))


def _mixed(old: bytes, new: bytes, moments: random.Random) -> bytes:
    length = moments.choice((len(old), len(new)))
    old, new = old.ljust(length, b"\0"), new.ljust(length, b"\0")
    sectors = range(0, length, _SECTOR)
    return b"".join(moments.choice((old, new))[at : at + _SECTOR] for at in sectors)[:length]
