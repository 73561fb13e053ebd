"""Who asks, as far as it counts how often they do: a client and its user, a session, else the address they come from.

Not here: who a caller is to the record (`identity`, `interactions.caller`); an address is nobody in particular.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from careplan.api.forwarded import Networks, source_of

HOUSEHOLD = 64
"""Bits of an IPv6 address that tell networks apart; below, one network has as many addresses as it likes."""


class Asker:
    """Names askers.

    known    the client or session that a request shows itself to be of, when that was found true; None: nobody known
    trusted  proxies whose word counts of where a request comes from
    """

    def __init__(self, known: Callable[[Scope], str | None], trusted: Networks) -> None:
        self._known, self._trusted = known, trusted

    def name(self, scope: Scope) -> str:
        """Who asks."""
        return self._known(scope) or self.place(scope)

    def place(self, scope: Scope) -> str:
        """Where they ask from: one IPv4 address, or one network of IPv6."""
        return _place(source_of(scope, self._trusted))


@lru_cache(maxsize=4096)
def _place(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return "at "
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if isinstance(found, IPv6Address):
        return f"at {ip_network((found, HOUSEHOLD), strict=False)}"
    return f"at {found}"
