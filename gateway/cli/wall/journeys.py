"""The journeys that bring marks everywhere a bill can get: good times, and every kind of trouble that the sandbox can play."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.cli.wall.player import Player

Play: TypeAlias = Callable[[Player], Awaitable[str]]
PAID, REFUSED = "paid", "refused"
_DO = {"timeout": "delay"}
"""Class of failure -> what the simulator is asked to do, where the names differ."""


@dataclass(frozen=True)
class Journey:
    lane: str
    """Journeys of one lane follow each other; lanes run beside each other."""
    failure: str
    """The class of failure that it is about; ``none`` for a good one."""
    zh: str
    en: str
    ends: frozenset[str]
    """How it may end."""
    play: Play
    is_long: bool = False
    """Takes more than ten seconds: left out of the short form."""


def _journey(
    failure: str,
    zh: str,
    en: str,
    *insurers: str,
    trouble: tuple[str, float] | None = None,
    ends: str = PAID,
    story: str = "",
    kind: str = "",
    policy: str = "",
    is_long: bool = False,
) -> Journey:
    """One bill; ``trouble`` is ``(op, seconds)`` at the first insurer, and ``failure`` its name."""

    async def play(player: Player) -> str:
        if trouble is not None:
            await player.script(
                insurers[0], trouble[0], _DO.get(failure, failure.removeprefix("callback ")), trouble[1]
            )
        return await player.settle(
            player.bill(*insurers, story=story, kind=kind, policy=policy), 100 if is_long else 45
        )

    return Journey(insurers[0], failure, zh, en, frozenset(ends.split("|")), play, is_long)


async def _expired_token(player: Player) -> str:
    await player.call("POST", "/_expire_tokens", door="package")
    return await player.settle(player.bill("package"))


async def _unreported(player: Player) -> str:
    """Without the number of its report an order of this insurer can't be written."""
    bill = player.bill("huiyibao")
    del bill.submission["report"]
    return await player.settle(bill)


INSURERS = (
    _journey("none", "门诊直赔", "outpatient direct-pay", "package"),
    _journey("none", "住院直赔", "inpatient direct-pay", "package", story="inpatient"),
    _journey("none", "住院长明细", "inpatient, 230 lines in three batches", "package", story="inpatient-long", is_long=True),
    _journey("none", "协议包快赔", "quick-claim, package", "package", kind="quick_claim"),
    _journey("lose_answer", "结算应答丢失", "the answer to settling is lost", "package", trouble=("S291", 0)),
    _journey("garbage", "应答无法读取", "an answer that can't be read", "package", trouble=("S290", 0),),
    _journey("error500", "保险公司出错", "the insurer fails", "package", trouble=("S291", 0), is_long=True),
    _journey("drop_connection", "连接中断", "the connection is cut", "package", trouble=("S250", 0),),
    _journey("drip", "应答逐字到达", "an answer that drips", "package", trouble=("S291", 0.002)),
    _journey("half_open", "连接半开", "a connection that stays open and silent", "package", trouble=("S291", 1)),
    _journey("wrong_amount", "金额不符", "an answer with another amount", "package", trouble=("S291", 0), ends="manual"),
    _journey("delay", "应答迟到", "an answer comes late, but in time", "package", trouble=("S291", 1)),
    Journey("package", "token", "令牌过期", "the token has expired", frozenset({PAID}), _expired_token),
    _journey("refusal", "保单已过期", "the policy has expired", "package", policy="EXPIRED", ends=REFUSED),
    _journey("refusal", "理算拒赔", "refused when adjudicated", "package", policy="REFUSE", ends=REFUSED),
    _journey("slow", "保险公司很慢", "a slow insurer", "package", policy="SLOW"),
    _journey("none", "一单两保", "two policies in order", "package", "hcx", ends="paid+paid"),
    _journey("none", "惠医保住院直赔", "inpatient direct-pay, SM2", "huiyibao", story="inpatient"),
    _journey("none", "惠医保门诊直赔", "outpatient direct-pay with an operation, SM2", "huiyibao"),
    Journey("huiyibao", "mapping", "无法转换的账单", "a bill that can't be mapped", frozenset({"manual"}), _unreported),
    _journey("garbage", "试算应答无法读取", "a quote that can't be read", "huiyibao", trouble=("4.1", 0), story="inpatient"),
    _journey("lose_answer", "确认应答丢失", "the answer to confirming is lost", "huiyibao", trouble=("4.3", 0), story="inpatient"),
    _journey("timeout", "超时", "no answer within the deadline", "huiyibao", trouble=("4.3", 10.5), story="inpatient", is_long=True),
    _journey("callback duplicate_callback", "回调重复", "a callback comes twice", "huiyibao", trouble=("4.2", 0), story="inpatient"),
    _journey("none", "FHIR 直赔", "direct-pay, FHIR in JWE", "hcx"),
    _journey("error500", "结算时出错", "failing at settling", "hcx", trouble=("claim/submit", 0)),
    _journey("callback duplicate_callback", "结果回调重复", "the decision is called twice", "hcx", trouble=("claim/on_submit", 0)),
    _journey("wrong_signature", "回调签名错误", "a decision whose signature is wrong", "hcx", trouble=("claim/on_submit", 0)),
    _journey("callback reorder_callback", "回调乱序", "a decision that another overtakes", "hcx", trouble=("claim/on_submit", 1)),
    _journey("callback delay", "结果回调迟到", "the decision's call is late", "hcx", trouble=("claim/on_submit", 1)),
    _journey("callback drop_connection", "结果回调不来", "the decision's call never comes", "hcx",
             trouble=("claim/on_submit", 0), is_long=True),
    _journey("refusal", "保单已过期", "the policy has expired", "hcx", policy="EXPIRED", ends=REFUSED),
    _journey("none", "XML 快赔", "quick-claim, XML", "ant"),
    _journey("none", "XML 快赔（住院）", "inpatient quick-claim, XML", "ant", story="inpatient"),
    _journey("lose_answer", "报案应答丢失", "the answer to reporting is lost", "ant", trouble=("report", 0)),
    _journey("callback duplicate_callback", "结案通知重复", "the closing notice comes twice", "ant", trouble=("notify", 0)),
    _journey("refusal", "快赔拒赔", "a refused quick-claim", "ant", policy="REFUSE", ends=REFUSED),
    _journey("none", "理赔邮局快赔", "quick-claim, SOAP", "eclaimlink"),
    _journey("lose_answer", "上传应答丢失", "the answer to the upload is lost", "eclaimlink", trouble=("UploadTransaction", 0)),
    _journey("drop_connection", "取信时连接中断", "the connection is cut while fetching", "eclaimlink",
             trouble=("DownloadTransactionFile", 0)),
)  # fmt: skip
