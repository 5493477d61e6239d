"""A stage that stays up until Ctrl-C, a signal or the end of its terminal, and tells of each process that ends before."""

import signal
import time
from contextlib import suppress

from gateway.cli.stage import Stage

_LOOK_S = 0.5


def leave_in_order() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP are one ``KeyboardInterrupt``, so that the processes are stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asked to outlive the terminal
            signal.signal(number, _leave)


def _leave(*_: object) -> None:
    # A terminal that closes says so more than once, and the next word must not break off the stopping.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(text: str) -> None:
    """Print, if the terminal is still there."""
    with suppress(OSError):
        print(text, flush=True)


def stay(stage: Stage) -> bool:
    """Until it is told to leave; whether every process lasted so long."""
    running = dict(stage.processes)
    try:
        while True:
            for name, process in list(running.items()):
                if (status := process.poll()) is not None:
                    del running[name]
                    say(f"\n✗ {name} ended 已退出 (exit status {status}). Log 日志: {stage.home / f'{name}.log'}")
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        say("\nStopping 正在停止")
    return len(running) == len(stage.processes)
