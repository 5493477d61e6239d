"""One insurer, ready to talk: its compiled acts, its seal, its connection and its words for what went wrong."""

import asyncio
import gzip
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any

import msgspec

from gateway.claims.canonical.dispatch import ActResult, Dispatch, read_result
from gateway.claims.lanes.lane import Lane
from gateway.claims.lanes.ways import way_of
from gateway.claims.partners.dispatching import operational_dispatch
from gateway.claims.partners.manifest import ActRule, Fault, Manifest, TokenRule
from gateway.kernel.clock import Clock
from gateway.kernel.errors import ConfigRefused, MessageRefused, NotSent, OutcomeUnknown
from gateway.kernel.spans import seconds
from gateway.mapping.api import CompiledAct, Incoming, Outgoing, Pin
from gateway.telemetry.logs import get_logger
from gateway.telemetry.metrics import Metrics
from gateway.wire.http import HttpAnswer, PartnerClient
from gateway.wire.seals.base import Plain, Role, Seal, Sealed, open_message

# In Python 3.11 a member costs four times as much when it is read from its enum each time.
_REQUEST, _ANSWER = Role.REQUEST, Role.ANSWER
_COME_LATER = (429, 503)
UNLISTED = "unlisted-code"
"""Begins the code of a refusal that the folder does not list; the insurer's own word follows, if it looks like one."""
_CODE = re.compile(r"(?!.*\d{8})[A-Za-z0-9_.\-]{1,24}")
"""A number or a birth date of a person has eight digits in a row."""
_log = get_logger("lianpei.partners")
_DAYS_OF_A_TOKEN = timedelta(hours=1)


class Prepared(msgspec.Struct, frozen=True):
    """A request that is mapped, validated and sealed, and not yet sent."""

    outgoing: Outgoing
    sealed: Sealed
    rule: ActRule

    @property
    def pin(self) -> Pin:
        """The mapping and version that made it."""
        assert self.outgoing.pin is not None
        return self.outgoing.pin


class Reply(msgspec.Struct, frozen=True):
    """What came back: the bytes for the record and what they mean."""

    raw: bytes
    http_status: int
    result: ActResult


class AnswerUnread(OutcomeUnknown):
    """An answer came and can't be read or trusted: its bytes are for the record, nothing of it is used."""

    def __init__(self, answer: HttpAnswer, code: str) -> None:
        super().__init__("the answer could not be read or trusted", code=code)
        self.answer = answer


@dataclass(slots=True)
class Partner:
    manifest: Manifest
    faults: Mapping[str, Fault]
    acts: Mapping[str, CompiledAct]
    seal: Seal
    bare: Seal
    """Carries token calls, which come before any seal."""
    client: PartnerClient
    metrics: Metrics
    clock: Clock
    code: str = field(init=False)
    tokens: "Tokens" = field(init=False)
    lane: Lane = field(init=False)

    def __post_init__(self) -> None:
        self.code = self.manifest.insurer
        self.tokens = Tokens(self)
        self.lane = lane_of(self.manifest, self.clock)

    def admit(self, role: str, kind: str) -> None:
        """Asked before anything of an act in this role is written. Raises ``NotNow`` where it could not be sent now."""
        self.lane.require_open(way_of(role, kind))

    def callback(self, path: str) -> tuple[str, CompiledAct] | None:
        """The act whose callback lives at ``path`` below this partner's door."""
        return next(((name, act) for name, act in self.acts.items() if act.callback_path == path), None)

    def prepare(self, dispatch: Dispatch) -> Prepared:
        """Map, validate against the partner's own schema and seal.

        Raises ``MessageRefused`` naming fields, not values, and ``NotNow`` while our own key can't be used.
        """
        started = perf_counter()
        rule = self.manifest.rule(dispatch.act.name)
        outgoing = self.acts[dispatch.act.name].write(dispatch)
        mapped = perf_counter()
        seal = self.bare if rule.role == "token" else self.seal
        try:
            plain = Plain(outgoing.document, outgoing.protected, utf8=outgoing.utf8)
            sealed = seal.seal(plain, _REQUEST, dispatch.act.sent_at)
        except ConfigRefused as bad:
            _log.event("own-key-away", insurer=self.code, code=bad.error_code)
            raise self.lane.without_key() from bad
        self.metrics.stage("map", self.code, mapped - started)
        self.metrics.stage("seal", self.code, perf_counter() - mapped)
        return Prepared(outgoing, sealed, rule)

    async def exchange(self, prepared: Prepared, dispatch: Dispatch) -> Reply:
        """Send once and read the answer; once more with a new token where the partner says that ours ran out.

        Raises ``NotSent`` when no byte left (``NotNow``: no place in the lane), ``OutcomeUnknown`` for everything after
        that has no usable answer.
        """
        lane, claim, role = self.lane, dispatch.claim, prepared.rule.role
        token = None if role == "token" else self.manifest.token
        way = way_of(role, getattr(claim, "kind", ""))
        if not lane.take(way):
            await lane.wait(way)
        good: bool | None = None
        try:
            pass_on = {} if token is None else await self._pass(token)
            started = perf_counter()
            answer = await self._sent(prepared, pass_on)
            self.metrics.stage("send", self.code, perf_counter() - started)
            if token is not None and token.expired and _says(token.expired, answer):
                self.tokens.forget()
                pass_on = await self._pass(token)
                started = perf_counter()
                answer = await self._sent(prepared, pass_on)
                self.metrics.stage("send", self.code, perf_counter() - started)
            reply = self._reply(answer, prepared, dispatch)
            good = True
        except (NotSent, OutcomeUnknown):
            good = False
            raise
        finally:
            lane.leave(way, good, "" if good else getattr(claim, "claim_id", ""))
        return reply

    async def _pass(self, token: TokenRule) -> dict[str, str]:
        return {token.header: token.prefix + await self.tokens.current()}

    def _sent(self, prepared: Prepared, also: Mapping[str, str]) -> Coroutine[Any, Any, HttpAnswer]:
        """The call that sends the request, with these headers ``also``."""
        out, sealed = prepared.outgoing, prepared.sealed
        kind = {"Content-Type": sealed.content_type or out.content_type}
        body = gzip.compress(sealed.body, mtime=0) if out.gzip else sealed.body
        headers = {**out.headers, **sealed.headers, **kind, **also}
        return self.client.send(out.method, out.path, out.query, headers, body, seconds(prepared.rule.timeout))

    def _reply(self, answer: HttpAnswer, prepared: Prepared, dispatch: Dispatch) -> Reply:
        if answer.status in _COME_LATER and "retry-after" in answer.headers:
            self.lane.asked_to_wait(answer.headers["retry-after"])
        try:
            result = self._read(answer, prepared, dispatch, bare=prepared.rule.role == "token")
            return Reply(answer.body, answer.status, result)
        except (MessageRefused, ConfigRefused, msgspec.ValidationError) as bad:
            unread = AnswerUnread(answer, getattr(bad, "error_code", "answer-form"))
            self.metrics.refused(unread.error_code)
            _log.event("answer-not-accepted", insurer=self.code, code=unread.error_code)
            raise unread from bad

    def _read(self, answer: HttpAnswer, prepared: Prepared, dispatch: Dispatch, *, bare: bool) -> ActResult:
        if 300 <= answer.status < 400:
            _log.event("answer-redirects", insurer=self.code)
            raise OutcomeUnknown("the partner points elsewhere; nobody goes there", code="answer-redirect")
        if answer.status >= 500:
            raise OutcomeUnknown("the partner answered with a server error", code="partner-server-error")
        started = perf_counter()
        seal = self.bare if bare else self.seal
        plain = open_message(seal, answer.body, answer.headers, _ANSWER, self.clock.now())
        incoming = Incoming(plain.document, answer.status, plain.protected)
        act = prepared.outgoing.act
        assert act is not None
        result = read_result(act.read(incoming, dispatch))
        self.metrics.stage("open", self.code, perf_counter() - started)
        return self.judged(result)

    def judged(self, result: ActResult) -> ActResult:
        """A refusal whose code the folder does not list is not a refusal we understand: it is unknown."""
        if result.state == "refused" and result.peer_code and result.peer_code not in self.faults:
            told = result.peer_code if _CODE.fullmatch(result.peer_code) else "other"
            _log.event("code-unlisted", insurer=self.code, code=f"peer:{told}")
            return msgspec.structs.replace(result, state="unknown", peer_code=f"{UNLISTED}:{told}")
        return result

    def open_callback(self, body: bytes, headers: Mapping[str, str]) -> Plain:
        """Open what the partner sent by itself; ``headers`` by lower-case name. Raises ``SealRefused``."""
        return open_message(self.seal, body, headers, Role.REQUEST, self.clock.now())

    def seal_reply(self, outgoing: Outgoing) -> Sealed:
        return self.seal.seal(Plain(outgoing.document, outgoing.protected), Role.ANSWER, self.clock.now())


def _says(text: str, answer: HttpAnswer) -> bool:
    return len(answer.body) < 4096 and text.encode() in answer.body


def lane_of(manifest: Manifest, clock: Clock) -> Lane:
    where = f"{manifest.insurer}/insurer.yaml"
    return Lane(manifest.limits, manifest.breaker, manifest.closed, frozenset(manifest.kinds), clock, where)


class Tokens:
    """Fetches the partner's access token, keeps it in memory only and renews it before it runs out."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        self._token = ""

    async def current(self) -> str:
        """A token that is good for this call. Raises ``NotSent``: without a token nothing was sent."""
        rule = self._partner.manifest.token
        assert rule is not None
        clock = self._partner.clock
        async with self._lock:
            if self._token and clock.monotonic() < self._until:
                return self._token
            try:
                reply = await self._fetch(rule.act)
            except (OutcomeUnknown, MessageRefused) as bad:
                raise NotSent("no access token could be had, so nothing was sent", code="token-unavailable") from bad
            self._token = reply.refs.get("token", "")
            if reply.state != "accepted" or not self._token:
                raise NotSent("the partner gave no access token, so nothing was sent", code="token-refused")
            lasts = reply.expires_in if isinstance(reply.expires_in, int) else int(_DAYS_OF_A_TOKEN.total_seconds())
            self._until = clock.monotonic() + max(1.0, lasts - seconds(rule.refresh_before))
            return self._token

    async def _fetch(self, act: str) -> ActResult:
        partner = self._partner
        dispatch = operational_dispatch(act, partner.clock.now())
        prepared = partner.prepare(dispatch)
        out, sealed = prepared.outgoing, prepared.sealed
        headers = {**out.headers, "Content-Type": out.content_type or sealed.content_type}
        answer = await partner.client.send(out.method, out.path, out.query, headers, sealed.body, 5.0)
        return partner._read(answer, prepared, dispatch, bare=True)
