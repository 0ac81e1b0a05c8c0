"""Posts to our own webhook over the network, signed as any sender's alert may be."""

import hmac
import time
from hashlib import sha256

from shared.domain.errors import Transient

_TIMEOUT_SECONDS = 20.0


class OwnWebhook:
    """Sends canaries.

    Args:
        url: Of the webhook.
        secret: What the webhook verifies signatures with.
    """

    def __init__(self, url: str, secret: bytes) -> None:
        self._url = url
        self._secret = secret

    async def __call__(self, body: bytes) -> str:
        """Post ``body`` and return the id of its ticket.

        Raises:
            Transient: no answer, or none that names a ticket.
        """
        import httpx

        stamp = str(int(time.time()))
        digest = hmac.digest(self._secret, stamp.encode() + b"." + body, sha256).hex()
        headers = {
            "Content-Type": "application/json",
            "X-Mend-Timestamp": stamp,
            "X-Mend-Signature": f"sha256={digest}",
        }
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
                response = await client.post(self._url, content=body, headers=headers)
            if response.status_code == 202:
                return str(response.json()["tickets"][0]["ticket_id"])
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise Transient("mend", f"the canary got no answer: {error}") from error
        raise Transient("mend", f"the canary was answered {response.status_code}")
