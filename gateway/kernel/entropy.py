"""Random bytes from the operating system, fetched a page at a time: a system call per id would cost more than the id."""

import os
from io import BytesIO

_PAGE = 4096
_stock = BytesIO()


def take(count: int) -> bytes:
    """``count`` fresh random bytes (at most 256), never handed out twice, in no process forked from this one either.

    Reading moves the stock's place on in one step that no other thread can come between.
    """
    global _stock
    taken = _stock.read(count)
    while len(taken) < count:
        _stock = BytesIO(os.urandom(_PAGE))
        taken = _stock.read(count)
    return taken


def _forget() -> None:
    global _stock
    _stock = BytesIO()


os.register_at_fork(after_in_child=_forget)
