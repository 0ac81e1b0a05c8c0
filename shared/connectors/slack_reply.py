"""A word to the person who has clicked, by the address that came with the click.

Slack, "Handling user interaction": of the answer to a click only the status is looked at; what
is to be said goes to its ``response_url``, which is good for half an hour and is a key: it is
in no message and no log. Its host is the one in that page's samples.
"""

import asyncio
from urllib.parse import urlsplit

from shared.connectors.http_wire import checked, posting, session
from shared.connectors.slack_message import escaped
from shared.domain.urls import is_loopback

_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
# Slack waits three seconds for the answer to the click itself.
_PATIENCE_SECONDS = 2.0


async def reply(url: str, text: str, *, local: bool) -> bool:
    """Show ``text`` to that person alone; ``False``: ``url`` is none of Slack's.

    Args:
        local: Slack itself is on this machine, and so may ``url`` be.

    Raises:
        ConnectorError: it was not taken.
        TimeoutError: it took too long.
    """
    if not _is_slacks(url, local=local):
        return False
    body = {"response_type": "ephemeral", "replace_original": False, "text": escaped(text)}
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        posting("slack", "response_url", changes=False),
        session(_PATIENCE_SECONDS, local=local) as client,
    ):
        answer = await client.post(url, json=body)
        checked("slack", "response_url", answer, changes=False)
    return True


def _is_slacks(url: str, *, local: bool) -> bool:
    """Tell whether an address that came in a request may be called."""
    try:
        parts = urlsplit(url)
        host, port, login = parts.hostname, parts.port, parts.username or parts.password
    except ValueError:
        return False
    if local and is_loopback(host) and parts.scheme == "http":
        return True
    return parts.scheme == "https" and host in _HOSTS and port in {None, 443} and not login
