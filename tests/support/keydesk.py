"""A key directory with settings that use it, and ``lianpei keys`` run on it as an operator would."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.ports import free_ports
from gateway.cli.stage import Stage
from gateway.wire.keys import KeyRing


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class KeyDesk:
    home: Path
    keys: Path
    capture: pytest.CaptureFixture[str]

    @classmethod
    def open(cls, home: Path, keys: Path, capture: pytest.CaptureFixture[str]) -> "KeyDesk":
        Stage(home, free_ports(), keys).prepare()
        capture.readouterr()
        return cls(home, keys, capture)

    def run(self, verb: str, *words: str) -> Said:
        status = main(["keys", verb, "--config", str(self.home / "gateway.toml"), *words])
        said = self.capture.readouterr()
        return Said(status, said.out, said.err)

    def ring(self) -> KeyRing:
        return KeyRing.from_directory(self.keys)

    def private_texts(self) -> set[str]:
        """Every line of a private key and every secret: what may be printed nowhere."""
        found: set[str] = set()
        for file in self.keys.iterdir():
            if file.name.endswith((".key.pem", ".secret")):
                found |= {line for line in file.read_text().splitlines() if len(line) >= 8 and "-----" not in line}
        return found
