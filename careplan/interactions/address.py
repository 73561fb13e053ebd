"""Which addresses this service may ask: those whose answer nobody between can change.

https://www.rfc-editor.org/rfc/rfc9700 §2.6
"""

from ipaddress import ip_address
from urllib.parse import urlsplit


def check_address(uri: str) -> None:
    """Raises ValueError unless this is https, or plain http to this very machine, for tests and demos."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.fragment:
        raise ValueError("an issuer's address names a host, and neither user nor fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host)):
        return
    raise ValueError("an issuer is reached by https, or by http on this machine alone")


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address is a loopback one."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
