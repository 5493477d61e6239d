"""``lianpei up`` and ``lianpei demo``: the whole stage, the sample visits, and a table that a person understands."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.cli.ports import FIXED, free_ports
from gateway.cli.stage import FIVE, OPERATORS, ROOT, Stage
from gateway.cli.staying import leave_in_order, say, stay
from gateway.cli.table import bar, show
from gateway.cli.tally import Tally, Told
from gateway.cli.wall.places import search_payment_side
from gateway.kernel.money import yuan

_HEAD = (
    "#",
    "账单",
    "保险公司\ninsurer",
    "协议与签名\nprotocol, seal",
    "结果\noutcome",
    "总额 元\ntotal yuan",
    "赔付 元\npaid yuan",
    "毫秒\nms",
    "\nbill",
)
_CURL_KEYS = {"cacert": "ca.cert.pem", "cert": "hospital-h1.cert.pem", "key": "hospital-h1.key.pem"}
_OUTCOMES = {"paid": "赔付 paid", "refused": "拒赔 refused"}


def add_commands(commands: Any) -> None:
    up = commands.add_parser(
        "up", help="start everything, send the sample visits, show the result and stay up 启动全套并保持运行"
    )
    up.add_argument("--home", type=Path, default=ROOT / "var" / "run", help="where databases and logs go")
    up.set_defaults(run=_up)
    demo = commands.add_parser("demo", help="the same on free ports, then stop 演示后结束")
    demo.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    demo.add_argument(
        "--scenario",
        default="",
        metavar="NAME",
        help="play one scenario of scenarios/ instead; list shows them 场景，list 列出全部",
    )
    demo.set_defaults(run=_demo)


def _demo(chosen: argparse.Namespace) -> int:
    if chosen.scenario:
        from gateway.cli.scenario import command  # the whole gateway, which the demonstration runs as processes

        return command.run(chosen.scenario)
    with tempfile.TemporaryDirectory(prefix="lianpei-demo-") as place:
        home = Path(place)
        _say_start()
        with Stage(home, free_ports(), home / "keys") as stage:
            tally = _play(stage, quiet=False)
        if chosen.json:
            print(json.dumps(tally.as_json(), ensure_ascii=False))
    return 0 if tally.ok else 1


def _up(chosen: argparse.Namespace) -> int:
    keys = ROOT / "certs-example"
    leave_in_order()
    _say_start()
    with Stage(chosen.home, FIXED, keys, operators=OPERATORS) as stage:
        tally = _play(stage, quiet=False)
        _say_where(stage)
        lasted = stay(stage)
    say("Stopped 已停止")
    return 0 if tally.ok and lasted else 1


def _say_start() -> None:
    print("Starting gateway, payment room and simulators 正在启动网关、支付室与模拟器", flush=True)


def _say_where(stage: Stage) -> None:
    ports = stage.ports
    print("\nRunning 运行中. Stop with Ctrl-C 按 Ctrl-C 停止.")
    print(f"  hospital door 医院入口   https://localhost:{ports['hospital']}/openapi.json")
    print(f"  insurers' door 回调入口  https://localhost:{ports['partner']}/partners/<code>/…")
    print(f"  metrics 指标             http://127.0.0.1:{ports['operator']}/metrics  /healthz  /readyz")
    print(f"  payment room 支付室      https://localhost:{ports['payment']}/healthz")
    for code in (*FIVE, "pay", "deduct"):
        print(f"  simulator 模拟器         https://localhost:{ports[code]}/_ledger  ({code})")
    print(f"  databases, logs 数据日志 {stage.home}")
    print("\nLook with the throw-away certificates 用一次性开发证书查看:")
    print(f"  curl --cacert {_shown(stage.keys / 'ca.cert.pem')} https://localhost:{ports['package']}/_ledger")
    print("Operators' commands, as the first of two throw-away persons 运维命令，以两名一次性操作员之一的身份:")
    print(f"  export LIANPEI_CONFIG={_shown(stage.home / 'gateway.toml')}")
    tokens = [f"$(cat {_shown(stage.keys / name)}.secret)" for name in OPERATORS]
    print(f"  export LIANPEI_TOKEN={tokens[0]}   # the second 第二人: {tokens[1]}")
    print(f"  {_shown(ROOT / '.venv/bin/lianpei')} work list")
    say_own_bill(stage)


def say_own_bill(stage: Stage) -> None:
    """A bill that nobody has sent yet, as a file to change, and the call that sends it as hospital one."""
    from gateway.sandbox.hospital.encoding import to_json
    from gateway.sandbox.hospital.visits import Wish, submission

    seed = (int(time.time()) % 9_999 + 1) * 100 + 99  # the sample bills of a run end before 99
    body = stage.home / "bill.json"
    body.write_bytes(
        json.dumps(json.loads(to_json(submission(Wish("outpatient", seed)))), ensure_ascii=False, indent=1).encode()
    )
    keys = [f"--{name} {_shown(stage.keys / file)}" for name, file in _CURL_KEYS.items()]
    head = ["-H 'Content-Type: application/json'", f"-H 'Idempotency-Key: own-{seed}'", "-H 'Prefer: wait=20'"]
    call = [f"--data @{_shown(body)}", f"https://localhost:{stage.ports['hospital']}/v1/claims"]
    print("Send a bill of your own 自己发一张账单:")
    print("  curl", " \\\n    ".join((" ".join(keys), " ".join(head), " ".join(call))), flush=True)


def _shown(path: Path) -> str:
    """As short as it can be typed where the command was given."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _play(stage: Stage, *, quiet: bool) -> Tally:
    # Imported here: a production image has neither the sandbox's libraries nor a use for them.
    from gateway.sandbox.hospital.scenario import demo

    stage.ready()
    run = int(time.time()) % 9_999 + 1
    claims = demo(run, marks=True)
    print(
        f"Sending {len(claims)} sample bills to five insurers 向五家保险公司发送 {len(claims)} 张样例账单", flush=True
    )
    tally = asyncio.run(_send_all(stage, claims))
    tally.marks_found = search_payment_side(stage, [bill.submission for bill in claims])
    if not quiet:
        _print(tally)
    return tally


async def _send_all(stage: Stage, claims: Any) -> Tally:
    from gateway.sandbox.hospital.client import HospitalClient, client_tls

    keys = stage.keys
    tls = client_tls(keys / "ca.cert.pem", keys / "hospital-h1.cert.pem", keys / "hospital-h1.key.pem")
    url = f"https://localhost:{stage.ports['hospital']}"
    tally = Tally()
    async with HospitalClient(url, tls) as hospital:
        for bill in claims:
            started = time.perf_counter()
            reply = await hospital.settle(bill.body, bill.idempotency_key, bill.form, patience_s=60)
            took = (time.perf_counter() - started) * 1000
            tally.bills.append(Told(bill, reply.status, reply.document, took))
            bar(len(tally.bills), len(claims), f"{bill.zh} {bill.en}")
        await tally.collect_orders(stage)
    return tally


def _print(tally: Tally) -> None:
    rows = [
        [
            str(told.bill.number),
            told.bill.zh,
            claim["insurer"],
            f"{claim['protocol']} {claim['seal']}",
            _OUTCOMES.get(claim["outcome"], claim["outcome"] or claim["state"]),
            yuan(told.document["total_fen"]),
            yuan(claim["approved_fen"]),
            f"{told.ms:.0f}",
            told.bill.en,
        ]
        for told in tally.bills
        for claim in told.document.get("claims", [])
    ]
    print()
    show(_HEAD, rows, right={5, 6, 7})
    print()
    paid = sum(order["amount_fen"] for order in tally.orders)
    print(f"Payment side 支付侧: {len(tally.orders)} orders 笔订单, {yuan(paid)} 元")
    print("  It saw order numbers, amounts and results 它只看到订单号、金额与结果")
    print(f"Planted marks found on the payment side 支付侧发现的埋点: {tally.marks_found}")
    for wrong in tally.problems():
        print(f"  ✗ {wrong}", file=sys.stderr)
    print("All sums tie out 全部金额相符 ✓" if tally.ok else "NOT OK 有不符之处")
