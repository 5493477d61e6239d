"""What an insurer sends by itself: opened, matched to the act that waits, committed, and only then acknowledged."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from gateway.claims.bill import Bill
from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.material import ask
from gateway.claims.conversation.otherword import keep_word
from gateway.claims.conversation.resting import busy, rest
from gateway.claims.conversation.states import FINAL, ActState
from gateway.claims.partners.partner import Partner
from gateway.claims.work import Work
from gateway.kernel.errors import NotFound, SealRefused
from gateway.kernel.ids import change_no
from gateway.mapping.api import CompiledAct, Incoming, Outgoing
from gateway.store.api import Row
from gateway.store.claims_tables import DUE_NOW
from gateway.store.errors import Duplicate, StaleWrite
from gateway.telemetry.logs import get_logger
from gateway.wire.seals.base import Sealed

_log = get_logger("lianpei.callbacks")
_Found = TypeVar("_Found")
_HOLD_S = 3.0
"""A callback may overtake the answer that names it; it is held this long before it counts as unknown."""
_ONCE_FOR_MS = 31 * 24 * 3600 * 1000


@dataclass(slots=True)
class Callbacks:
    engine: Engine

    async def receive(
        self, partner: Partner, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[Outgoing, Sealed]:
        """Handle one call of ``partner`` (``headers`` by lower-case name); returns the reply and how it is sealed.

        Raises ``NotFound`` (no such path, or no act waits for it), ``SealRefused`` (not trusted, or seen before).
        """
        found = partner.callback(path)
        if found is None:
            raise NotFound("no callback of this partner has this path", code="callback-unknown-path")
        plain = partner.open_callback(body, headers)
        incoming = Incoming(plain.document, 200, plain.protected)
        await self._take(partner, found[1], incoming, body, plain.once)
        reply = found[1].write_reply(incoming)
        return reply, partner.seal_reply(reply)

    async def _take(self, partner: Partner, act: CompiledAct, incoming: Incoming, body: bytes, once: str) -> None:
        result = partner.judged(read_result(act.read_callback(incoming)))
        work = self.engine.ledger.work()
        self._only_once(work, partner, once.encode() or body)
        try:
            if isinstance(result.correlation, str):
                await self.settle(partner, result.correlation, result, body, work)
            else:
                if result.state == "refused":
                    work.audit("data-request-refused", f"insurer:{partner.code}", result.peer_code)
                    _log.event("data-request-refused", insurer=partner.code, code=result.peer_code)
                await self._commit(work, f"notice:{partner.code}", body)
        except SealRefused:
            if once:
                raise
            _log.event("callback-repeated", insurer=partner.code)

    def _only_once(self, work: Work, partner: Partner, once: bytes) -> None:
        """Committed with whatever the message does, by digest: the value is the partner's word.

        A seal that names nothing single-use can't tell a replay from a partner who did not hear our answer: there equal
        bytes are one message, which is acknowledged again and does nothing again.
        """
        expires, digest = work.now() + _ONCE_FOR_MS, hashlib.sha256(once).hexdigest()
        work.unit.insert("nonce", scope=f"partner:{partner.code}", value=digest, expires_at=expires)

    async def settle(self, partner: Partner, correlation: str, result: ActResult, body: bytes, work: Work) -> None:
        """Give an act that waits its result. A repeat or a late result is kept as evidence and changes nothing."""
        row = await self._await_act(partner, correlation)
        if row is None:
            # Evidence without the mark of a repeat: the partner calls again, and by then the act may be known.
            await self._commit(self.engine.ledger.work(), f"notice:{partner.code}", body)
            raise NotFound("no act waits for this correlation", code="callback-unknown-correlation")
        act_id = row["act_id"]
        await work.safe.turn_to(row["order_id"], self.engine.ledger.read)
        open_states = (ActState.PREPARED, ActState.PENDING, ActState.UNKNOWN)
        if row["state"] in open_states and result.state == "need_more":
            await self._ask_more(partner, row, correlation, result, body, work)
            return
        if row["state"] not in open_states or result.state in ("pending", "unknown", "need_more"):
            work.unit.insert(
                "change",
                order_id=row["order_id"],
                change_no=change_no(),
                claim_id=row["claim_id"],
                act_id=act_id,
                field="act.evidence",
                old=row["state"],
                new=result.state,
                cause="late-or-repeated",
                at=work.now(),
            )
            await self._compare(partner, row, result, work)
            await self._commit(work, act_id, body)
            await self.engine.wake_if_undoing(row["order_id"])
            return
        await self._apply(partner, row, correlation, result, body, work)

    async def _ask_more(
        self, partner: Partner, row: Row, correlation: str, result: ActResult, body: bytes, work: Work
    ) -> None:
        """The act stays open. Who waits for it is told; a claim at rest is moved with the message. Raises ``Conflict``."""
        slot = self.engine.mailbox.find(partner.code, correlation)
        if slot is not None and not slot.arrived:
            await self._commit(work, row["act_id"], body)
            self.engine.mailbox.bring(slot.act_id, result)
            return
        order_id = row["order_id"]
        await rest(self.engine, order_id)
        bill = await self.engine.ledger.read(self.engine.ledger.load_bill, order_id)
        assert bill is not None
        if any(claim.claim_id == row["claim_id"] and not claim.final for claim in bill.claims):
            ask(bill, row["claim_id"], work)
        await self._commit(work, row["act_id"], body, bill)

    async def _apply(
        self, partner: Partner, row: Row, correlation: str, result: ActResult, body: bytes, work: Work
    ) -> None:
        act_id, order_id = row["act_id"], row["order_id"]
        slot = self.engine.mailbox.find(partner.code, correlation)
        ours = slot is not None and await self._is_ours(order_id)
        waits = ours and slot is not None and not slot.arrived
        if slot is not None and waits:
            slot.arrived = True
        elif await self._may_be_told_otherwise(row):
            await self._apply_and_compare(partner, row, result, body, work)
            return
        keep_word(work, row["claim_id"], act_id, result)
        try:
            if not waits:  # nobody here waits for it, so the claim may have its final word already
                await self.engine.late.heed(partner, row, result, work)
                self._alarm(order_id, work)
            await self._commit(work, act_id, body)
        except BaseException:
            if slot is not None and waits:
                slot.take_back()
            raise
        if slot is not None and waits and not slot.result.done():
            slot.result.set_result(result)
            return
        await self.engine.go_on(order_id)

    def _alarm(self, order_id: str, work: Work) -> None:
        """Whoever has the bill, and whoever has it next, takes it up: its claim may get its word beside this one."""
        if self.engine.ledger.leases is not None:
            work.unit.update("bill", {"order_id": order_id}, look_at=DUE_NOW)

    async def _is_ours(self, order_id: str) -> bool:
        """Who waits here may have slept while another process took the bill: then nobody waits."""
        ledger = self.engine.ledger
        return ledger.leases is None or await ledger.read(ledger.is_ours, order_id)

    async def _may_be_told_otherwise(self, row: Row) -> bool:
        """Whether another answer to this act may be on its way to the disk: here, or at a process that awaits one."""
        if row["order_id"] in self.engine.running:
            return True
        awaited = row["state"] in (ActState.PREPARED, ActState.UNKNOWN)
        return awaited and await self.engine.ledger.read(self.engine.ledger.elsewhere, row["order_id"])

    async def _apply_and_compare(self, partner: Partner, row: Row, result: ActResult, body: bytes, work: Work) -> None:
        """The result is kept at once, and acknowledged when the claim's word could be compared with it.

        Raises ``Conflict`` while there is none. Then, or should we die in between, the insurer calls again, and what it
        says is late and compared.
        """
        kept = self.engine.ledger.work(row["order_id"])
        await kept.safe.turn_to(row["order_id"], self.engine.ledger.read)
        keep_word(kept, row["claim_id"], row["act_id"], result)
        self._alarm(row["order_id"], kept)
        with suppress(Duplicate):  # another call's result was kept a moment ago
            await kept.flush()
        await self.engine.go_on(row["order_id"])
        await self._until(lambda: self._is_final(row))
        await self._compare(partner, row, result, work)
        await self._commit(work, row["act_id"], body)
        await self.engine.wake_if_undoing(row["order_id"])

    async def _compare(self, partner: Partner, row: Row, result: ActResult, work: Work) -> None:
        """Raises ``Conflict`` while somebody has the claim's own word on its way to the disk: it must be compared with that."""
        if not await self.engine.late.heed(partner, row, result, work):
            order_id = row["order_id"]
            if order_id in self.engine.running or await self.engine.ledger.read(self.engine.ledger.elsewhere, order_id):
                raise busy()

    def _is_final(self, row: Row) -> bool:
        claims = self.engine.ledger.claim_rows(row["order_id"])
        return any(claim["claim_id"] == row["claim_id"] and claim["state"] in FINAL for claim in claims)

    async def _await_act(self, partner: Partner, correlation: str) -> Row | None:
        ledger = self.engine.ledger
        return await self._until(lambda: ledger.act_by_correlation(partner.code, correlation))

    async def _until(self, ask: Callable[[], _Found]) -> _Found:
        """What is found in the store as soon as it is there; after a while whatever is found then."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _HOLD_S
        while True:
            found = await self.engine.ledger.read(ask)
            if found or loop.time() > until:
                return found
            await asyncio.sleep(0.05)

    async def _commit(self, work: Work, act_id: str, body: bytes, bill: Bill | None = None) -> None:
        work.message(act_id, "in", body, hashlib.sha256(body).hexdigest(), "", 0)
        try:
            await work.flush(bill)
        except StaleWrite:
            raise busy() from None
        except Duplicate as repeat:
            if repeat.table == "nonce":
                raise SealRefused("this message was received before", code="seal-replay") from None
            if repeat.table in ("vault", "work_item"):
                raise busy() from None  # another word came a moment ago: this one is late when it comes again
            _log.event("callback-repeated", act_id=act_id)
