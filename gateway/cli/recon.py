"""``lianpei recon``: run, show, own, close, approve and export a day's reconciliation (docs/reconciliation.md)."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from gateway.cli.operator_door import add_door, add_top, ask, call
from gateway.kernel.money import yuan

_EXAMPLES = """lianpei recon run --day 2026-11-21 --peer package
lianpei recon show --state differs
lianpei recon close dif_… --action adjust --evidence letter-2026-7
lianpei recon approve ent_…         the second person, with their own token 第二人"""


def add_commands(commands: Any) -> None:
    text = "hold a day's books against an insurer's, a channel's or a hospital's 对账"
    top = add_top(commands, "recon", text, _EXAMPLES)
    parts = top.add_subparsers(metavar="WHAT", required=True)
    run = _part(
        parts, "run", _run, "lock the day if needed and compare with the peer's book, or with a CSV file 锁定当日并比对"
    )
    run.add_argument("--day", required=True, help="such as 2026-11-21")
    run.add_argument("--peer", required=True, help="insurer or channel")
    run.add_argument("--file", type=Path, help="the book in our CSV form instead of the peer's own")
    run.add_argument("--hospital", default="", help="the file is this hospital's own book")
    show = _part(parts, "show", _show, "books and their differences 账册与差异")
    show.add_argument("recon_id", nargs="?", help="one book whole")
    for name in ("day", "peer", "state"):
        show.add_argument(f"--{name}", default="")
    own = _part(parts, "own", _own, "say who takes care of a difference 指定负责人")
    own.add_argument("item_id")
    own.add_argument("owner")
    close = _part(
        parts, "close", _close, "propose how a difference is closed; a second person approves it 提出处理，另一人复核"
    )
    close.add_argument("item_id")
    close.add_argument("--action", choices=["adjust", "explain"], required=True)
    close.add_argument("--evidence", required=True, help="number of the letter, call or ticket")
    for name, told in (
        ("approve", "approve somebody else's entry 复核他人的处理"),
        ("withdraw", "withdraw an entry 撤回"),
    ):
        settle = _part(parts, name, _settle, told)
        settle.set_defaults(what=name)
        settle.add_argument("entry_id")
    export = _part(parts, "export", _export, "write a book as a page, its differences or our lines 导出")
    export.add_argument("recon_id")
    export.add_argument("--form", choices=["html", "csv", "lines"], default="html")
    export.add_argument("--out", type=Path, help="file (default: standard output)")


def _part(parts: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = parts.add_parser(name, help=text, description=text)
    add_door(one)
    one.add_argument("--json", action="store_true", help="print the door's answer as it is")
    one.set_defaults(run=run)
    return one


def _run(chosen: argparse.Namespace) -> int:
    place = f"/admin/recon/days/{quote(chosen.day)}/{quote(chosen.peer)}"
    if chosen.file is None:
        told = ask(chosen, "POST", f"{place}/run")
    else:
        query = f"?{urlencode({'hospital': chosen.hospital})}" if chosen.hospital else ""
        told = json.loads(call(chosen, "POST", f"{place}/statement{query}", chosen.file.read_bytes()))
    return _books(chosen, told)


def _show(chosen: argparse.Namespace) -> int:
    if chosen.recon_id is None:
        asked = {name: getattr(chosen, name) for name in ("day", "peer", "state") if getattr(chosen, name)}
        return _books(chosen, ask(chosen, "GET", f"/admin/recon?{urlencode(asked)}"))
    story = ask(chosen, "GET", f"/admin/recon/{quote(chosen.recon_id)}")
    if chosen.json:
        return _told(story)
    _books(chosen, {"books": [story]})
    for item in story["items"]:
        whose = item["owner"] or "nobody"
        print(f"{item['item_id']}  {item['side']}  {item['class']}  {item['state']}  {yuan(item['gap_fen'])}  {whose}")
    return 0


def _books(chosen: argparse.Namespace, told: dict[str, Any]) -> int:
    """0 when every book agrees, 3 when one does not or was not compared."""
    if chosen.json:
        _told(told)
    else:
        if not told["books"]:
            print("no books 没有账册")
        for book in told["books"]:
            names = (book[name] for name in ("recon_id", "day", "peer", "hospital", "state"))
            print("  ".join(names), f"open {book['differences']['open']}")
    return 0 if all(book["state"] in ("equal", "closed") for book in told["books"]) else 3


def _own(chosen: argparse.Namespace) -> int:
    return _told(ask(chosen, "POST", f"/admin/recon/items/{quote(chosen.item_id)}/owner", {"owner": chosen.owner}))


def _close(chosen: argparse.Namespace) -> int:
    wish = {"item_id": chosen.item_id, "action": chosen.action, "evidence": chosen.evidence}
    return _told(ask(chosen, "POST", "/admin/recon/entries", wish))


def _settle(chosen: argparse.Namespace) -> int:
    return _told(ask(chosen, "POST", f"/admin/recon/entries/{quote(chosen.entry_id)}/{chosen.what}"))


def _export(chosen: argparse.Namespace) -> int:
    found = call(chosen, "GET", f"/admin/recon/{quote(chosen.recon_id)}/report?form={chosen.form}")
    if chosen.out is None:
        sys.stdout.buffer.write(found)
    else:
        chosen.out.write_bytes(found)
    return 0


def _told(answer: Any) -> int:
    print(json.dumps(answer, ensure_ascii=False, indent=1))
    return 0
