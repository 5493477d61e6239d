"""Addresses that a hospital gives us to call, held so that nobody makes the gateway knock at doors inside the house.

A name is resolved once, every address it has must be allowed, and the connection goes to the address that was looked
at: a name server that answers otherwise a moment later (DNS rebinding) changes nothing. Redirects are answers like any
other and are never followed (``PartnerClient``).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from yarl import URL

from gateway.kernel.errors import NotSent

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to every address of the host, as text. Raises ``OSError``."""

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")


class TargetRefused(NotSent):
    """Nothing was sent: the address may not be called."""

    code = "target-refused"


async def resolve(host: str, port: int) -> list[str]:
    """By the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Targets:
    """Which addresses may be called. ``networks`` are inner networks that an operator opened, such as a private line."""

    ports: Collection[int] = (443,)
    networks: Collection[Network] = ()
    plain: bool = False
    """Whether http may be used; in development only."""
    resolve: Resolve = field(default=resolve)

    def require_form(self, text: str) -> URL:
        """A target as it is written. Raises ``TargetRefused``; the text itself is in no error."""
        try:
            url = URL(text)
            port = url.port
        except ValueError:
            raise TargetRefused("a target is no address", code="target-form", hint="https://host[:port]/path") from None
        if url.scheme not in (("https", "http") if self.plain else ("https",)) or not url.host or url.user:
            raise TargetRefused("a target is not plain https", code="target-form", hint="https://host[:port]/path")
        if port not in self.ports:
            raise TargetRefused("a target's port is not allowed", code="target-port", hint="Use the port agreed.")
        return url

    async def pin(self, host: str, port: int) -> str:
        """The one address to connect to now. Raises ``TargetRefused``."""
        if port not in self.ports:
            raise TargetRefused("a target's port is not allowed", code="target-port", hint="Use the port agreed.")
        try:
            found = await self.resolve(host, port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise TargetRefused("a target's name is not known", code="target-unresolved", hint="Check the host's name.")
        if not all(self.allows(address) for address in found):
            raise TargetRefused(
                "a target lies in a network that is not called",
                code="target-address",
                hint="Give a public address, or have the operator open the private line's network.",
            )
        return found[0]

    def allows(self, address: str) -> bool:
        """Public, or in a network that was opened. An IPv4 address inside an IPv6 one counts as what it is."""
        try:
            inner = _inner(ip_address(address))
        except ValueError:
            return False
        return (inner.is_global and not inner.is_multicast and not inner.is_reserved) or any(
            inner in network for network in self.networks
        )


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or address in _NAT64_LOCAL or not int(address) >> 32:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
