"""``lianpei webhooks``: which endpoints fail, what waits, bring an event again, enable an endpoint (docs/webhooks.md)."""

import argparse
import json
from typing import Any
from urllib.parse import quote

from gateway.cli.operator_door import add_door, add_top, ask

_EXAMPLES = """lianpei webhooks list
lianpei webhooks waiting H99990100001
lianpei webhooks enable H99990100001"""


def add_commands(commands: Any) -> None:
    text = "the hospitals' endpoints and what is brought to them 医院事件推送"
    top = add_top(commands, "webhooks", text, _EXAMPLES)
    parts = top.add_subparsers(metavar="WHAT", required=True)
    for name, path, method, argument, told in (
        ("list", "/admin/webhooks", "GET", "", "every endpoint 全部接收地址"),
        ("waiting", "/admin/webhooks/{}/deliveries?state=waiting", "GET", "hospital", "what was not taken yet 待送达"),
        ("given-up", "/admin/webhooks/{}/deliveries?state=given_up", "GET", "hospital", "what was given up 已放弃"),
        ("enable", "/admin/webhooks/{}/enable", "POST", "hospital", "serve a disabled endpoint again 重新启用"),
        ("resend", "/admin/events/{}/resend", "POST", "event", "bring an event again, by its id or seq 重发事件"),
    ):
        part = parts.add_parser(name, help=told, description=told)
        if argument:
            part.add_argument(argument)
        add_door(part)
        part.set_defaults(run=_run, path=path, method=method, argument=argument)


def _run(chosen: argparse.Namespace) -> int:
    given = quote(getattr(chosen, chosen.argument)) if chosen.argument else ""
    print(json.dumps(ask(chosen, chosen.method, chosen.path.format(given)), ensure_ascii=False, indent=1))
    return 0
