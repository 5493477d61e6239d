"""``lianpei conformance``: what a partner's endpoint keeps of the rules that money rests on, as a scored report."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from gateway.cli.conformance.examine import CASES, Wanted, examine
from gateway.cli.conformance.report import Report
from gateway.cli.folders import folder_of, there
from gateway.cli.nearby import ask_nearby
from gateway.kernel.errors import ConfigRefused

_EPILOG = """\
examples:
  lianpei conformance https://localhost:9101 --keys certs-example --ca ca.cert.pem --port 0
      a simulator of make run says who it is; one that calls back: docs/conformance.md
  lianpei conformance https://uat.example/claims --insurer mappings/insurers/acme --keys keys --with members.json
Exit status 0: every point that counts was earned; 1: some were lost. docs/conformance.md explains each case.
按合作方文件夹逐项检查对方接口并打分，输出文本、JSON 或 HTML；证据不含个人信息。
"""


def add_commands(commands: Any) -> None:
    one = commands.add_parser(
        "conformance",
        help="examine a partner's endpoint and give a scored report 合作方接口评测",
        description="Plays cases against a partner's test endpoint through its folder. Never against production: it submits bills.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("url", help="the partner's endpoint, as a deployment would set it")
    one.add_argument("--insurer", type=Path, help="partner folder (default: that of the simulator at the address)")
    one.add_argument(
        "--mappings", type=Path, help="folder of the partners (default: the settings' 设置所指, else mappings)"
    )
    one.add_argument(
        "--schemas", type=Path, help="folder of the schemas (default: the settings' 设置所指, else schemas)"
    )
    one.add_argument("--keys", type=Path, required=True, help="key directory with our keys and the partner's")
    one.add_argument("--ca", default="", help="authority of the endpoint's certificate, a file in the key directory")
    one.add_argument("--client-certificate", default="", help="our certificate for mTLS, a name in the key directory")
    one.add_argument(
        "--port", type=int, default=8444, help="where the calls of a partner that decides later are taken (8444)"
    )
    one.add_argument("--door", default="gateway-tls", help="certificate of that door; empty: plain HTTP")
    one.add_argument("--refused", default="", help="start of the number of a policy that the partner refuses")
    one.add_argument(
        "--with", dest="members", type=Path, help="JSON: members of the submission that replace the invented"
    )
    one.add_argument("--patience", type=float, default=20.0, help="seconds to wait for a decision that comes later")
    one.add_argument(
        "--case", action="append", default=[], choices=[case.name for case in CASES], help="only this case"
    )
    one.add_argument("--json", type=Path, help="write the report as JSON")
    one.add_argument("--html", type=Path, help="write the report as one HTML page")
    one.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    folder = chosen.insurer or _folder(chosen)
    wanted = Wanted(
        url=chosen.url,
        folder=folder,
        keys=chosen.keys,
        schemas=folder_of("schemas", chosen.schemas),
        ca=chosen.ca,
        client_certificate=chosen.client_certificate,
        port=chosen.port,
        door_certificate=chosen.door,
        refused=chosen.refused,
        members=_members(chosen.members),
        patience_s=chosen.patience,
        only=tuple(chosen.case),
    )
    report = asyncio.run(examine(wanted))
    _write(report, chosen.json, chosen.html)
    print(report.as_text())
    return 1 if report.lost else 0


def _write(report: Report, as_json: Path | None, as_html: Path | None) -> None:
    if as_json is not None:
        as_json.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n", "utf-8")
    if as_html is not None:
        as_html.write_text(report.as_html(), "utf-8")


def _members(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        read = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as bad:
        raise ConfigRefused("the file with members of the submission is no JSON", code="conformance-setting") from bad
    if not isinstance(read, dict):
        raise ConfigRefused("the file with members of the submission is no object", code="conformance-setting")
    return read


def _folder(chosen: argparse.Namespace) -> Path:
    mappings = there(folder_of("mappings", chosen.mappings), "--mappings")
    return mappings / "insurers" / _simulator(chosen.url, chosen.keys, chosen.ca)


def _simulator(url: str, keys: Path, ca: str) -> str:
    """The code of the simulator at this address. Raises ``ConfigRefused`` where there is none."""
    try:
        return str(json.loads(ask_nearby(f"{url.rstrip('/')}/_health", keys / ca if ca else None))["code"])
    except (OSError, ValueError, KeyError):
        raise ConfigRefused(
            "no simulator answers at this address", code="conformance-setting", hint="name the folder with --insurer"
        ) from None
