"""The hospital door's routes: submit a bill, ask for it, read the event feed."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from time import perf_counter

import msgspec
from aiohttp import web

from gateway.claims.bill import Apart, Bill
from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.types import UNSET
from gateway.claims.conversation.engine import Engine
from gateway.claims.conversation.guarantees import inherit
from gateway.claims.conversation.invoices import INVOICE_REASON
from gateway.claims.conversation.states import BillState
from gateway.claims.door.auth import Caller, Guard, Tenant, replayed, spend
from gateway.claims.door.body import require_one_meaning, require_writable
from gateway.claims.door.entrance import caller_of, came_with
from gateway.claims.door.idempotency import key_of
from gateway.claims.door.preferences import NONE, Preferences, preferences_of
from gateway.claims.door.views import bill_view, stored_view
from gateway.claims.intake import Intake, canonical_bytes
from gateway.claims.rules import Finding, warnings_of
from gateway.kernel.errors import BadRequest, Busy, KeyReused, NotFound, NotTheirs
from gateway.store.api import Row
from gateway.store.errors import Duplicate
from gateway.telemetry.metrics import Metrics
from gateway.wire.seals.base import Role

GUARANTEES, POLICIES = "/v1/guarantees", "/v1/policies"
_APART: Mapping[str, Apart] = {GUARANTEES: "guarantee", POLICIES: "policies"}
_JSON = {"Content-Type": "application/json"}


class Handlers:
    def __init__(self, guard: Guard, intake: Intake, engine: Engine, metrics: Metrics, most_open: int = 2000) -> None:
        self._guard = guard
        self._intake = intake
        self._engine = engine
        self._metrics = metrics
        self._most_open = most_open
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        """Orders by hospital that were taken; those that are done since go when the room is full."""

    async def submit(self, request: web.Request) -> web.Response:
        """``POST /v1/claims[/{format}]``: accept a bill and answer with what is decided within ``Prefer: wait``."""
        started = perf_counter()
        came = came_with(request)
        key = key_of(request, "bill")
        self._metrics.stage("door", "other", perf_counter() - started)
        prefer = preferences_of(request)
        prefer.require_clear()
        form = request.match_info.get("format", "canonical")
        answer = await self.take(came.caller, form, came.body, key, prefer.wait, prefer=prefer, path=request.path)
        if prefer.applied:
            answer.headers["Preference-Applied"] = prefer.applied
        return answer

    async def take(
        self,
        caller: Caller,
        form: str,
        body: bytes,
        key: str,
        wait: float,
        *,
        prefer: Preferences = NONE,
        path: str = "",
    ) -> web.Response:
        """One bill under its key, and what is decided of it within ``wait`` seconds. What it raises, it has not taken.

        ``path`` says when it is no bill but asks for a guarantee or for the patient's policies.
        """
        tenant = caller.tenant
        read, flags = self._read(form, body, tenant)
        submission = prefer.laid_on(read)
        encoded, digest = canonical_bytes(submission)
        require_one_meaning(form, body, encoded if submission is read else canonical_bytes(read)[0])
        apart = _APART.get(path, "")
        before = await self._engine.ledger.read(self._engine.ledger.bill_by_key, tenant.hospital, key)
        if before is not None:
            await self._guard.use_up(caller)
            return await self._repeated(before, apart or submission.kind, digest, wait)
        bill = self._engine.new_bill(submission, encoded, tenant.hospital, key, digest)
        bill.apart = apart
        if flags:
            bill.warnings = warnings_of(flags)
        if submission.counter is not UNSET:
            await inherit(self._engine, bill)
        return await self._accept(bill, caller, wait)

    def _read(self, form: str, body: bytes, tenant: Tenant) -> tuple[Submission, list[Finding]]:
        started = perf_counter()
        if (seal := tenant.seals.get(form)) is not None:
            body = seal.open(body, Role.REQUEST, self._engine.clock.now()).document
        require_writable(body, self._intake.kind_of(form))
        submission, flags = self._intake.read(form, body)
        if submission.visit.hospital_code != tenant.hospital:
            raise NotTheirs(
                "the visit belongs to another hospital than the caller",
                code="hospital-mismatch",
                hint="visit.hospital_code must be the caller's own code.",
                fields=("visit.hospital_code",),
            )
        self._metrics.stage("normalise", "other", perf_counter() - started)
        return submission, flags

    async def _accept(self, bill: Bill, caller: Caller, wait: float) -> web.Response:
        engine = self._engine
        self._require_room(caller.tenant)
        work = engine.ledger.work()
        if caller.nonce is not None:
            spend(caller.nonce, work)
        engine.start(bill, work)
        self._open[bill.hospital].add(bill.order_id)
        await bill.at_rest.wait(wait)
        if not bill.acknowledged.reached:
            await bill.acknowledged.wait()
        if not bill.committed:
            return await self._not_stored(bill, caller, wait)
        if bill.refused is not None or (bill.state is not BillState.PENDING and not bill.at_rest.reached):
            return await self._as_stored(bill)
        return _answer(bill_view(bill, engine.registry), bill.state is BillState.DECIDED, bill.order_id)

    async def _as_stored(self, bill: Bill) -> web.Response:
        """What the bill became in memory is not on disk, or not yet: a hospital is told what is."""
        row = await self._engine.ledger.read(self._engine.ledger.bill_row, bill.order_id)
        assert row is not None
        return await self._repeated(row, bill.kind, bill.digest, 0)

    def _require_room(self, tenant: Tenant) -> None:
        running, mine, most = self._engine.running, self._open[tenant.hospital], tenant.limits.open_bills
        if len(mine) >= most:
            mine.intersection_update(running)
        if len(running) >= self._most_open or len(mine) >= most:
            raise Busy("too many bills are being worked on", hint="Send the same request again after a second.")

    async def _not_stored(self, bill: Bill, caller: Caller, wait: float) -> web.Response:
        """The bill's rows were refused: another request with the same key was first, or the store failed."""
        if isinstance(bill.refused, Duplicate):
            if bill.refused.table == "invoice_use":
                return await self._accept(self._stopped(bill), caller, wait)
            if bill.refused.table == "nonce":
                raise replayed()
            row = await self._engine.ledger.read(self._engine.ledger.bill_by_key, bill.hospital, bill.idem_key)
            if row is not None:
                return await self._repeated(row, bill.kind, bill.digest, wait)
        raise bill.refused if bill.refused is not None else Busy("the bill was not stored; nothing was sent")

    def _stopped(self, bill: Bill) -> Bill:
        """The bill anew, to be taken and parked: its invoice supports another one, so a person decides."""
        held = self._engine.new_bill(
            bill.submission, bill.encoded, bill.hospital, bill.idem_key, bill.digest, INVOICE_REASON
        )
        held.guaranteed, held.warnings = bill.guaranteed, bill.warnings
        return held

    async def _repeated(self, row: Row, kind: str, digest: str, wait: float) -> web.Response:
        """The same key again: the same bill, its first answer; another bill, or another wish about it, is refused."""
        if row["body_digest"] != digest or row["kind"] != kind:
            raise KeyReused(
                "this Idempotency-Key was used for another bill",
                hint=f"First {row['kind']} {row['body_digest'][:8]}, this one {kind} {digest[:8]}. "
                "Use a new key for a new bill.",
            )
        worker = self._engine.running.get(row["order_id"])
        if worker is not None:
            await asyncio.wait({worker}, timeout=wait)
        newest = await self._engine.ledger.read(self._engine.ledger.bill_row, row["order_id"])
        row = newest or row
        view = await self._engine.ledger.read(stored_view, row, self._engine.ledger, self._engine.registry)
        return _answer(view, row["state"] != "pending", row["order_id"])

    async def order(self, request: web.Request) -> web.Response:
        """``GET /v1/orders/{order_id}``: the bill as it stands; another hospital's bill is as unknown as no bill."""
        tenant = await self._reader(request)
        return web.Response(body=await self.view(tenant, request.match_info["order_id"]), headers=_JSON)

    async def view(self, tenant: Tenant, order_id: str) -> bytes:
        """Raises ``NotFound``."""
        row = await self._engine.ledger.read(self._engine.ledger.bill_row, order_id)
        if row is None or row["hospital"] != tenant.hospital:
            raise NotFound("no such order", code="order-unknown")
        return await self._engine.ledger.read(stored_view, row, self._engine.ledger, self._engine.registry)

    async def events(self, request: web.Request) -> web.Response:
        """``GET /v1/events?after=N``: the feed in order; ask again with the last ``seq`` seen."""
        tenant = await self._reader(request)
        after = request.query.get("after", "0")
        if not (after.isascii() and after.isdigit()) or len(after) > 15:
            raise BadRequest(
                "after must be a whole number", code="after-invalid", hint="Use the last seq you have seen."
            )
        rows = await self._engine.ledger.read(self._engine.ledger.events, tenant.hospital, int(after), 200)
        shown = [{name: row[name] for name in ("seq", "event_id", "order_id", "kind", "at")} for row in rows]
        return web.Response(body=msgspec.json.encode({"events": shown}), headers=_JSON)

    async def _reader(self, request: web.Request) -> Tenant:
        """The calling hospital of a request that only reads; a signed one is used up at once."""
        caller = caller_of(request)
        await self._guard.use_up(caller)
        return caller.tenant


def _answer(view: bytes, decided: bool, order_id: str) -> web.Response:
    if decided:
        return web.Response(body=view, headers=_JSON)
    return web.Response(
        status=202, body=view, headers={**_JSON, "Location": f"/v1/orders/{order_id}", "Retry-After": "2"}
    )
