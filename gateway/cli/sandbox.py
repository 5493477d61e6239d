"""``lianpei sandbox``: partners to practise against, on this machine, that make trouble when they are asked to."""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gateway.cli.lasting import Running, serving
from gateway.cli.ports import require_free
from gateway.config import Port
from gateway.kernel.errors import ConfigRefused
from gateway.wire.devkeys import MARKER
from gateway.wire.keys import KeyRing
from gateway.wire.tls import server_context

_EPILOG = """\
start one:
  lianpei sandbox --keys certs-example --gateway https://localhost:8444 --ports '{"package": 9201}'
ask it for trouble (docs/sandbox.md has the vocabulary, GET /_script what this simulator can play):
  by script    curl -k https://localhost:9201/_script -d '{"match": {"op": "S291"}, "do": "lose_answer"}'
  by file      --script trouble.yaml     package: [{op: S291, do: delay, seconds: 19.9}]
  by header    X-Sandbox-Trouble: garbage          on the one request to the simulator that shall go wrong
  by policy    a submission whose policy number is TROUBLE.half_open.0001 (a real insurer knows no such policy)
模拟保险公司按要求出错：脚本、文件、请求头或保单号 TROUBLE.<名称>.…；只接受开发密钥，生产环境不能使用。
"""


def add_commands(commands: Any) -> None:
    box = commands.add_parser(
        "sandbox",
        help="serve insurer simulators and two payment channel simulators 模拟器",
        description="Synthetic insurers and payment channels for development and partners' own tests.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    box.add_argument("--keys", type=Path, required=True, help="key directory of the simulators (certs-example)")
    box.add_argument("--gateway", required=True, help="address of the gateway's partner door, for callbacks")
    box.add_argument(
        "--ports", default="{}", help='JSON of simulator to port, e.g. {"package": 9101}; only these are served'
    )
    box.add_argument("--delay", type=float, default=0.05, help="seconds before a callback")
    box.add_argument(
        "--script", type=Path, help="trouble from the start: YAML, simulator to [{op, do, seconds, times}]"
    )
    box.add_argument("--plain", action="store_true", help="serve plain HTTP")
    box.set_defaults(run=serving(_sandbox))


async def _sandbox(chosen: argparse.Namespace) -> Running:
    # Imported here: a production image has neither the sandbox's libraries nor a use for them.
    from gateway.sandbox.common.base import SimulatorSettings
    from gateway.sandbox.server import serve_all

    if not (chosen.keys / MARKER).exists():
        hint = "lianpei keys development DIRECTORY makes a development set; see docs/keys.md"
        raise ConfigRefused("the sandbox takes development keys only", code="sandbox-keys", hint=hint)
    ring = KeyRing.from_directory(chosen.keys)
    tls = None if chosen.plain else server_context(ring, "sandbox-tls", None)
    ca = chosen.keys / "ca.cert.pem"
    settings = SimulatorSettings(keys=chosen.keys, gateway_url=chosen.gateway, ca=ca, delay_s=chosen.delay)
    ports = _ports(chosen.ports)
    require_free(ports)
    print("lianpei sandbox: synthetic insurers for development; nothing here is a real partner", file=sys.stderr)
    return await serve_all(settings, ports, tls, _script(chosen.script))


def _ports(told: str) -> dict[str, int]:
    """Raises ``ConfigRefused``."""
    try:
        return msgspec.json.decode(told, type=dict[str, Port])
    except msgspec.DecodeError as error:
        raise ConfigRefused(
            "--ports is no JSON object of simulator to port",
            code="bad-ports",
            hint="""for example --ports '{"package": 9101}'""",
        ) from error


def _script(file: Path | None) -> dict[str, list[dict[str, Any]]]:
    """Simulator to its script lines as ``POST /_script`` takes them. Raises ``ConfigRefused``."""
    if file is None:
        return {}
    try:
        # BaseLoader keeps every scalar as text: the operation 3.10 must not become the number 3.1.
        read = yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        return {code: [{**line, "match": {"op": line["op"]}} for line in lines] for code, lines in read.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        hint = "simulator: [{op: S291, do: lose_answer, seconds: 1, times: 2}]"
        raise ConfigRefused("the script file cannot be read", code="bad-script", hint=hint) from error
