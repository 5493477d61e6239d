"""Opens the claims room's doors: hospitals, insurers' callbacks, operators, and the keeper's socket."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from gateway.claims.conversation.callbacks import Callbacks
from gateway.claims.conversation.engine import Engine
from gateway.claims.custody.keeper import Keeper
from gateway.claims.door.admin import Admin, operator_app
from gateway.claims.door.app import hospital_app, partner_app
from gateway.claims.door.auth import Guard, Tenant
from gateway.claims.door.bodies import Bodies
from gateway.claims.door.entrance import Entrance
from gateway.claims.door.handlers import Handlers
from gateway.claims.door.keeper import keeper_app
from gateway.claims.intake import Intake
from gateway.claims.operators.roles import Operators, Person, Role
from gateway.config import ClaimsSettings, Door, OperatorSettings, Settings
from gateway.kernel.errors import ConfigRefused
from gateway.kernel.ids import HospitalCode
from gateway.wire.keys import KeyRing
from gateway.wire.listen import listen, listen_local
from gateway.wire.tls import server_context

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(slots=True)
class Doors:
    """``runners`` in the order in which they close: hospitals first."""

    settings: Settings
    keys: KeyRing
    runners: list[web.AppRunner] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    async def open_all(
        self,
        engine: Engine,
        intake: Intake,
        callbacks: Callbacks,
        keeper: Keeper,
        socket: Path,
        ready: Callable[[], bool],
    ) -> None:
        """Raises ``ConfigRefused`` for a port, certificate or operator that can't be; doors already open stay open."""
        claims, metrics = self.settings.claims, engine.metrics
        assert claims is not None
        guard = Guard(self._tenants(), self.keys, engine.ledger)
        entrance = Entrance(guard, Bodies(claims.hospital_door.limits.body_s))
        handlers = Handlers(guard, intake, engine, metrics, claims.most_open_bills)
        hospital = hospital_app(handlers, entrance, metrics, Path(self.settings.schemas), intake.formats)
        await self._open("hospital", hospital, claims.hospital_door, claims.client_ca)
        bodies = Bodies(claims.partner_door.limits.body_s)
        await self._open("partner", partner_app(callbacks, engine.registry, metrics, bodies), claims.partner_door)
        self.runners.append(await listen_local(keeper_app(keeper), socket))
        admin = self._admin(claims, engine)
        await self._open("operator", operator_app(metrics, ready, admin), claims.operator_door, claims.operator_ca)

    def _tenants(self) -> list[Tenant]:
        return [
            Tenant(HospitalCode(one.code), one.name, one.certificate_name, one.signing_key, one.limits)
            for one in self.settings.hospitals
        ]

    def _admin(self, claims: ClaimsSettings, engine: Engine) -> Admin | None:
        if not self.settings.operators:
            return None
        if not claims.operator_door.certificate and claims.operator_door.host not in _LOOPBACK:
            raise ConfigRefused(
                "operators' tokens would travel in the clear",
                code="operator-setting",
                hint="Give operator_door a certificate, or let it listen on loopback.",
            )
        operators = Operators(map(self._person, self.settings.operators))
        return Admin(operators, engine, Bodies(claims.operator_door.limits.body_s))

    def _person(self, one: OperatorSettings) -> Person:
        token = self.keys.secret(one.token) if one.token else None
        return Person(one.name, frozenset(map(Role, one.roles)), token, one.certificate_name)

    async def _open(self, name: str, app: web.Application, door: Door, client_ca: str = "") -> None:
        runner = web.AppRunner(app, access_log=None)
        authority = Path(self.settings.keys) / client_ca if client_ca else None
        tls = server_context(self.keys, door.certificate, authority) if door.certificate else None
        self.runners.append(runner)
        self.ports[name] = await listen(runner, door.host, door.port, tls, door.limits)
