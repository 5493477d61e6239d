"""A point that work reaches once."""

import asyncio


class Milestone:
    """Whoever waits for it is woken when it is reached, or has waited long enough: one timer, where an event inside
    ``asyncio.timeout`` takes a dozen steps of every bill.
    """

    __slots__ = ("_waiting", "reached")

    def __init__(self) -> None:
        self.reached = False
        self._waiting: list[asyncio.Future[None]] = []

    def set(self) -> None:
        self.reached = True
        for waiter in self._waiting:
            _wake(waiter)

    async def wait(self, seconds: float | None = None) -> bool:
        """Whether it was reached, at most ``seconds`` from now."""
        if self.reached:
            return True
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, _wake, waiter)
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            self._waiting.remove(waiter)
            if timer is not None:
                timer.cancel()
        return self.reached


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
