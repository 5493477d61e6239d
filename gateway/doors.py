"""Opens the claims room's doors: hospitals, insurers' callbacks, operators, and the keeper's socket."""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiohttp import web

from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.clocks import ClockName
from gateway.claims.conversation.engine import Engine
from gateway.claims.custody.keeper import Keeper
from gateway.claims.delivery.mail import Mail
from gateway.claims.delivery.office import Office
from gateway.claims.door.admin import Admin, operator_app
from gateway.claims.door.app import hospital_app, partner_app
from gateway.claims.door.auth import Guard, Tenant
from gateway.claims.door.bodies import Bodies
from gateway.claims.door.cases import Cases
from gateway.claims.door.consents import Consents
from gateway.claims.door.counter import CounterDoor
from gateway.claims.door.entrance import Entrance
from gateway.claims.door.enveloped import WeakEnvelope, hospital_seals, weak_envelopes
from gateway.claims.door.feed import Feed
from gateway.claims.door.handlers import Handlers
from gateway.claims.door.keeper import keeper_app
from gateway.claims.door.payments import Payments
from gateway.claims.door.soap import SoapDoor
from gateway.claims.door.statements import Statements
from gateway.claims.door.undo import UndoHandlers
from gateway.claims.door.uploads import Uploads
from gateway.claims.intake import Intake
from gateway.claims.operators.roles import Operators, Person, Role
from gateway.claims.reconciliation.office import ReconOffice
from gateway.claims.undo.service import UndoDesk
from gateway.config import ClaimsSettings, Door, HospitalSettings, OperatorSettings, Settings
from gateway.conversing import day_rules
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.ids import HospitalCode
from gateway.telemetry.metrics import Metrics
from gateway.wire.keys import KeyRing
from gateway.wire.listen import LAST_ANSWERS_S, listen, listen_local, renew_tls
from gateway.wire.tls import server_context

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(slots=True)
class Doors:
    """``runners`` in the order in which they close: hospitals first."""

    settings: Settings
    keys: KeyRing
    runners: list[web.AppRunner] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    _secured: dict[str, tuple[web.AppRunner, Callable[[], ssl.SSLContext]]] = field(default_factory=dict)
    """Every TLS door with what makes its context from the keys as they are."""
    _hospitals: Callable[[], Callable[[], None]] | None = None
    """Makes the hospitals' passwords and seals from the keys as they are."""
    _operators: Operators | None = None

    def renewals(self) -> list[tuple[str, Callable[[], Callable[[], None]]]]:
        """By door or callers: makes TLS contexts, seals and proofs anew (raises ``ConfigRefused``) and returns what puts them
        in place."""

        def renew(runner: web.AppRunner, make: Callable[[], ssl.SSLContext]) -> Callable[[], None]:
            return partial(renew_tls, runner, make())

        doors: list[tuple[str, Callable[[], Callable[[], None]]]]
        doors = [(name, partial(renew, *secured)) for name, secured in self._secured.items()]
        if self._hospitals is not None:
            doors.append(("hospitals", self._hospitals))
        if self._operators is not None:
            doors.append(("operators", partial(self._renew_operators, self._operators)))
        return doors

    async def open_all(
        self,
        engine: Engine,
        intake: Intake,
        callbacks: Callbacks,
        keeper: Keeper,
        office: Office,
        recon: ReconOffice,
        socket: Path,
        ready: Callable[[], bool],
    ) -> Guard:
        """Who guards the hospitals' door.

        Raises ``ConfigRefused`` for a port, certificate or operator that can't be; doors already open stay open.
        """
        claims, metrics = self.settings.claims, engine.metrics
        assert claims is not None
        tenants = self._tenants()
        guard = Guard(tenants, self.keys, engine.ledger)
        self._hospitals = partial(self._renew_hospitals, guard, tenants)
        entrance = Entrance(guard, Bodies(claims.hospital_door.limits.body_s))
        handlers = Handlers(guard, intake, engine, metrics, claims.most_open_bills)
        schemas = Path(self.settings.schemas)
        feed = Feed(guard, Mail(engine.ledger.store, engine.clock), office)
        parts = (
            Uploads(handlers, intake, guard),
            SoapDoor(handlers, guard, schemas),
            CounterDoor(guard, engine),
            Statements(guard, recon),
            UndoHandlers(guard, UndoDesk(engine)),
            Payments(guard, engine.ledger, day_rules(claims.payout)[ClockName.APPROVAL]),
            Consents(guard, engine, claims.family),
            Cases(guard, engine.ledger),
        )
        hospital = hospital_app(handlers, feed, parts, entrance, metrics, schemas, intake.formats)
        await self._open("hospital", hospital, claims.hospital_door, metrics, claims.client_ca, claims.client_crl)
        bodies = Bodies(claims.partner_door.limits.body_s)
        await self._open(
            "partner", partner_app(callbacks, engine.registry, metrics, bodies), claims.partner_door, metrics
        )
        self.runners.append(await listen_local(keeper_app(keeper), socket))
        admin = self._admin(claims, engine, office, recon)
        await self._open(
            "operator",
            operator_app(metrics, ready, engine.ledger.read, admin),
            claims.operator_door,
            metrics,
            claims.operator_ca,
        )
        return guard

    def weak_envelopes(self) -> list[WeakEnvelope]:
        """Hospitals' formats under a dated exception for a weak algorithm."""
        return list(weak_envelopes({one.code: one.seals for one in self.settings.hospitals}))

    def _tenants(self) -> list[Tenant]:
        require_each_hospital_once(self.settings.hospitals)
        claims = self.settings.claims
        assert claims is not None
        require_safe_passwords(claims.hospital_door, self.settings.hospitals)
        return list(map(self._tenant, self.settings.hospitals))

    def _tenant(self, one: HospitalSettings) -> Tenant:
        seals = hospital_seals(one.code, one.seals, self.keys, strict=self.settings.mode == "development")
        proofs = one.certificate_name, one.signing_key, one.password
        return Tenant(HospitalCode(one.code), one.name, *proofs, seals, one.limits, one.group)

    def _renew_hospitals(self, guard: Guard, tenants: list[Tenant]) -> Callable[[], None]:
        passwords = guard.renewal()
        seals = [hospital_seals(one.code, one.seals, self.keys, strict=False) for one in self.settings.hospitals]

        def exchange() -> None:
            passwords()
            for tenant, fresh in zip(tenants, seals, strict=True):
                tenant.seals.update(fresh)

        return exchange

    def _admin(self, claims: ClaimsSettings, engine: Engine, office: Office, recon: ReconOffice) -> Admin | None:
        if not self.settings.operators:
            return None
        require_safe_operators(claims, self.settings.operators)
        self._operators = operators = self._read_operators()
        bodies = Bodies(claims.operator_door.limits.body_s)
        return Admin(operators, engine, bodies, office, recon, self.weak_envelopes())

    def _read_operators(self) -> Operators:
        return Operators(map(self._person, self.settings.operators))

    def _renew_operators(self, known: Operators) -> Callable[[], None]:
        return partial(known.become, self._read_operators())

    def _person(self, one: OperatorSettings) -> Person:
        token = self.keys.secret(one.token) if one.token else None
        return Person(one.name, frozenset(map(Role, one.roles)), token, one.certificate_name)

    async def _open(
        self, name: str, app: web.Application, door: Door, metrics: Metrics, client_ca: str = "", client_crl: str = ""
    ) -> None:
        claims = self.settings.claims
        under_way = claims.stop_grace if claims is not None and name == "hospital" else 0
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS_S + under_way)
        place = Path(self.settings.keys)
        authority, revoked = place / client_ca if client_ca else None, place / client_crl if client_crl else None
        make = partial(server_context, self.keys, door.certificate, authority, client_crl=revoked)
        tls = make() if door.certificate else None
        if tls is not None:
            self._secured[name] = runner, make
        self.runners.append(runner)
        told = partial(metrics.turned_away, name)
        self.ports[name] = await listen(runner, door.host, door.port, tls, door.limits, told)


def require_each_hospital_once(hospitals: Iterable[HospitalSettings]) -> None:
    """Raises ``ConfigRefused`` when two entries share a code or a proof: one would answer for the other."""
    seen: set[tuple[str, str]] = set()
    for one in hospitals:
        proofs = {"certificate": one.certificate_name, "key": one.signing_key, "password": one.password}
        marks = {("code", one.code), *((kind, name) for kind, name in proofs.items() if name)}
        if marks & seen or (len(marks) == 1 and not one.group):
            raise ConfigRefused(
                f"hospital {one.code} has no proof of its own",
                code="hospital-setting",
                hint="Each hospital has one entry, with a certificate_name, signing_key or password that no other has.",
            )
        seen |= marks


def require_safe_passwords(door: Door, hospitals: Iterable[HospitalSettings]) -> None:
    """Raises ``ConfigRefused`` when a password would travel in the clear."""
    if any(one.password for one in hospitals) and not door.certificate and door.host not in _LOOPBACK:
        raise ConfigRefused(
            "a hospital's password would travel in the clear",
            code="hospital-setting",
            hint="Give hospital_door a certificate, or loopback.",
        )


def require_safe_operators(claims: ClaimsSettings, operators: Iterable[OperatorSettings]) -> None:
    """Raises ``ConfigRefused`` when a token would travel in the clear, or a hospital's certificate could be an operator's."""
    door = claims.operator_door
    if not door.certificate and door.host not in _LOOPBACK:
        raise _unsafe("operators' tokens would travel in the clear", "Give operator_door a certificate, or loopback.")
    if any(one.certificate_name for one in operators) and not (door.certificate and claims.operator_ca):
        raise _unsafe(
            "an operator has a certificate that nobody checks", "Set operator_ca, and the door's certificate."
        )
    if claims.operator_ca and Path(claims.operator_ca) == Path(claims.client_ca):
        raise _unsafe("operators and hospitals have one CA", "Give operators a CA of their own.")


def _unsafe(what: str, hint: str) -> ConfigRefused:
    return ConfigRefused(what, code="operator-setting", hint=hint)
