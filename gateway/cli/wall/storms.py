"""Journeys through trouble on our own side and at the payment channel. They follow each other, after all others."""

import asyncio
import contextlib
import resource
from collections.abc import Iterator

from gateway.cli.wall.journeys import PAID, Journey, Play
from gateway.cli.wall.player import Bill, Player

_LANE = "house"


def _channel(do: str, seconds: float = 0, op: str = "order") -> Play:
    async def play(player: Player) -> str:
        before = len(await player.orders())
        await player.script("pay", op, do, seconds)
        ended = await player.settle(player.bill("package"))
        return f"{ended}, {await player.paid_out(before)}"

    return play


def _account(token: str) -> Play:
    """A payout to an account whose token makes the channel behave."""

    async def play(player: Player) -> str:
        before = len(await player.orders())
        bill = player.bill("ant")
        bill.submission["payout_account"]["account_token"] = f"{token}{bill.wish.seed:06d}"
        ended = await player.settle(bill)
        return f"{ended}, {await player.paid_out(before)}"

    return play


async def _returned(player: Player) -> str:
    """A payout is paid, and the bank returns it."""
    await player.script("pay", "order", "returned_payout")
    before = len(await player.orders())
    ended = await player.settle(player.bill("ant"))
    return f"{ended}, {await player.paid_out(before)}"


async def _disk_full(player: Player) -> str:
    """The gateway may write no file any further, is asked, and is given room again."""
    bill, process = player.bill("package"), player.stage.processes["gateway"].pid
    with _no_room(process):
        refused = (await player.submit(bill)).status
    ended = await player.settle(Bill(bill.wish, bill.submission, bill.key))
    return f"{refused}, then {ended}"


async def _payment_away(player: Player) -> str:
    """The payment room is killed while an order is on its way, and started again."""
    before = len(await player.orders())
    await player.script("pay", "order", "delay", 1)
    ended = await player.settle(player.bill("package"))
    await asyncio.to_thread(player.stage.kill, "payment")
    await asyncio.to_thread(player.stage.start, "payment")
    return f"{ended}, {await player.paid_out(before)}"


async def _gateway_killed(player: Player) -> str:
    """The gateway is killed in the midst of a conversation, started again, and the hospital sends again."""
    await player.script("package", "S290", "delay", 1)
    bill = player.bill("package")
    first = asyncio.create_task(player.submit(bill))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(player.stage.kill, "gateway")
    await asyncio.to_thread(player.stage.start, "gateway")
    lost = (await first).status
    return f"{lost}, then {await player.settle(bill, 60)}"


@contextlib.contextmanager
def _no_room(process: int) -> Iterator[None]:
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def _storm(
    failure: str, zh: str, en: str, play: Play, end: str = f"{PAID}, settled", *, is_long: bool = False
) -> Journey:
    return Journey(_LANE, failure, zh, en, frozenset({end}), play, is_long)


STORMS = (
    _storm("channel lose_answer", "支付应答丢失", "the channel's answer is lost", _channel("lose_answer")),
    _storm("channel garbage", "支付应答无法读取", "the channel's answer can't be read", _channel("garbage")),
    _storm("channel error500", "支付渠道出错", "the channel fails", _channel("error500"), is_long=True),
    _storm(
        "channel drop_connection",
        "支付连接中断",
        "the channel cuts the connection",
        _channel("drop_connection"),
        is_long=True,
    ),
    _storm("channel delay", "支付应答迟到", "the channel is slow", _channel("delay", 1)),
    _storm("channel drip", "支付应答逐字到达", "the channel's answer drips", _channel("drip", 0.01)),
    _storm(
        "channel half_open", "支付连接半开", "the channel stays open and silent", _channel("half_open", 1), is_long=True
    ),
    _storm("channel wrong_amount", "支付应答金额不符", "the channel tells another amount", _channel("wrong_amount")),
    _storm("channel returned_payout", "打款退票", "a payout that the bank returns", _returned),
    _storm("channel refusal", "收款账户已关闭", "the account is closed", _account("CLOSED"), f"{PAID}, refused"),
    _storm("channel slow", "打款很慢", "a payout that takes its time", _account("SLOW")),
    _storm("store", "磁盘已满", "no room on the disk", _disk_full, "503, then paid"),
    _storm("payment killed", "支付室被终止", "the payment room is killed", _payment_away, is_long=True),
    _storm("gateway killed", "网关被终止", "the gateway is killed", _gateway_killed, "0, then paid", is_long=True),
)
