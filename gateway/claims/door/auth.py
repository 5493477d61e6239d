"""Who calls: a hospital proves itself by its client certificate (mTLS), by signing the request (RFC 9421), or, at the SOAP
door alone, by a password (RFC 7617)."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import msgspec
from aiohttp import web

from gateway.claims.door.fairness import HospitalLimits, Pace
from gateway.claims.door.problems import SOAP_PATH
from gateway.claims.ledger import Ledger
from gateway.claims.work import Work
from gateway.kernel.errors import ConfigRefused, NotAllowed, NotTheirs
from gateway.kernel.ids import HospitalCode
from gateway.store.errors import Duplicate
from gateway.wire.httpsig import require_digest, verify_head
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.keys import KeyRing
from gateway.wire.seals.base import Seal
from gateway.wire.tls import days_until, peer_certificate_end, peer_common_name

WINDOW_S = 300
FOR_HOSPITAL = "Lianpei-Hospital"
"""Header by which a group's certificate says for which of its hospitals it speaks."""
SHORTEST_PASSWORD = 32


@dataclass(frozen=True, slots=True)
class Tenant:
    """One hospital. ``certificate_name`` is its client certificate's common name; the other two are names of the key ring."""

    hospital: HospitalCode
    name: str
    certificate_name: str = ""
    signing_key: str = ""
    password: str = ""
    seals: dict[str, Seal] = field(default_factory=dict)
    """Formats whose bodies come in an envelope, and what opens it."""
    limits: HospitalLimits = field(default_factory=HospitalLimits)
    group: str = ""
    """Code of the hospital whose certificate may speak for this one."""


class Nonce(msgspec.Struct, frozen=True):
    """A signed request's single-use value, to be committed with whatever the request does."""

    scope: str
    value: str
    expires_at: int


class Caller(msgspec.Struct, frozen=True):
    tenant: Tenant
    nonce: Nonce | None = None
    digest: str = ""
    """The ``Content-Digest`` that was signed; empty for a caller with a certificate."""

    def require_own(self, body: bytes) -> None:
        """Raises ``NotAllowed`` for another body than the one that was signed."""
        if self.digest:
            require_digest(self.digest, body)


def replayed() -> NotAllowed:
    return NotAllowed(
        "this request was received before", code="request-replayed", hint="Sign again with a fresh nonce."
    )


class Guard:
    """Everybody is known before a byte of their body is read, and paced by who they are."""

    def __init__(
        self, tenants: list[Tenant], keys: KeyRing, ledger: Ledger, clock: Callable[[], float] = monotonic
    ) -> None:
        self._by_certificate = {tenant.certificate_name: tenant for tenant in tenants if tenant.certificate_name}
        self._signing = [tenant for tenant in tenants if tenant.signing_key]
        self._by_key: dict[str, Tenant] = {}
        self._request_keys: dict[str, RequestKey] = {}
        self._members = {(tenant.group, tenant.hospital): tenant for tenant in tenants if tenant.group}
        self._tenants = tenants
        self._by_password = _passwords(tenants, keys)
        self._ends: dict[HospitalCode, str] = {}
        self._paces = {tenant.hospital: Pace(tenant.limits, clock) for tenant in tenants}
        self._keys = keys
        self._ledger = ledger
        self.renew_keys()

    def renew_keys(self) -> None:
        """Learn the key ids under which hospitals sign; after the key ring changed."""
        self._by_key = {name: one for one in self._signing for name in self._keys.alternatives(one.signing_key)}
        self._request_keys = {}

    def renewal(self) -> Callable[[], None]:
        """What puts the passwords in place that the key ring holds now. Raises ``ConfigRefused``."""
        found = _passwords(self._tenants, self._keys)

        def exchange() -> None:
            self._by_password = found

        return exchange

    def who(self, request: web.Request) -> Caller:
        """The calling hospital. Raises ``NotAllowed`` without telling more than that."""
        caller = self._proven(request)
        code = request.headers.get(FOR_HOSPITAL)
        if code and code != caller.tenant.hospital:
            caller = self._speaks_for(caller, code, request)
        return caller

    def pace(self, caller: Caller) -> None:
        """Raises ``TooOften``."""
        self._paces[caller.tenant.hospital].take()

    def _speaks_for(self, caller: Caller, code: str, request: web.Request) -> Caller:
        """A group's caller becomes one of its hospitals. Only by certificate: no signature covers the header."""
        other_proof = caller.digest or "Authorization" in request.headers
        member = None if other_proof else self._members.get((caller.tenant.hospital, HospitalCode(code)))
        if member is None:
            raise NotTheirs(
                "the caller does not speak for this hospital",
                code="hospital-not-of-group",
                hint=f"{FOR_HOSPITAL} names a hospital of the caller's own group, who calls with a certificate.",
            )
        return msgspec.structs.replace(caller, tenant=member)

    def _proven(self, request: web.Request) -> Caller:
        name = peer_common_name(request.transport)
        if name in self._by_certificate:
            tenant = self._by_certificate[name]
            self._ends[tenant.hospital] = peer_certificate_end(request.transport)
            return Caller(tenant)
        if "Signature-Input" in request.headers:
            return self._signed(request)
        if request.path == SOAP_PATH and "Authorization" in request.headers:
            return self._with_password(request.headers["Authorization"])
        raise NotAllowed(
            "the caller is not known",
            code="caller-unknown",
            hint="Connect with the client certificate registered for your hospital, or sign the request (RFC 9421).",
        )

    def _with_password(self, shown: str) -> Caller:
        """Passwords are compared by their digest, so that time tells nothing about them."""
        tenant, name = self._by_password.get(_digest(shown.partition(" ")[2].strip()), (None, ""))
        if tenant is None or not self._keys.counts(tenant.password, name, self._ledger.clock.now()):
            raise NotAllowed("the caller is not known", code="caller-unknown", hint="User is the hospital's code.")
        return Caller(tenant)

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

    def _signed(self, request: web.Request) -> Caller:
        url, now_ms = request.rel_url, self._ledger.clock.epoch_ms()
        verified = verify_head(
            request.method,
            url.raw_path,
            url.raw_query_string,
            request.headers,
            self._lookup,
            now_ms // 1000,
            WINDOW_S,
        )
        nonce = Nonce(f"hospital:{verified.keyid}", verified.nonce, now_ms + 2 * WINDOW_S * 1000)
        return Caller(self._by_key[verified.keyid], nonce, request.headers["Content-Digest"])

    def _lookup(self, key_id: str) -> RequestKey:
        tenant = self._by_key.get(key_id)
        if tenant is None or not self._keys.counts(tenant.signing_key, key_id, self._ledger.clock.now()):
            raise NotAllowed("the caller is not known", code="caller-unknown", hint="Register the signing key first.")
        key = self._request_keys.get(key_id)
        if key is None:
            key = self._request_keys[key_id] = self._keys.verification_key(key_id)
        return key

    def certificate_days(self) -> dict[str, float]:
        """Days until the client certificates end that the hospitals showed since the start, as ``hospital:<code>``."""
        return {f"hospital:{code}": days_until(end) for code, end in self._ends.items()}


def _passwords(tenants: list[Tenant], keys: KeyRing) -> dict[str, tuple[Tenant, str]]:
    """Digest of what RFC 7617 makes of code and password, to the hospital and the secret's name. Raises ``ConfigRefused``."""
    found: dict[str, tuple[Tenant, str]] = {}
    for tenant in tenants:
        for name in keys.alternatives(tenant.password) if tenant.password else ():
            password = keys.using({name: name}).secret(name).expose()
            if len(password) < SHORTEST_PASSWORD:
                raise ConfigRefused(
                    f"the password {name} is shorter than {SHORTEST_PASSWORD} characters",
                    code="hospital-setting",
                    hint="Make one: openssl rand -hex 32",
                )
            found[_digest(b64encode(f"{tenant.hospital}:{password}".encode()).decode())] = tenant, name
    return found


def _digest(shown: str) -> str:
    return hashlib.sha256(b"lianpei hospital\0" + shown.encode("utf-8", "surrogateescape")).hexdigest()


def spend(nonce: Nonce, work: Work) -> None:
    work.unit.insert("nonce", scope=nonce.scope, value=nonce.value, expires_at=nonce.expires_at)
