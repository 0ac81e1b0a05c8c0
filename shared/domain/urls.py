"""Where a secret may be sent to, and where a key may be read from."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit


def safe_url(value: str) -> str:
    """Return ``value`` unchanged if it is an https URL, or plain http on loopback.

    Raises:
        ValueError: it is neither; the message does not quote it.
    """
    wrong = ValueError("must be an https URL; plain http is allowed on loopback only")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise wrong from None
    loopback = parts.scheme == "http" and is_loopback(parts.hostname)
    if re.search(r"[\s\x00-\x1f]", value) or not parts.hostname:
        raise wrong
    if not (parts.scheme == "https" or loopback):
        raise wrong
    return value


def is_loopback(host: str | None) -> bool:
    """Tell whether ``host`` can only be reached from this machine."""
    if host in {"localhost", None}:
        return host is not None
    try:
        return ip_address(str(host)).is_loopback
    except ValueError:
        return False
