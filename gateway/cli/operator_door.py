"""Commands for operators go through the operators' door of a running gateway, with the operator's own token."""

import argparse
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from gateway.kernel.errors import ConfigRefused, LianpeiError

TOKEN = "LIANPEI_TOKEN"  # noqa: S105 - the name of a variable, not a secret
_PLACE = "http://127.0.0.1:9464"


def add_top(commands: Any, name: str, text: str, examples: str) -> argparse.ArgumentParser:
    """A command with parts; ``examples`` are shown below its help."""
    top: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"examples 例 (export {TOKEN}=… first 先设置令牌):\n  " + examples.replace("\n", "\n  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return top


def add_door(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--admin",
        default=os.environ.get("LIANPEI_ADMIN", _PLACE),
        help=f"operators' door (LIANPEI_ADMIN, else {_PLACE}) 运维入口",
    )
    parser.add_argument("--ca", help="CA file of the door's certificate (default: the system's) 证书颁发机构")


def ask(chosen: argparse.Namespace, method: str, path: str, wish: Any = None) -> Any:
    """The door's JSON answer. Raises ``LianpeiError`` with its words."""
    body = b"" if wish is None else json.dumps(wish).encode()
    return json.loads(call(chosen, method, path, body, "application/json"))


def call(chosen: argparse.Namespace, method: str, path: str, body: bytes = b"", media: str = "text/csv") -> bytes:
    """The door's answer as it came. The token is in LIANPEI_TOKEN, because a command line is seen by others.

    Raises ``LianpeiError``.
    """
    token = os.environ.get(TOKEN, "")
    if not token:
        raise ConfigRefused(f"{TOKEN} holds no token", code="token-missing", hint=f"export {TOKEN}=…")
    url = chosen.admin.rstrip("/") + path
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ConfigRefused("the operators' door has an http or https address", code="endpoint")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": media}
    request = urllib.request.Request(url, body if method == "POST" else None, headers, method=method)  # noqa: S310
    context = ssl.create_default_context(cafile=chosen.ca) if url.startswith("https:") else None
    try:
        with urllib.request.urlopen(request, timeout=120, context=context) as answer:  # noqa: S310 - the scheme was looked at
            return bytes(answer.read())
    except urllib.error.HTTPError as refused:
        raise _told(refused.read()) from None
    except OSError as away:
        raise ConfigRefused(
            f"the operators' door can't be reached ({type(away).__name__})", code="door-away", hint="See --admin."
        ) from None


def _told(body: bytes) -> LianpeiError:
    try:
        told = json.loads(body)
        if (
            told["code"] == "not-found"
        ):  # a route that is not there; what is asked for and unknown has a code of its own
            return ConfigRefused(
                "this gateway names no operators",
                code="operators-none",
                hint="[[operators]] in its settings: docs/admin.md.",
            )
        return LianpeiError(told["title"], code=told["code"], hint=told.get("hint", ""))
    except (ValueError, KeyError, TypeError):
        return LianpeiError("the door's answer can't be read", code="answer-form")
