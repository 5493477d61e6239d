"""Random bytes from the operating system, fetched a page at a time: a system call per id would cost more than the id."""

import os
import threading

_PAGE = 4096
_lock = threading.Lock()
_stock = b""
_used = 0


def take(count: int) -> bytes:
    """``count`` fresh random bytes (at most 256), never handed out twice, in no process forked from this one either."""
    global _stock, _used
    with _lock:
        if _used + count > len(_stock):
            _stock, _used = os.urandom(_PAGE), 0
        _used += count
        return _stock[_used - count : _used]


def _forget() -> None:
    global _stock, _used
    _stock, _used = b"", 0


os.register_at_fork(after_in_child=_forget)
