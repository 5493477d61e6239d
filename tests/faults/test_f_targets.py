"""Group F, targets (SSRF): an address that somebody gives leads outside or nowhere, by name, spelling, redirect or import."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from support.canary import Canary
from support.workshop import Workshop

from gateway.kernel.errors import LianpeiError, MappingRefused, NotSent
from gateway.wire.http import PartnerClient
from gateway.wire.targets import TargetRefused, Targets

MOVED = b"HTTP/1.1 307 No\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
INNER = ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "169.254.169.254", "[::ffff:10.0.0.1]")
DISGUISED = (
    "file:///etc/passwd",
    "http://hospital.example/",
    "https://good.example@127.0.0.1/",
    "https://127.0.0.1#@good.example/",
    "https://good.example:22/",
    "https://good.example\\@127.0.0.1/",
    "gopher://good.example/",
    "unix:/run/x.sock",
)


@asynccontextmanager
async def _inner(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A service of the house that nobody outside may reach, and who called it."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.read(100))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()


@pytest.mark.parametrize("host", INNER)
async def test_f8_a_hospitals_address_leads_to_nothing_inside(host: str) -> None:
    async with _inner(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, came):
        client = PartnerClient(f"https://{host}:{port}", targets=Targets(ports=[port]))
        with pytest.raises((TargetRefused, NotSent)):
            await client.send("POST", "/hook", {}, {}, b"x", 2.0)
        await client.close()
    assert came == []


@pytest.mark.parametrize("url", DISGUISED)
async def test_f8_a_target_in_disguise_is_refused_by_form_or_by_where_it_leads(url: str) -> None:
    targets = Targets()

    async def called() -> None:
        client = PartnerClient(url, targets=targets)
        await client.send("POST", "/hook", {}, {}, b"x", 2.0)

    with pytest.raises(LianpeiError):
        await called()


async def test_f8_a_redirect_inside_is_an_answer_and_a_name_bound_anew_is_looked_at_again() -> None:
    """The first look says an allowed place; every connection is looked at, and goes to the address that was looked at."""
    answers = iter((["127.0.0.1"], ["10.0.0.1"]))

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    async with _inner(MOVED) as (port, came):
        line = Targets(ports=[port], networks=[ip_network("127.0.0.1/32")], plain=True, resolve=resolve)
        first = PartnerClient(f"http://hospital.example:{port}", targets=line)
        assert (await first.send("POST", "/hook", {}, {}, b"x", 2.0)).status == 307
        await first.close()
        second = PartnerClient(f"http://hospital.example:{port}", targets=line)
        with pytest.raises(TargetRefused):
            await second.send("POST", "/hook", {}, {}, b"x", 2.0)
        await second.close()
    assert len(came) == 1


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with Canary(tmp_path) as bait:
        yield bait


@pytest.mark.parametrize("place", ["{url}", "{file}", "../../canary.txt", "{path}"])
def test_f8_a_schema_or_wsdl_imports_nothing_from_elsewhere(tmp_path: Path, canary: Canary, place: str) -> None:
    where = place.replace("{url}", canary.url).replace("{file}", canary.path_url).replace("{path}", str(canary.file))
    shop = Workshop(tmp_path / "shop")
    xs, ws = "http://www.w3.org/2001/XMLSchema", "http://schemas.xmlsoap.org/wsdl/"
    included = f'<xs:include schemaLocation="{where}"/><xs:element name="a" type="T"/>'
    imported = f'<w:import namespace="urn:x" location="{where}"/>'
    shop.put("schemas/a.xsd", f'<xs:schema xmlns:xs="{xs}">{included}</xs:schema>')
    shop.put("schemas/a.wsdl", f'<w:definitions xmlns:w="{ws}" name="x">{imported}</w:definitions>')
    for target in ("{kind: xml, schema: a.xsd}", "{kind: soap11, wsdl: a.wsdl, operation: x}"):
        with pytest.raises(MappingRefused):
            shop.write("request: {a: =1}\n", target=target)
    assert not canary.touched
