"""A network of the test's own whose kernel loses packets: a namespace with a loopback, and netfilter that drops at random.

The kernel's own TCP repeats, waits and gives up, on both ends; nothing of it is played. Delay is not here (netem is not on
every machine): ``support.lossy`` adds it. It takes root and iptables with ``statistic``.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_ESTABLISHED = "01"


def _needs(what: str) -> AssertionError:
    return AssertionError(f"real packet loss needs root and iptables with the statistic match: {what}")


def _called(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        raise _needs(f"{name}: {os.strerror(ctypes.get_errno())}")


def _run(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        raise _needs(f"{words[0]} is missing; scripts/test-tools installs it") from None
    if done.returncode:
        raise _needs(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def network_of_its_own() -> Iterator["Packets"]:
    """This thread, and the processes and threads that it starts, see no other network than a loopback of their own.

    It goes with the last of them. Raises ``AssertionError`` where the machine can't make one.
    """
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _called("unshare", _NEW_NETWORK)
        try:
            _run("ip", "link", "set", "lo", "up")
            yield Packets()
        finally:
            _called("setns", before, _NEW_NETWORK)
    finally:
        os.close(before)


class Packets:
    """What the kernel does to packets of some ports of this network."""

    def lose(self, share: float, *ports: int) -> None:
        """So many of a hundred, both ways: beginnings, data, acknowledgements and ends of connections."""
        for port in ports:
            for end in ("--dport", "--sport"):
                rule = ("-p", "tcp", end, str(port), "-m", "statistic", "--mode", "random", "--probability", f"{share}")
                _run("iptables", "-w", "-A", "INPUT", *rule, "-j", "DROP")

    def silence(self, port: int, most: int) -> int:
        """Cut so many of the connections to ``port`` without a word to either end; returns how many there were."""
        found = _clients(port)[:most]
        for client in found:
            for ends in (
                ("--sport", str(client), "--dport", str(port)),
                ("--sport", str(port), "--dport", str(client)),
            ):
                _run("iptables", "-w", "-I", "INPUT", "-p", "tcp", *ends, "-j", "DROP")
        return len(found)

    def lost(self) -> int:
        """Packets that were dropped."""
        lines = _run("iptables", "-w", "-nvxL", "INPUT").splitlines()
        return sum(int(line.split()[0]) for line in lines if " DROP " in line)


def _clients(port: int) -> list[int]:
    """The other ends' ports of the connections that are established to ``port``."""
    rows = [line.split() for line in Path("/proc/thread-self/net/tcp").read_text("ascii").splitlines()[1:]]
    return [int(row[1][-4:], 16) for row in rows if int(row[2][-4:], 16) == port and row[3] == _ESTABLISHED]
