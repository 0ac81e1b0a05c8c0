"""Azure Web PubSub, by its REST calls; the local host answers the same ones.

Source: Microsoft Learn, "Web PubSub REST API", data plane 2024-12-01: generate client token,
send to all.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from shared.domain.errors import Unavailable
from shared.domain.urls import is_loopback
from shared.ports.push import Address, Poke

HUB = "mend"
_VERSION = "2024-12-01"
_SCOPE = "https://webpubsub.azure.com/.default"
_MINUTES = 60
_TIMEOUT_SECONDS = 5.0


class WebPubSub:
    """Sends to one hub.

    Args:
        endpoint: Such as ``https://mend.webpubsub.azure.com``; on this machine plain http.
        credential: Makes what gets tokens; not used on loopback.
    """

    def __init__(self, endpoint: str, credential: Callable[[], Any]) -> None:
        self._endpoint = endpoint.rstrip("/")
        host = urlsplit(self._endpoint).hostname
        self._is_local = is_loopback(host)
        self._credential = credential

    async def address(self, user: str) -> Address:
        """See the protocol."""
        asked = {"userId": user, "minutesToExpire": str(_MINUTES)}
        answer = await self._post(":generateToken", asked, None)
        parts = urlsplit(self._endpoint)
        scheme = "wss" if parts.scheme == "https" else "ws"
        token = quote(str(answer.json()["token"]), safe="")
        url = f"{scheme}://{parts.netloc}/client/hubs/{HUB}?access_token={token}"
        return Address(url=url, expires_in=_MINUTES * 60)

    async def tell(self, poke: Poke) -> None:
        """See the protocol."""
        await self._post(":send", {}, poke.model_dump(mode="json"))

    async def _post(self, call: str, params: dict[str, str], body: object) -> httpx.Response:
        url = f"{self._endpoint}/api/hubs/{HUB}/{call}"
        try:
            async with httpx.AsyncClient(
                timeout=_TIMEOUT_SECONDS, trust_env=not self._is_local
            ) as http:
                answer = await http.post(
                    url,
                    params={**params, "api-version": _VERSION},
                    json=body,
                    headers=await self._headers(),
                )
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"Web PubSub: {type(error).__name__}") from error
        return answer

    async def _headers(self) -> dict[str, str]:
        if self._is_local:
            return {}
        async with self._credential() as credential:
            token = await credential.get_token(_SCOPE)
        return {"Authorization": f"Bearer {token.token}"}
