"""Checks an evidence bundle offline: no database, no network, no secret. Everything in it is taken as untrusted."""

import base64
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.kernel import merkle
from gateway.kernel.errors import BadRequest
from gateway.store.chain_check import signed

FORMAT = "lianpei-evidence-1"
_MOST_FILES, _MOST_BYTES = 100_000, 512 * 1024 * 1024
_PROVEN = ("rows/", "chain/", "checkpoints/", "fields/")
"""Where every file is one that the proofs name."""
_SAME = {
    "split.total": "total",
    "split.fund_total": "fund_total",
    "split.account_pay": "account_pay",
    "split.cash_pay": "cash_pay",
    "kind": "kind",
    "visit.hospital_code": "hospital",
}
"""Fields that the bill's own row holds too: those were chained when the bill was accepted."""


@dataclass
class Verdict:
    """What the bundle proves. ``problems`` empty means: all of it holds under the key with this ``fingerprint``."""

    claim_id: str = ""
    order_id: str = ""
    fingerprint: str = ""
    """SHA-256 of the signing key's SubjectPublicKeyInfo."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    signed_at: list[int] = field(default_factory=list)
    """Epoch ms of the checkpoints."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Proven fields by path."""
    since_intake: list[str] = field(default_factory=list)
    """Of those, the ones that were chained when the bill was accepted."""
    closed: int = 0
    messages: int = 0
    """Messages whose bytes are in the bundle and have the digest that was chained."""
    problems: list[str] = field(default_factory=list)


def verify_bundle(bundle: bytes, key: bytes | None = None) -> Verdict:
    """``key`` is the operator's public key in PEM from a trusted place; without it the bundle's own is used.

    Raises ``BadRequest`` (``bundle-unreadable``) for what is no bundle.
    """
    try:
        return _Bundle(_unzip(bundle), key).judge()
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        StopIteration,
        UnsupportedAlgorithm,
        msgspec.DecodeError,
    ) as bad:
        raise BadRequest(
            "this is no evidence bundle that we can read", code="bundle-unreadable", hint="See docs/evidence.md."
        ) from bad


def _unzip(bundle: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            listed = archive.infolist()
            if len(listed) > _MOST_FILES or sum(one.file_size for one in listed) > _MOST_BYTES:
                raise ValueError("too large")
            files = {one.filename: archive.read(one) for one in listed if not one.is_dir()}
            if len(files) != sum(not one.is_dir() for one in listed):
                raise ValueError("a name twice")
            return files
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as bad:
        raise ValueError("no zip") from bad


class _Bundle:
    def __init__(self, files: dict[str, bytes], key: bytes | None) -> None:
        self._files = files
        self._head = self._json("bundle.json")
        self._lines = [line.split(" ") for line in files["proofs.txt"].decode().splitlines()]
        if self._head["format"] != FORMAT:
            raise ValueError("another format")
        loaded = load_pem_public_key(key if key is not None else files[f"keys/{self._head['key']}.pub.pem"])
        if not isinstance(loaded, Ed25519PublicKey):
            raise ValueError("not an Ed25519 key")
        self._key = loaded
        self._proven: dict[str, dict[str, Any]] = {}
        self._named: set[str] = set()
        self._verdict = Verdict(self._head["claim_id"], self._head["order_id"])

    def judge(self) -> Verdict:
        der = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._verdict.fingerprint = merkle.digest(der)
        good = {name for name, over, *path in self._proofs("entry") if self._entry_holds(name, over, path)}
        for name, entry in self._proofs("row"):
            self._row(name, entry, good)
        for name, root_row, *path in self._proofs("field"):
            self._field(name, root_row, path)
        self._verdict.closed = int(next(self._proofs("closed"))[0])
        self._messages()
        self._nothing_else()
        self._one_story()
        return self._verdict

    def _json(self, name: str) -> Any:
        return msgspec.json.decode(self._files[name])

    def _wrong(self, text: str) -> None:
        if text not in self._verdict.problems:
            self._verdict.problems.append(text)

    def _there(self, *names: str) -> bool:
        """Whether the bundle has these files, which are then accounted for."""
        self._named |= set(names)
        missing = [name for name in names if name not in self._files]
        for name in missing:
            self._wrong(f"{name}: the proofs name it, and it is not in the bundle")
        return not missing

    def _proofs(self, kind: str) -> Iterator[list[str]]:
        return (line[1:] for line in self._lines if line[0] == kind)

    def _entry_holds(self, name: str, over: str, path: list[str]) -> bool:
        """The entry's digest leads to the root of a checkpoint that is signed."""
        beside = over.removesuffix(".json") + ".sig"
        if not self._there(name, over, beside):
            return False
        body = self._files[over]
        told = msgspec.json.decode(body)
        signature = base64.b64encode(self._files[beside]).decode()
        if not signed(body, signature, self._key):
            self._wrong(f"{over}: the signature is not valid under this key")
            return False
        if merkle.climb(merkle.digest(self._files[name]), path) != told["root"]:
            self._wrong(f"{name}: it is not under {over}")
            return False
        if told["at"] not in self._verdict.signed_at:
            self._verdict.signed_at.append(told["at"])
        return True

    def _row(self, name: str, entry: str, good: set[str]) -> None:
        if not self._there(name):
            return
        spelt = self._files[name]
        row = msgspec.json.decode(spelt)
        if entry not in good or merkle.digest(spelt) not in self._json(entry)["rows"]:
            self._wrong(f"{name}: it is not in a proven entry of the chain")
        elif row.get("order_id") != self._verdict.order_id:
            self._wrong(f"{name}: it belongs to another order")
        else:
            self._proven[name] = row
            self._verdict.rows.append(row)

    def _field(self, name: str, root_row: str, neighbours: list[str]) -> None:
        """The field leads to the root that a proven row names for this claim."""
        if not self._there(name):
            return
        mark, path, _, value = self._json(name)
        reached = merkle.climb(merkle.digest(self._files[name]), neighbours)
        told = self._proven.get(root_row, {})
        expected = {"_table": "audit", "kind": "field-root", "detail": f"{self._verdict.claim_id}:{reached}"}
        if mark != "field" or any(told.get(key) != value for key, value in expected.items()):
            self._wrong(f"{name}: it is not a field of this claim")
        else:
            self._verdict.fields[path] = value

    def _messages(self) -> None:
        digests = {row["digest"] for row in self._verdict.rows if row["_table"] == "message"}
        for name in self._files:
            if name.startswith("messages/"):
                if merkle.digest(self._files[name]) in digests:
                    self._verdict.messages += 1
                else:
                    self._wrong(f"{name}: no message of this claim has these bytes")

    def _nothing_else(self) -> None:
        """What lies beside the proofs would look proven to whoever unzips the bundle."""
        for name in sorted(self._files.keys() - self._named):
            if name.startswith(_PROVEN):
                self._wrong(f"{name}: nothing proves it")

    def _one_story(self) -> None:
        """Fields, bill and history may not contradict one another."""
        shown, rows = self._verdict.fields, self._verdict.rows
        bills = [row for row in rows if row["_table"] == "bill"]
        if len(bills) != 1:
            self._wrong("the bill's row is missing")
            return
        for path, column in _SAME.items():
            if path in shown and shown[path] != bills[0].get(column):
                self._wrong(f"{path}: the bill's own row says otherwise")
            elif path in shown:
                self._verdict.since_intake.append(path)
        approved = [row["new"] for row in rows if row.get("field") == "claim.approved" and row.get("claim_id")]
        if "approved" in shown and str(shown["approved"] or 0) != (approved[-1] if approved else "0"):
            self._wrong("approved: the history says otherwise")
        submitted = [row["digest"] for row in rows if row.get("direction") == "submission"]
        if submitted != [bills[0].get("body_digest")]:
            self._wrong("the submission is not the one that the bill was made from")
