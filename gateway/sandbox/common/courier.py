"""Callbacks to the gateway: made after a while, and made again until they are acknowledged."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.desk import GARBAGE, Desk, Notice
from gateway.sandbox.common.script import play, playing
from gateway.sandbox.common.trouble import Do, Trouble

RETRY_AFTER_S = (0.2, 0.4, 0.8, 1.6, 3.0, *(5.0,) * 60)
"""About five minutes: an insurer calls again until the hospital's side is up again."""
_FIRST = frozenset({Do.GARBAGE, Do.WRONG_SIGNATURE, Do.LOSE_ANSWER})
"""Trouble of a first attempt, after which the insurer calls as if nobody had answered."""
_DEADLINE = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Letter:
    op: str
    reference: str
    path: str
    """Below ``gateway_url``."""
    content_type: str
    build: Callable[[], bytes]
    """Makes the message for one attempt, because a signature is used once; it counts as said from then on."""
    is_acknowledged: Callable[[bytes], bool]
    """Judges the body of a reply with the status that means taken."""
    policy_no: str = ""
    """Whose trouble it may be."""


class Courier:
    taken = 200
    """Status of an acknowledgement."""

    def __init__(self, settings: SimulatorSettings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk
        self._session: aiohttp.ClientSession | None = None
        self._next = asyncio.Event()
        """Set, and replaced by another, whenever a callback was acknowledged."""
        self._running: set[asyncio.Task[None]] = set()

    def send_later(self, letter: Letter, delay_s: float) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(letter, delay_s))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, letter: Letter, delay_s: float) -> None:
        play(self._desk.script.take(letter.op))
        self._desk.script.about(letter.op, letter.policy_no)
        trouble = playing()
        do = trouble.do if trouble else None
        if do is Do.DROP_CONNECTION:
            return
        await asyncio.sleep(delay_s + (trouble.seconds if trouble and do is Do.DELAY else 0))
        notice = Notice(letter.op, letter.reference)
        if trouble is not None and do is Do.REORDER_CALLBACK:
            await self._overtaken(trouble)
        self._desk.notices.append(notice)
        if do in _FIRST:
            await self._attempt(letter, notice, trouble)
            await asyncio.sleep(RETRY_AFTER_S[0])
        await self._until_acknowledged(letter, notice)
        if do is Do.DUPLICATE_CALLBACK:
            await self._attempt(letter, notice)

    async def _overtaken(self, trouble: Trouble) -> None:
        """Wait until the next callback was acknowledged."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), trouble.seconds)

    async def _until_acknowledged(self, letter: Letter, notice: Notice) -> None:
        for pause in (*RETRY_AFTER_S, None):
            notice.acknowledged = await self._attempt(letter, notice)
            if notice.acknowledged:
                self._next.set()
                self._next = asyncio.Event()
            if notice.acknowledged or pause is None:
                return
            await asyncio.sleep(pause)

    async def _attempt(self, letter: Letter, notice: Notice, trouble: Trouble | None = None) -> bool:
        notice.attempts += 1
        url = self._settings.gateway_url + letter.path
        headers = {"Content-Type": letter.content_type}
        try:
            async with self._http().post(url, data=self._written(letter, trouble), headers=headers) as reply:
                is_heard = trouble is None or trouble.do is not Do.LOSE_ANSWER
                return is_heard and reply.status == self.taken and letter.is_acknowledged(await reply.read())
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _written(self, letter: Letter, trouble: Trouble | None) -> bytes:
        if trouble is None:
            return letter.build()
        match trouble.do:
            case Do.GARBAGE:
                return GARBAGE
            case Do.WRONG_SIGNATURE:
                return self._desk.forged(letter.build())
        return letter.build()

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._settings.ca)
            connector = aiohttp.TCPConnector(ssl=context)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_DEADLINE)
        return self._session
