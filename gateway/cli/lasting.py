"""A process that lasts until it is told to stop; what it serves is not known here, so that none loads another's code."""

import argparse
import asyncio
import gc
import json
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

import uvloop

from gateway.telemetry.logs import setup_logging


class Running(Protocol):
    @property
    def ports(self) -> dict[str, int]: ...

    async def stop(self) -> None: ...


def serving(start: Callable[[argparse.Namespace], Awaitable[Running]]) -> Callable[[argparse.Namespace], int]:
    """A command that starts something, says which ports it took and stops it on SIGTERM or SIGINT."""

    def run(chosen: argparse.Namespace) -> int:
        setup_logging()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(start, chosen))
        return 0

    return run


def _settle_down() -> None:
    """What start-up made lives as long as the process: the collector need not look at it again, nor look so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    # The committing thread gets the interpreter when the loop next rests: pushing in sooner costs both of them more.
    sys.setswitchinterval(0.02)


def _set_limits() -> None:
    """As many open files as this user may have, since each connection is one; and no core file, which would hold every key."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _until_told(start: Callable[[argparse.Namespace], Awaitable[Running]], chosen: argparse.Namespace) -> None:
    """Start, say on standard output which ports were taken, and stop in order on SIGTERM or SIGINT."""
    _set_limits()
    running = await start(chosen)
    _settle_down()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    print(json.dumps({"listening": running.ports}), flush=True)
    await told.wait()
    await running.stop()
