"""``lianpei work …``: the work list at the operators' door, for persons (docs/admin.md)."""

import argparse
import json
import urllib.parse
from typing import Any

from gateway.cli.operator_door import add_door, add_top, ask
from gateway.cli.table import show
from gateway.kernel.money import yuan

_EXAMPLES = """lianpei work list --insurer huiyibao
lianpei work enquire clm_… --reason case-2026-114
lianpei work accept clm_… --fen 12300 --evidence letter-2026-115
lianpei work approve cor_…          the second person, with their own token 第二人"""


def add_commands(commands: Any) -> None:
    text = "what waits for a person: list, enquire, redrive, reverse, accept, assign 待办"
    top = add_top(commands, "work", text, _EXAMPLES)
    tools = top.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = tools.add_parser("list", help="everything parked: amount, age, owner, why, what may be done 列出待办")
    listed.add_argument("--insurer", default="", help="only this insurer's 只看该公司")
    listed.add_argument("--owner", default="", help="only this person's 只看该负责人")
    listed.add_argument("--json", action="store_true", help="print one JSON object")
    _door(listed, _list)
    for name, text in (
        ("enquire", "ask the insurer now, or ask again for the leg of an undo 立即查询保险公司"),
        ("redrive", "have it tried again once the mapping or whatever was wrong is mended 修正后重试"),
        ("reverse", "have the insurer take back what the claim moved, then close it 撤销后关闭"),
    ):
        one = tools.add_parser(name, help=text)
        one.add_argument("item", help="its id, as the list shows it 编号")
        one.add_argument("--reason", required=True, help="number of the case or ticket")
        _door(one, _post)
    accept = tools.add_parser(
        "accept",
        help="propose its end with evidence; a second person approves (lianpei work approve) 凭证了结，另一人复核",
    )
    accept.add_argument("item", help="its id, as the list shows it 编号")
    accept.add_argument("--evidence", required=True, help="number of the letter, call or ticket")
    accept.add_argument(
        "--fen", type=int, default=0, dest="approved_fen", help="of a claim: what the insurer pays, in 分"
    )
    accept.add_argument("--give-up", action="store_const", const="give_up", default="undone", dest="leg")
    _door(accept, _post)
    for name, text in (
        ("release", "propose to let go a bill that was stopped for its invoice 放行因发票暂停的账单"),
        ("recover", "propose to ask the patient for what an insurer declined after it had paid 向患者追偿"),
    ):
        one = tools.add_parser(name, help=text)
        one.add_argument("item", help="its id, as the list shows it 编号")
        one.add_argument("--evidence", required=True, help="number of the letter, call or ticket")
        if name == "recover":
            one.add_argument("--fen", type=int, required=True, dest="approved_fen", help="how much, in 分")
        _door(one, _post)
    assign = tools.add_parser("assign", help="hand it over 转交")
    assign.add_argument("item", help="its id, as the list shows it 编号")
    assign.add_argument("owner")
    _door(assign, _post)
    approve = tools.add_parser("approve", help="approve a colleague's proposal 复核同事的提议")
    approve.add_argument("correction", help="the proposal's id (cor_…) 提议编号")
    _door(approve, _approve)


def _door(parser: argparse.ArgumentParser, run: Any) -> None:
    add_door(parser)
    parser.set_defaults(run=run, action=parser.prog.rpartition(" ")[2])


def _list(chosen: argparse.Namespace) -> int:
    asked = {"insurer": chosen.insurer, "owner": chosen.owner}
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        page = ask(chosen, "GET", "/admin/worklist?" + urllib.parse.urlencode(asked | {"after": after}))
        items += page["items"]
        after = page["next"]
        if not after:
            break
    if chosen.json:
        print(json.dumps(items, ensure_ascii=False, indent=1))
        return 0
    if not items:
        print("nothing waits for a person 没有待办")
        return 0
    rows = [_row(one) for one in items]
    show(
        ("item 编号", "kind 类别", "insurer 保险公司", "元", "age 时长", "owner 负责人", "why 原因", "may 可做"),
        rows,
        frozenset({3, 4}),
    )
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    money, age = yuan(one["amount_fen"]), f"{one['age_s'] // 60} min"
    who = (one["owner"] or "-", one["why"], ", ".join(one["may"]))
    return (one["item_id"], one["kind"], one["insurer"], money, age, *who)


def _post(chosen: argparse.Namespace) -> int:
    bodies = {
        "enquire": ("reason",),
        "redrive": ("reason",),
        "reverse": ("reason",),
        "accept": ("evidence", "approved_fen", "leg"),
        "release": ("evidence",),
        "recover": ("evidence", "approved_fen"),
        "assign": ("owner",),
    }
    body = {name: getattr(chosen, name) for name in bodies[chosen.action]}
    path = f"/admin/worklist/{urllib.parse.quote(chosen.item, safe=':')}/{chosen.action}"
    print(json.dumps(ask(chosen, "POST", path, body), ensure_ascii=False))
    return 0


def _approve(chosen: argparse.Namespace) -> int:
    path = f"/admin/corrections/{urllib.parse.quote(chosen.correction)}/approve"
    print(json.dumps(ask(chosen, "POST", path, {}), ensure_ascii=False))
    return 0
