"""``lianpei up`` and ``lianpei demo``: the whole stage, the sample visits, and a table that a person understands."""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.cli.ports import FIXED, free_ports
from gateway.cli.scenario import command as scenario
from gateway.cli.stage import ROOT, Stage
from gateway.cli.table import bar, show
from gateway.cli.tally import Tally, Told
from gateway.cli.wall.places import search_payment_side
from gateway.kernel.money import yuan


def add_commands(commands: Any) -> None:
    up = commands.add_parser("up", help="start everything, send the sample visits, show the result and stay up")
    up.add_argument("--home", type=Path, default=ROOT / "var" / "run", help="where databases and logs go")
    up.set_defaults(run=_up)
    demo = commands.add_parser("demo", help="the same on free ports, then stop")
    demo.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    demo.add_argument("--scenario", default="", help="play one scenario of scenarios/ instead; list shows them")
    demo.set_defaults(run=_demo)


def _demo(chosen: argparse.Namespace) -> int:
    if chosen.scenario:
        return scenario.run(chosen.scenario)
    with tempfile.TemporaryDirectory(prefix="lianpei-demo-") as place:
        home = Path(place)
        with Stage(home, free_ports(), home / "keys") as stage:
            tally = _play(stage, quiet=False)
        if chosen.json:
            print(json.dumps(tally.as_json(), ensure_ascii=False))
    return 0 if tally.ok else 1


def _up(chosen: argparse.Namespace) -> int:
    with Stage(chosen.home, FIXED, ROOT / "certs-example") as stage:
        tally = _play(stage, quiet=False)
        ports = stage.ports
        print("\nRunning 运行中. Stop with Ctrl-C 按 Ctrl-C 停止.")
        print(f"  hospital door 医院入口   https://localhost:{ports['hospital']}/openapi.json")
        print(f"  insurers' door 回调入口  https://localhost:{ports['partner']}/partners/<code>/…")
        print(f"  metrics 指标             http://127.0.0.1:{ports['operator']}/metrics  /healthz  /readyz")
        print(f"  payment room 支付室      https://localhost:{ports['payment']}/healthz")
        for code in ("package", "huiyibao", "ant", "eclaimlink", "hcx", "pay"):
            print(f"  simulator 模拟器         https://localhost:{ports[code]}/_ledger  ({code})")
        print(f"  databases and logs       {chosen.home}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0 if tally.ok else 1


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
            "直赔 direct" if claim["kind"] == "direct_pay" else "快赔 quick",
            claim["outcome"] or claim["state"],
            yuan(told.document["total_fen"]),
            yuan(claim["approved_fen"]),
            f"{told.ms:.0f}",
        ]
        for told in tally.bills
        for claim in told.document.get("claims", [])
    ]
    head = [
        "#",
        "账单 bill",
        "保险公司 insurer",
        "协议与签名 protocol, seal",
        "方式 kind",
        "结果 outcome",
        "总额 total 元",
        "赔付 paid 元",
        "ms",
    ]
    print()
    show(head, rows, right={6, 7, 8})
    print()
    paid = sum(order["amount_fen"] for order in tally.orders)
    print(
        f"Payment side 支付侧: {len(tally.orders)} orders 笔订单, {yuan(paid)} 元; it saw order numbers, amounts and results"
    )
    print(f"Planted marks found on the payment side 支付侧发现的埋点: {tally.marks_found}")
    for wrong in tally.problems():
        print(f"  ✗ {wrong}", file=sys.stderr)
    print("All sums tie out 全部金额相符 ✓" if tally.ok else "NOT OK 有不符之处")
