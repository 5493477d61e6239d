"""The platform's side of the Ant protocol, signed with another library than the simulator's."""

import base64
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from sandbox_support import SAMPLES, Gateway, Peer

NOTIFY = "/partners/ant/notify"
REPORT = (SAMPLES / "ant/01_report_sync_request.xml").read_text("utf-8")


def inside(text: str, tag: str) -> str:
    return text[text.index(f"<{tag}>") + len(tag) + 2 : text.rindex(f"</{tag}>")]


class Signer:
    """The platform's side, with another library than the simulator's."""

    def __init__(self, keys: Path, name: str = "ant-gateway-rsa") -> None:
        self.key: Any = serialization.load_pem_private_key((keys / f"{name}.key.pem").read_bytes(), None)
        self.insurer: Any = serialization.load_pem_public_key((keys / "ant-insurer-rsa.pub.pem").read_bytes())

    def sign(self, signed: bytes) -> str:
        return base64.b64encode(self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())).decode()

    def seal(self, text: str, tag: str = "request") -> bytes:
        signature = self.sign(base64.b64encode(inside(text, tag).encode()))
        return text.replace("<signature></signature>", f"<signature>{signature}</signature>").encode()

    def open(self, body: bytes, tag: str) -> ElementTree.Element:
        text = body.decode()
        document = ElementTree.fromstring(text)
        signature = base64.b64decode(document.findtext("signature") or "")
        signed = base64.b64encode(inside(text, tag).encode())
        self.insurer.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        part = document.find(tag)
        assert part is not None
        return part


def report(number: int = 1, **changes: str) -> str:
    """The published report as a new message; ``changes`` replace texts that stand in it."""
    text = REPORT.replace("20250306100000TEST0001", f"20250306100000TEST{number:04d}")
    text = text.replace("TESTBIZ0000001", changes.pop("biz", f"TESTBIZ{number}"))
    text = text.replace("TESTREPORT0000001", changes.pop("report_no", "TESTREPORT0000001"))
    text = text.replace("TESTP2025000001", changes.pop("policy", "TESTP2025000001"))
    return text.replace('"14431"', f'"{changes.pop("amount", "14431")}"')


class Platform(Peer):
    signer: Signer
    gateway: Gateway

    async def post(self, body: bytes) -> ElementTree.Element:
        headers = {"Content-Type": "application/xml"}
        async with self.session.post(self.url + "/gateway", data=body, headers=headers) as reply:
            return self.signer.open(await reply.read(), "response")

    async def send(self, text: str) -> dict[str, str]:
        answer = await self.post(self.signer.seal(text))
        return {child.tag: child.text or "" for child in answer.findall("body/*")}

    async def code(self, text: str) -> str:
        return (await self.send(text))["errorCode"]

    async def told(self, times: int = 1) -> ElementTree.Element:
        return self.signer.open(await self.gateway.told(NOTIFY, times), "request")

    async def settlement(self) -> dict[str, Any]:
        (one,) = (await self.ledger())["settlements"]
        return one

    def acknowledge(self, _body: bytes) -> web.Response:
        answer = (SAMPLES / "ant/01_report_sync_answer.xml").read_text("utf-8")
        return web.Response(body=self.signer.seal(answer, "response"), content_type="application/xml")
