"""The hospital's side of 惠医保, sealed with OpenSSL and GmSSL: nothing here uses the sandbox's own SM2."""

import json
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gmssl_pyx
from aiohttp import web
from Crypto.IO import PEM
from Crypto.Util.asn1 import DerBitString, DerOctetString, DerSequence
from sandbox_support import SAMPLES, Gateway, Peer, gateway_door, serving

from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.huiyibao import HuiyibaoSimulator

USER_ID = b"1234567812345678"
PATHS = {
    "3.2": "data/sync/patientBasicInfo",
    "3.3": "data/sync/medicalCareInfo",
    "3.4": "data/sync/medicalRecordInfo",
    "3.5": "data/sync/feeInfo",
    "3.6": "data/sync/checkReport",
    "3.7": "data/sync/examineReport",
    "3.8": "data/sync/operationInfo",
    "3.9": "data/sync/invoiceInfo",
    "4.1": "order/advance",
    "4.3": "order/confirm",
    "4.4": "order/query",
    "4.5": "order/cancel",
    "4.6": "order/refund",
}


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _der(path: Path) -> bytes:
    return bytes(PEM.decode(path.read_text())[0])


def raw_private(path: Path) -> bytes:
    inner = DerSequence().decode(DerOctetString().decode(DerSequence().decode(_der(path))[2]).payload)
    return bytes(DerOctetString().decode(inner[1]).payload)


def raw_public(path: Path) -> bytes:
    return bytes(DerBitString().decode(DerSequence().decode(_der(path))[1]).value)[1:]


def from_asn1(der: bytes) -> bytes:
    """OpenSSL and GmSSL speak SEQUENCE(x, y, C3, C2); the wire carries ``04 ‖ C1 ‖ C3 ‖ C2``."""
    x, y, check, cipher = DerSequence().decode(der)
    c3, c2 = (DerOctetString().decode(one).payload for one in (check, cipher))
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big") + c3 + c2


def to_asn1(cipher: bytes) -> bytes:
    x, y = (int.from_bytes(half, "big") for half in (cipher[1:33], cipher[33:65]))
    return bytes(DerSequence([x, y, DerOctetString(cipher[65:97]), DerOctetString(cipher[97:])]).encode())


def openssl_encrypt(public: Path, plain: bytes) -> bytes:
    """``04 ‖ C1 ‖ C3 ‖ C2`` from OpenSSL's ASN.1 form."""
    command = ["openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", str(public), "-pkeyopt", "digest:sm3"]
    return from_asn1(subprocess.run(command, input=plain, check=True, capture_output=True).stdout)


def openssl_decrypt(private: Path, cipher: bytes) -> bytes:
    command = ["openssl", "pkeyutl", "-decrypt", "-inkey", str(private), "-pkeyopt", "digest:sm3"]
    return subprocess.run(command, input=to_asn1(cipher), check=True, capture_output=True).stdout


class Sealer:
    """Seals with the gateway's key for the insurer; ``now_ms`` and ``text`` can be bent by a test."""

    def __init__(self, keys: Path, signer: str = "huiyibao-gateway-sm2") -> None:
        self.keys = keys
        self.private = raw_private(keys / f"{signer}.key.pem")
        self.public = raw_public(keys / f"{signer}.pub.pem")

    def envelope(
        self,
        text: str,
        *,
        now_ms: int | None = None,
        receiver: str = "huiyibao-insurer-sm2",
        hospital: str = "TEST0001",
    ) -> dict[str, Any]:
        cipher = openssl_encrypt(self.keys / f"{receiver}.pub.pem", text.encode()).hex()
        stamp = int(time.time() * 1000) if now_ms is None else now_ms
        part = {"data": cipher, "hospitalCode": hospital, "timeStamp": stamp}
        sign = gmssl_pyx.sm2_sign(self.private, self.public, compact(part).encode(), signer_id=USER_ID)
        return {**part, "sign": sign.hex()}

    def seal(self, record: dict[str, Any]) -> bytes:
        return compact(self.envelope(compact(record))).encode()

    def unseal(self, body: bytes) -> dict[str, Any]:
        """A callback: the insurer's signature must hold, and our key must open it."""
        envelope = json.loads(body)
        part = compact({name: envelope[name] for name in ("data", "hospitalCode", "timeStamp")})
        insurer = raw_public(self.keys / "huiyibao-insurer-sm2.pub.pem")
        assert gmssl_pyx.sm2_verify(insurer, part.encode(), bytes.fromhex(envelope["sign"]), signer_id=USER_ID)
        plain = openssl_decrypt(self.keys / "huiyibao-gateway-sm2.key.pem", bytes.fromhex(envelope["data"]))
        assert plain.decode() == compact(json.loads(plain))
        return json.loads(plain)


class Hospital(Peer):
    sealer: Sealer

    async def raw(self, op: str, body: bytes) -> dict[str, Any]:
        async with self.session.post(self.url + "/hospitalDirect/" + PATHS[op], data=body) as reply:
            return await reply.json()

    async def send(self, op: str, record: dict[str, Any]) -> dict[str, Any]:
        return await self.raw(op, self.sealer.seal(record))

    async def code(self, op: str, record: dict[str, Any]) -> int:
        return (await self.send(op, record))["code"]


PUSHES = {
    "3.2": "3_2_patientBasicInfo",
    "3.3": "3_3_medicalCareInfo",
    "3.4": "3_4_medicalRecordInfo",
    "3.5": "3_5_feeInfo",
}
DECLARED = "/partners/huiyibao/hospitalDirect/order/notificationDeclarationResult"
ANNOUNCED = "/partners/huiyibao/hospitalDirect/order/noticeInsuranceAmount"


def sample(name: str) -> dict[str, Any]:
    return json.loads((SAMPLES / f"huiyibao/{name}_request.json").read_text("utf-8"))


class World:
    def __init__(self, hospital: Hospital, gateway: Gateway) -> None:
        self.hospital = hospital
        self.gateway = gateway

    async def told(self, path: str, times: int = 1) -> dict[str, Any]:
        """Waits for a callback and opens the last one."""
        return self.hospital.sealer.unseal(await self.gateway.told(path, times))

    async def push_all(self) -> None:
        for op, name in PUSHES.items():
            assert await self.hospital.code(op, sample(name)) == 0, op

    async def declare(self) -> None:
        await self.push_all()
        await self.told(DECLARED)

    async def advance(self, **changes: Any) -> dict[str, Any]:
        answer = await self.hospital.send("4.1", sample("4_1_advance") | changes)
        assert answer["code"] == 0, answer
        return answer["data"]

    async def quoted(self, **changes: Any) -> str:
        """A visit up to 4.2; the answer is the ``directPayNo``."""
        await self.declare()
        number = (await self.advance(**changes))["directPayNo"]
        await self.told(ANNOUNCED)
        return number

    async def order(self, op: str, number: str, **more: Any) -> dict[str, Any]:
        return await self.hospital.send(op, {"directPayNo": number, "hospitalCode": "TEST0001", **more})


@asynccontextmanager
async def world_of(keys: Path, **settings: Any) -> AsyncIterator[World]:
    gateway = Gateway()
    gateway.answer = lambda _body: web.json_response({"code": 0, "msg": "", "data": None})
    async with gateway_door(gateway) as url:
        simulator = HuiyibaoSimulator(SimulatorSettings(keys, url, delay_s=0.01, **settings))
        async with serving(simulator) as peer:
            hospital = Hospital(peer.session, peer.url)
            hospital.sealer = Sealer(keys)
            yield World(hospital, gateway)
