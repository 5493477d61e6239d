"""An address that a hospital gave leads outside, to the very place that was looked at, or nowhere."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.wire.http import PartnerClient
from gateway.wire.keys import KeyRing
from gateway.wire.targets import TargetRefused, Targets
from gateway.wire.tls import client_context, server_context

LOOP2 = ip_network("127.0.0.2/32")

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "fe80::1%eth0",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_inner_or_reserved_address_is_not_called(address: str) -> None:
    assert not Targets().allows(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "114.114.114.114", "2400:3200::1", "64:ff9b::808:808"])
def test_a_public_address_is_called(address: str) -> None:
    assert Targets().allows(address)


def test_an_operator_may_open_a_private_line() -> None:
    targets = Targets(networks=[ip_network("10.20.0.0/16")])

    assert targets.allows("10.20.3.4")
    assert targets.allows("::ffff:10.20.3.4")
    assert not targets.allows("10.21.0.1")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("http://hospital.example/hook", "target-form"),
        ("ftp://hospital.example/", "target-form"),
        ("file:///etc/passwd", "target-form"),
        ("unix:/run/docker.sock", "target-form"),
        ("unix:///run/docker.sock", "target-form"),
        ("http+unix://%2Frun%2Fdocker.sock/", "target-form"),
        ("https+unix://%2Frun%2Fdocker.sock/", "target-form"),
        ("gopher://hospital.example:443/_x", "target-form"),
        ("data:text/plain,x", "target-form"),
        ("javascript:alert(1)", "target-form"),
        ("jar:https://hospital.example!/", "target-form"),
        ("wss://hospital.example/", "target-form"),
        ("//hospital.example/", "target-form"),
        ("hospital.example/hook", "target-form"),
        ("/run/docker.sock", "target-form"),
        ("", "target-form"),
        ("https://user:pw@hospital.example/", "target-form"),
        ("https:///nowhere", "target-form"),
        ("https://hospital.example:99999/", "target-form"),
        ("https://hospital.example:22/", "target-port"),
        ("https://hospital.example:9464/", "target-port"),
    ],
)
def test_a_target_is_plain_https_on_an_allowed_port(text: str, code: str) -> None:
    with pytest.raises(TargetRefused) as told:
        Targets().require_form(text)
    assert told.value.error_code == code
    assert "hospital.example" not in str(told.value)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_the_systems_resolver_is_held_too(host: str) -> None:
    """However loopback is spelt, the resolver says where it leads, and there nobody is called."""
    async with listening("127.0.0.1") as (port, called):
        client = PartnerClient(f"https://{host}:{port}", targets=Targets(ports=[port]))
        with pytest.raises(TargetRefused) as told:
            await client.send("POST", "/hook", {}, {}, b"x", 3.0)
        await client.close()
    assert told.value.error_code in ("target-address", "target-unresolved")
    assert called == []


async def test_a_name_that_nobody_knows_is_told_apart() -> None:
    with pytest.raises(TargetRefused) as told:
        await Targets().pin("nobody.invalid", 443)
    assert told.value.error_code == "target-unresolved"


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(TargetRefused) as told:
        await Targets(resolve=both).pin("hospital.example", 443)
    assert told.value.error_code == "target-address"


@asynccontextmanager
async def listening(
    address: str, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[str]]]:
    """A peer that counts its callers and sends each elsewhere; its port and their requests."""
    called: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:1/inner\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, address, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], called
    finally:
        server.close()


class Rebinding:
    """A name server that says the allowed address first and loopback from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return ["127.0.0.2"] if self.asked == 1 else ["127.0.0.1"]


async def test_a_name_that_is_bound_anew_between_look_and_call_leads_to_the_place_that_was_looked_at() -> None:
    """Looked at once per connection: the second connection is looked at again, and refused."""
    resolver = Rebinding()
    async with listening("127.0.0.2") as (port, outer), listening("127.0.0.1", port) as (_, inner):
        targets = Targets(ports=[port], networks=[LOOP2], plain=True, resolve=resolver)
        client = PartnerClient(f"http://hospital.example:{port}", targets=targets)
        answer = await client.send("POST", "/hook", {}, {}, b"x", 3.0)
        await client.close()
        other = PartnerClient(f"http://hospital.example:{port}", targets=targets)
        with pytest.raises(TargetRefused):
            await other.send("POST", "/hook", {}, {}, b"x", 3.0)
        await other.close()

    assert (answer.status, len(outer), inner) == (307, 1, [])
    assert resolver.asked == 2, "once per connection, and a refusal is not tried again"


async def test_the_certificate_is_still_held_to_the_name(key_directory: Path, keys: KeyRing) -> None:
    """The connection goes to an address; TLS asks for the host's name."""

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.2"]

    tls = client_context(key_directory / "ca.cert.pem", keys)
    async with listening("127.0.0.2", tls=server_context(keys, "gateway-tls")) as (port, called):
        targets = Targets(ports=[port], networks=[LOOP2], resolve=here)
        good = PartnerClient(f"https://localhost:{port}", tls=tls, targets=targets)
        assert (await good.send("POST", "/hook", {}, {}, b"x", 3.0)).status == 307
        await good.close()
        bad = PartnerClient(f"https://hospital.example:{port}", tls=tls, targets=targets)
        with pytest.raises(Exception, match="no connection to the peer"):
            await bad.send("POST", "/hook", {}, {}, b"x", 1.0)
        await bad.close()
    assert len(called) == 1
    assert socket.gethostbyname("localhost") == "127.0.0.1"
