"""Both ends of a gateway for the exchange's tests, and the outpatient story as a bundle."""

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from gateway.sandbox.common import strictjson
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.hcx import Hcx
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

CASH = "urn:lianpei:cash-after-basic"


def seal_with(ring: KeyRing, **settings: str) -> Seal:
    """The gateway's own seal: another implementation than the exchange's."""
    usual = {"own_key": "hcx-gateway-rsa", "peer_key": "hcx-insurer-rsa", "alg": "RSA-OAEP-256"}
    return build_seal({"profile": "jwe-compact", **usual, **settings}, ring)


def cny(value: str) -> dict[str, Any]:
    return {"value": Decimal(value), "currency": "CNY"}


def resource(kind: str, system: str, value: str, **members: Any) -> dict[str, Any]:
    return {"resourceType": kind, "identifier": [{"system": f"urn:test:{system}", "value": value}], **members}


def items(*rows: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    """Rows are quantity, price, net and class."""
    return [
        {
            "sequence": number,
            "quantity": {"value": Decimal(qty)},
            "unitPrice": cny(price),
            "net": cny(net),
            "extension": [{"url": "urn:lianpei:class-level", "valueCode": level}],
        }
        for number, (qty, price, net, level) in enumerate(rows, 1)
    ]


OUTPATIENT = items(
    ("1", "374", "374.00", "A"), ("3", "3.333333", "10.00", "B"), ("1", "18", "18.00", "B"), ("1", "28", "28.00", "C")
)


def bundle(
    kind: str = "Claim",
    *,
    number: str = "clm-1",
    policy: str = "TP1",
    use: str = "claim",
    rows: list[dict[str, Any]] | None = None,
    cash: str = "172.31",
    prior: str = "0.00",
    claim_type: str = "professional",
    ends: str = "2025-12-31",
) -> dict[str, Any]:
    """The outpatient story in one bundle: total 430.00, cash 172.31, own-pay 28.00."""
    rows = OUTPATIENT if rows is None else rows
    insurance = [{"sequence": 1, "focal": True, "coverage": {"reference": "urn:uuid:cov"}}]
    parties = {"patient": {"reference": "urn:uuid:pat"}, "insurer": {"reference": "urn:uuid:ins"}}
    service = {"start": "2025-03-05", "end": "2025-03-05"}
    main = resource(kind, "claim", number, status="active", insurance=insurance, **parties)
    if kind == "Claim":
        extensions = [
            {"url": CASH, "valueMoney": cny(cash)},
            {"url": "urn:lianpei:prior-paid", "valueMoney": cny(prior)},
        ]
        main |= {"use": use, "billablePeriod": service, "item": rows, "extension": extensions}
        main |= {
            "type": {"coding": [{"code": claim_type}]},
            "total": cny(str(sum(row["net"]["value"] for row in rows))),
        }
    else:
        main |= {"purpose": ["validation"], "servicedPeriod": service}
    cover = resource("Coverage", "policy", policy, status="active", period={"start": "2025-01-01", "end": ends})
    others = {
        "urn:uuid:pat": resource("Patient", "person", "pat-1"),
        "urn:uuid:ins": resource("Organization", "payer", "980000001"),
        "urn:uuid:cov": cover | {"beneficiary": parties["patient"], "payor": [parties["insurer"]]},
    }
    entries = [{"fullUrl": url, "resource": one} for url, one in {"urn:uuid:main": main, **others}.items()]
    return copy.deepcopy({"resourceType": "Bundle", "type": "collection", "entry": entries})


class Gateway:
    """Both ends of a gateway: it calls the exchange and takes the callbacks, with the gateway's own seal."""

    def __init__(self, keys: Path, ring: KeyRing, session: ClientSession) -> None:
        self.seal = seal_with(ring)
        self.password = (keys / "hcx-pwd.secret").read_text().strip()
        self.session = session
        self.url, self.token = "", ""
        self.callbacks: asyncio.Queue[tuple[str, dict[str, Any], Plain]] = asyncio.Queue()
        self.deaf = 0
        """How many callbacks are answered 503 before one is taken."""

    def door(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/partners/hcx/{tail:.*}", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        if self.deaf:
            self.deaf -= 1
            return web.Response(status=503)
        opened = self.seal.open(await request.read(), Role.REQUEST, datetime.now(UTC))
        said = dict(opened.protected)
        await self.callbacks.put((request.match_info["tail"], said, opened))
        names = ("timestamp", "api_call_id", "correlation_id")
        return web.json_response({name: said[f"x-hcx-{name}"] for name in names}, status=202)

    async def log_in(self, password: str = "") -> tuple[int, dict[str, Any]]:
        form = {"client_id": "registry-frontend", "username": "TESTPROVIDER", "grant_type": "password"}
        form["password"] = password or self.password
        async with self.session.post(f"{self.url}/auth/token", data=form) as reply:
            answer = await reply.json()
            self.token = answer.get("access_token", "")
            return reply.status, answer

    def headers(self, **changed: str) -> dict[str, str]:
        said = {
            "sender_code": "TESTPROVIDER@test",
            "recipient_code": "TESTPAYOR@test",
            "api_call_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "timestamp": str(int(datetime.now(UTC).timestamp() * 1000)),
            **changed,
        }
        return {f"x-hcx-{name}": value for name, value in said.items() if value}

    async def call(self, path: str, document: dict[str, Any], **changed: str) -> tuple[int, dict[str, Any]]:
        plain = Plain(strictjson.dumps(document), self.headers(**changed))
        return await self.post(path, self.seal.seal(plain, Role.REQUEST, datetime.now(UTC)).body)

    async def post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        async with self.session.post(f"{self.url}/{path}", data=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def heard(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The next callback: path, protocol headers, and the document (the headers again for a protocol answer)."""
        path, said, plain = await asyncio.wait_for(self.callbacks.get(), 5)
        return path, said, strictjson.loads(plain.document)

    async def result(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Call, and give the main resource of the answer."""
        status, _ = await self.call(path, document)
        assert status == 202
        _, said, answer = await self.heard()
        assert said["x-hcx-status"] == "response.complete"
        return dict(answer["entry"][0]["resource"])

    async def ledger(self) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.url}/_ledger") as reply:
            return list((await reply.json())["settlements"])

    async def script(self, op: str, do: str) -> None:
        async with self.session.post(f"{self.url}/_script", json={"match": {"op": op}, "do": do}) as reply:
            assert reply.status == 200


@asynccontextmanager
async def connected(keys: Path, ring: KeyRing) -> AsyncIterator[Gateway]:
    """A running exchange and a logged-in gateway, over real sockets."""
    async with ClientSession() as session:
        gateway = Gateway(keys, ring, session)
        async with TestServer(gateway.door()) as door:
            address = str(door.make_url("")).rstrip("/")
            simulator = Hcx(SimulatorSettings(keys=keys, gateway_url=address, delay_s=0, slow_s=0.3))
            async with TestServer(simulator.app()) as server:
                gateway.url = str(server.make_url("")).rstrip("/")
                await gateway.log_in()
                yield gateway
                await simulator.close()
