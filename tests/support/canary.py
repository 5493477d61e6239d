"""Bait: a file that the kernel watches and an address that counts who comes. Whoever follows a reference in a document shows here."""

import ctypes
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

BAIT = "CANARY-9f3d"
"""What stands in the file; nobody may ever see it."""
_IN_OPEN, _IN_ACCESS = 0x20, 0x01
_EVENT = struct.Struct("iIII")


class Canary:
    """Use as a context manager. ``touched`` is True once any process opened the file or called the address."""

    def __init__(self, place: Path) -> None:
        self.file = place / "canary.txt"
        self.file.write_text(BAIT, "ascii")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)

    def __enter__(self) -> Self:
        self._watch = self._libc.inotify_init1(os.O_NONBLOCK)
        watched = self._libc.inotify_add_watch(self._watch, os.fsencode(self.file), _IN_OPEN | _IN_ACCESS)
        assert watched >= 0, os.strerror(ctypes.get_errno())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        os.close(self._watch)
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/bait.dtd"

    @property
    def path_url(self) -> str:
        return self.file.as_uri()

    @property
    def touched(self) -> bool:
        with suppress(BlockingIOError):
            if len(os.read(self._watch, 4096)) >= _EVENT.size:
                return True
        with suppress(BlockingIOError):
            self._server.accept()[0].close()
            return True
        return False
