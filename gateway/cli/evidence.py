"""``lianpei evidence`` makes a bundle about one claim, ``lianpei verify`` checks one offline."""

import argparse
import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.claims.custody.wish import Wish
from gateway.claims.evidence.verify import Verdict, verify_bundle
from gateway.cli.custody import ask
from gateway.cli.vault import write_new


def add_commands(commands: Any) -> None:
    text = (
        "write a claim's evidence bundle: rows, chain, signed checkpoints, keys; fields only where revealed 导出证据包"
    )
    make = commands.add_parser("evidence", help=text, description=text)
    make.add_argument("claim", help="the claim's id (clm_…)")
    make.add_argument("-o", "--output", type=Path, required=True, help="a new file, readable by you only")
    make.add_argument("--reveal", default="", help="fields to open, by path, with commas: split.total,approved")
    make.add_argument("--messages", action="store_true", help="put the messages' bytes in: they hold medical data")
    make.add_argument("--reason", required=True, help="number of the case or ticket behind this")
    make.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
    make.set_defaults(run=_make)
    text = "check an evidence bundle offline: no database, network or secret is used 离线验证证据包"
    verify = commands.add_parser("verify", help=text, description=text)
    verify.add_argument("bundle", type=Path, help="the file to check")
    verify.add_argument("--key", type=Path, help="the operator's public key, from where you trust it (PEM)")
    verify.add_argument("--json", action="store_true", help="the verdict as one JSON object")
    verify.set_defaults(run=_verify)


def _make(chosen: argparse.Namespace) -> int:
    reveal = tuple(name.strip() for name in chosen.reveal.split(",") if name.strip())
    wish = Wish("evidence", chosen.reason, claim_id=chosen.claim, reveal=reveal, messages=chosen.messages)
    write_new(chosen.output, base64.b64decode(ask(chosen.config, wish)["bundle"]))
    print(f"the bundle is {chosen.output}; anybody can check it: lianpei verify {chosen.output.name}")
    return 0


def _verify(chosen: argparse.Namespace) -> int:
    key = chosen.key.read_bytes() if chosen.key else None
    verdict = verify_bundle(chosen.bundle.read_bytes(), key)
    if chosen.json:
        print(msgspec.json.encode(verdict).decode())
    else:
        _tell(verdict, trusted=key is not None)
    return 1 if verdict.problems else 0


def _tell(verdict: Verdict, *, trusted: bool) -> None:
    print(f"claim {verdict.claim_id} of order {verdict.order_id}: {'NOT GOOD' if verdict.problems else 'good'}")
    for problem in verdict.problems:
        print(f"  problem: {problem}")
    print(f"  signing key SHA-256 {verdict.fingerprint}")
    if not trusted:
        print("  the key came with the bundle: compare the line above with what the operator publishes, or use --key")
    print(f"  signed {', '.join(map(_time, sorted(verdict.signed_at)))}; {len(verdict.rows)} rows proven:")
    for row in verdict.rows:
        print(f"    {_row(row)}")
    for path, value in verdict.fields.items():
        since = "since the bill was accepted" if path in verdict.since_intake else "since the fields' root was chained"
        print(f"  proven field: {path} = {json.dumps(value, ensure_ascii=False)} ({since})")
    print(f"  {verdict.closed} other fields are closed, {verdict.messages} messages are open")


def _row(row: dict[str, Any]) -> str:
    match row["_table"]:
        case "change":
            return f"{_time(row['at'])} {row['field']} {row['old']} -> {row['new']} ({row['cause']})"
        case "message":
            return f"{_time(row['at'])} message {row['direction']} sha256 {row['digest']}"
        case "bill":
            return f"{_time(row['created_at'])} bill accepted, total {row['total']} fen"
        case _:
            return f"{_time(row['at'])} {row['kind']}"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
