"""Where this service calls out to: its issuer, and to nothing inside our own network that the issuer may lead it to.

A name is resolved once, every address that it has is looked at, and the connection goes to one of those: a name that
leads elsewhere the next time it is asked leads nowhere. The name itself is what the certificate is held against.
Redirects are not followed, and answers have their limits (`answer`). Where the environment names a proxy for https, the
proxy resolves names and decides what may be reached. Not here: that it is https (`interactions.address`).
https://owasp.org/Top10/A10_2021-Server-Side_Request_Forgery_%28SSRF%29/
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.request import getproxies

import httpx

from careplan.interactions.address import is_this_machine

Networks = Sequence[IPv4Network | IPv6Network]

_EMBEDDING = tuple(ip_network(one) for one in ("64:ff9b::/96", "2002::/16", "2001::/32"))
"""IPv6 networks in which an IPv4 address is hidden: NAT64, 6to4 and Teredo. Nobody's issuer is there."""


class AddressRefused(httpx.ConnectError):
    """The name leads to where this service does not call."""


class Outward(httpx.AsyncBaseTransport):
    """Connections to public addresses, and to those that are allowed.

    allowed   networks that are not public and where an issuer may be all the same
    loopback  whether the issuer is on this very machine, as in tests and demos
    """

    def __init__(self, allowed: Networks = (), *, loopback: bool = False) -> None:
        self._allowed, self._loopback = allowed, loopback
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused, and what a connection raises."""
        host, port = request.url.host, request.url.port or {"https": 443, "http": 80}[request.url.scheme]
        found = await _addresses(host, port)
        for one in found:
            if not self._may(one, host):
                raise AddressRefused("the name leads to an address that this service does not call", request=request)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=str(found[0]))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def _may(self, address: IPv4Address | IPv6Address, host: str) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        if any(plain in network for network in self._allowed):
            return True
        if plain.is_loopback:
            return self._loopback and is_this_machine(host)
        return plain.is_global and not plain.is_multicast and not any(plain in network for network in _EMBEDDING)


async def _addresses(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    """What a name resolves to. Raises httpx.ConnectError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
    except (OSError, UnicodeError, ValueError) as error:
        raise httpx.ConnectError("the name is not known") from error


def outward_client(allowed: Networks, *named: str) -> httpx.AsyncClient:
    """A client for one exchange with the issuer. named: its addresses by our own settings"""
    here = any(is_this_machine(httpx.URL(one).host) for one in named)
    if {"https", "all"} & getproxies().keys() and not here:
        return httpx.AsyncClient(follow_redirects=False)
    return httpx.AsyncClient(transport=Outward(allowed, loopback=here), follow_redirects=False, trust_env=False)
