"""The hospital's side of the package protocol, encrypted with another library than the simulator's."""

import base64
import itertools
import json
from decimal import Decimal
from typing import Any

import msgspec
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sandbox_support import AES_KEY, APP_SECRET, Peer, sample

ADDRESS = "/biz/inbound/s?senderCode=990000001&providerCode="
_serial = itertools.count(1)


def seal(text: bytes, key: bytes = AES_KEY) -> bytes:
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize())


def unseal(body: bytes) -> dict[str, Any]:
    decryptor = Cipher(algorithms.AES(AES_KEY), modes.ECB()).decryptor()
    padded = decryptor.update(base64.b64decode(body)) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return json.loads(unpadder.update(padded) + unpadder.finalize(), parse_float=Decimal)["package"]


def encode(message: dict[str, Any]) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(message)


def fresh(name: str) -> dict[str, Any]:
    """A sample under a number of its own, as every new message has one."""
    message = sample(f"package/{name}.json")
    message["package"]["head"]["sendTradeNum"] = f"20250305091330-990000001-{next(_serial):06d}"
    return message


class Hospital(Peer):
    token = ""

    async def log_in(self, secret: str = APP_SECRET) -> dict[str, Any]:
        query = {"appId": "TESTAPP", "secret": secret, "grant_type": "client_credentials"}
        async with self.session.get(self.url + "/api/token/access_token", params=query) as reply:
            answer = await reply.json()
        self.token = (answer["data"] or {}).get("access_token", "")
        return answer

    async def post(self, body: bytes) -> tuple[int, bytes]:
        headers = {"access_token": self.token, "Content-Type": "application/json;charset=utf-8"}
        async with self.session.post(self.url + ADDRESS, data=body, headers=headers) as reply:
            return reply.status, await reply.read()

    async def send(self, message: dict[str, Any]) -> dict[str, Any]:
        _, body = await self.post(seal(encode(message)))
        return unseal(body)

    async def code(self, message: dict[str, Any]) -> str:
        return (await self.send(message))["additionInfo"]["errorCode"]

    async def all_good(self, *names: str) -> None:
        for name in names:
            assert await self.code(fresh(name)) == "0", name


OUTPATIENT = ("01_S200_request", "02_S210_request", "05_S250_request")
