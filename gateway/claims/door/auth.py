"""Who calls: a hospital proves itself by its client certificate (mTLS) or by signing the request (RFC 9421)."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.claims.ledger import Ledger
from gateway.claims.work import Work, millis
from gateway.kernel.errors import NotAllowed
from gateway.kernel.ids import HospitalCode
from gateway.store.errors import Duplicate
from gateway.wire.httpsig import verify_request
from gateway.wire.keys import KeyRing
from gateway.wire.tls import days_until, peer_certificate_end, peer_common_name

WINDOW_S = 300


@dataclass(frozen=True, slots=True)
class Tenant:
    """One hospital. ``certificate_name`` is its client certificate's common name, ``signing_key`` its request-signing key's name."""

    hospital: HospitalCode
    name: str
    certificate_name: str = ""
    signing_key: str = ""


@dataclass(frozen=True, slots=True)
class Nonce:
    """A signed request's single-use value, to be committed with whatever the request does."""

    scope: str
    value: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Caller:
    tenant: Tenant
    nonce: Nonce | None = None


def replayed() -> NotAllowed:
    return NotAllowed(
        "this request was received before", code="request-replayed", hint="Sign again with a fresh nonce."
    )


class Guard:
    def __init__(self, tenants: list[Tenant], keys: KeyRing, ledger: Ledger) -> None:
        self._by_certificate = {tenant.certificate_name: tenant for tenant in tenants if tenant.certificate_name}
        self._by_key = {
            name: tenant for tenant in tenants if tenant.signing_key for name in keys.alternatives(tenant.signing_key)
        }
        self._ends: dict[HospitalCode, str] = {}
        self._keys = keys
        self._ledger = ledger

    def who(self, request: web.Request, body: bytes) -> Caller:
        """The calling hospital. Raises ``NotAllowed`` without telling more than that."""
        name = peer_common_name(request.transport)
        if name is not None and name in self._by_certificate:
            tenant = self._by_certificate[name]
            self._ends[tenant.hospital] = peer_certificate_end(request.transport)
            return Caller(tenant)
        if "Signature-Input" in request.headers:
            return self._signed(request, body)
        raise NotAllowed(
            "the caller is not known",
            code="caller-unknown",
            hint="Connect with the client certificate registered for your hospital, or sign the request (RFC 9421).",
        )

    async def reader(self, request: web.Request) -> Tenant:
        """The calling hospital of a request that only reads; a signed one is used up at once."""
        caller = self.who(request, b"")
        await self.use_up(caller)
        return caller.tenant

    async def use_up(self, caller: Caller) -> None:
        """Commit the nonce of a request that stores nothing else. Raises ``NotAllowed`` for a replay."""
        if caller.nonce is None:
            return
        work = self._ledger.work()
        spend(caller.nonce, work)
        try:
            await work.flush()
        except Duplicate:
            raise replayed() from None

    def _signed(self, request: web.Request, body: bytes) -> Caller:
        now = self._ledger.clock.now()
        path, query = request.rel_url.raw_path, request.rel_url.raw_query_string
        verified = verify_request(request.method, path, query, request.headers, body, self._lookup, now, WINDOW_S)
        expires = millis(now) + 2 * WINDOW_S * 1000
        return Caller(self._by_key[verified.keyid], Nonce(f"hospital:{verified.keyid}", verified.nonce, expires))

    def _lookup(self, key_id: str) -> Any:
        tenant = self._by_key.get(key_id)
        if tenant is None or not self._keys.counts(tenant.signing_key, key_id, self._ledger.clock.now()):
            raise NotAllowed("the caller is not known", code="caller-unknown", hint="Register the signing key first.")
        return self._keys.verification_key(key_id)

    def certificate_days(self) -> dict[str, float]:
        """Days until the client certificates end that the hospitals showed since the start, as ``hospital:<code>``."""
        return {f"hospital:{code}": days_until(end) for code, end in self._ends.items()}


def spend(nonce: Nonce, work: Work) -> None:
    work.add().insert("nonce", scope=nonce.scope, value=nonce.value, expires_at=nonce.expires_at)
