"""The last look before bytes go to a payment channel: every name in the message is one the channel may see.

Basis: schemas/payment/allowlist.json, a verdict per name of a real payment platform's published models.
Being one of those names is no licence; the verdict is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.kernel.errors import ConfigRefused

ALLOWED = frozenset({"yes", "fixed-text", "contract"})


class _File(msgspec.Struct, forbid_unknown_fields=True):
    basis: str
    rule: str
    fixed_texts: dict[str, str]
    contracts: dict[str, dict[str, str]]
    """channel -> name -> why the contract needs it"""
    names: dict[str, str]


class AllowList:
    """One channel's allowed names."""

    def __init__(self, path: Path, channel: str) -> None:
        """Read the list. Raises ``ConfigRefused`` when it can't be read or contradicts itself."""
        try:
            read = msgspec.json.decode(path.read_bytes(), type=_File)
        except (OSError, msgspec.MsgspecError) as wrong:
            raise ConfigRefused("the payment allow-list can't be read", hint=f"Restore {path.name}.") from wrong
        contract = read.contracts.get(channel, {})
        if any(read.names.get(name, "by-contract") != "by-contract" for name in contract):
            raise ConfigRefused("a contract may add only names that need a contract", hint=f"See {path.name}.")
        self.verdicts = read.names | dict.fromkeys(contract, "contract")
        self._fixed = read.fixed_texts

    def refused(self, document: bytes) -> list[str]:
        """What stops a JSON message: unlisted or refused names by path, a text that is not fixed. Empty: it may go."""
        return list(self._walk(msgspec.json.decode(document), ""))

    def _walk(self, node: Any, path: str) -> Iterator[str]:
        if isinstance(node, list):
            for item in node:
                yield from self._walk(item, path)
        elif isinstance(node, dict):
            for name, value in node.items():
                yield from self._member(name, value, path)

    def _member(self, name: str, value: Any, path: str) -> Iterator[str]:
        verdict = self.verdicts.get(name)
        if verdict is None:
            yield f"{path}/? unlisted"
        elif verdict not in ALLOWED:
            yield f"{path}/{name} {verdict}"
        elif verdict == "fixed-text" and value != self._fixed.get(name):
            yield f"{path}/{name} not the fixed text"
        else:
            yield from self._walk(value, f"{path}/{name}")
