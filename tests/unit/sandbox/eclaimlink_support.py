"""A provider's side for the post office's tests, signing with the gateway's own seal."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from lxml import etree

from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.eclaimlink import EClaimLink
from gateway.sandbox.eclaimlink.security import SOAP
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal

NS = "urn:test:postoffice:v2"


class Provider:
    """A provider's side, signing with the gateway's own seal: another implementation than the post office's."""

    def __init__(self, keys: Path, ring: KeyRing, session: ClientSession, url: str) -> None:
        config = {"profile": "wsse-x509", "own_key": "eclaimlink-gateway-rsa", "peer_key": "eclaimlink-insurer-rsa"}
        self.seal: Seal = build_seal(config, ring)
        self.password = (keys / "eclaimlink-pwd.secret").read_text().strip()
        self.session, self.url = session, url
        self.raw = b""

    def envelope(self, operation: str, **members: str) -> bytes:
        texts = {"login": "TESTLOGIN", "pwd": self.password, **members}
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
        body = f'<{operation} xmlns="{NS}">{inner}</{operation}>'
        return f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'.encode()

    def signed(self, operation: str, **members: str) -> bytes:
        return self.seal.seal(Plain(self.envelope(operation, **members)), Role.REQUEST, datetime.now(UTC)).body

    async def post(self, content: bytes) -> tuple[int, dict[str, str]]:
        """Status and the answer's members, after the answer's signature was verified."""
        async with self.session.post(f"{self.url}/postoffice", data=content) as reply:
            self.raw = await reply.read()
            opened = self.seal.open(self.raw, Role.ANSWER, datetime.now(UTC))
            body = etree.fromstring(opened.document).find(f"{{{SOAP}}}Body")
            return reply.status, {etree.QName(child).localname: child.text or "" for child in body[0]}

    async def call(self, operation: str, **members: str) -> dict[str, str]:
        status, answer = await self.post(self.signed(operation, **members))
        assert status == 200
        return answer

    async def upload(self, content: str, name: str = "clm-1.xml") -> dict[str, str]:
        return await self.call(
            "UploadTransaction", fileContent=base64.b64encode(content.encode()).decode(), fileName=name
        )

    async def remittance(self) -> etree._Element:
        listed = await self.call("GetNewTransactions", SenderID="TESTFAC1")
        (file,) = etree.fromstring(listed["xmlTransactions"])
        fetched = await self.call("DownloadTransactionFile", fileId=file.get("FileID"))
        return etree.fromstring(base64.b64decode(fetched["file"]))

    async def ledger(self) -> list[dict[str, object]]:
        async with self.session.get(f"{self.url}/_ledger") as reply:
            return list((await reply.json())["settlements"])

    async def script(self, operation: str, do: str) -> None:
        async with self.session.post(f"{self.url}/_script", json={"match": {"op": operation}, "do": do}) as reply:
            assert reply.status == 200


def claim_file(
    nets: list[str],
    *,
    share: str = "0.00",
    others: str = "",
    member: str = "TP1",
    encounter: str = "1",
    claim_id: str = "clm-1",
    gross: str = "",
    extra: str = "",
) -> str:
    """A Claim.Submission with one claim; ``nets`` are the ordinary activities."""
    total = sum(map(Decimal, nets))
    activities = [(f"A-{number}", "8", "YN00001", net) for number, net in enumerate(nets, 1)]
    if others:
        activities.append(("OTHER-PAYERS", "8", "OTHER-PAYERS", others))
    rows = "".join(
        f"<Activity><ID>{id_}</ID><Start>05/03/2025 09:20</Start><Type>{type_}</Type><Code>{code}</Code>"
        f"<Quantity>1.00</Quantity><Net>{net}</Net><Clinician>DOC1</Clinician></Activity>"
        for id_, type_, code, net in activities
    )
    return (
        "<Claim.Submission><Header><SenderID>TESTFAC1</SenderID><ReceiverID>TESTPAY1</ReceiverID>"
        "<TransactionDate>06/03/2025 08:00</TransactionDate><RecordCount>1</RecordCount>"
        f"<DispositionFlag>TEST</DispositionFlag></Header><Claim><ID>{claim_id}</ID><MemberID>{member}</MemberID>"
        f"<PayerID>TESTPAY1</PayerID><ProviderID>TESTFAC1</ProviderID><EmiratesIDNumber>N/A</EmiratesIDNumber>"
        f"<Gross>{gross or total}</Gross><PatientShare>{share}</PatientShare><Net>{total - Decimal(share)}</Net>"
        f"<Encounter><FacilityID>F1</FacilityID><Type>{encounter}</Type><PatientID>P1</PatientID>"
        "<Start>05/03/2025 09:12</Start></Encounter><Diagnosis><Type>Principal</Type><Code>J06.9</Code></Diagnosis>"
        f"{rows}{extra}</Claim></Claim.Submission>"
    )


def payments(advice: etree._Element) -> list[str]:
    return [str(one.text) for one in advice.iter("PaymentAmount")]


@asynccontextmanager
async def connected(keys: Path, ring: KeyRing) -> AsyncIterator[Provider]:
    """A running post office and a provider, over real sockets."""
    simulator = EClaimLink(SimulatorSettings(keys=keys, gateway_url="http://unused.test", delay_s=0))
    async with TestServer(simulator.app()) as server, ClientSession() as session:
        yield Provider(keys, ring, session, str(server.make_url("")).rstrip("/"))
    await simulator.close()
