"""The identity simulator in this process, its time standing still."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest

from shared.security.credentials import Credential
from shared.security.entra import KeySet
from simulators.identity.app import create
from simulators.kit.clock import ManualClock, SystemClock
from simulators.kit.serving import Surroundings
from tests.unit.security.requests import credentials

TENANT = "00000000-0000-4000-8000-0000000000aa"
AUDIENCE = "api://mend"
APP_ID = "461e8683-5575-4561-ac7f-899cc907d62a"
ROLE = "ActionGroupsSecureWebhook"
URL = f"http://127.0.0.1/{TENANT}/discovery/v2.0/keys"
_CLOCK = ManualClock(SystemClock())
_APP = create(Surroundings(_CLOCK)).app  # one for all tests: a key takes a tenth of a second


def entra(**fields: str) -> tuple[Credential, ...]:
    """The credential of Azure Monitor, with the keys of the simulator."""
    given = {"tenant": TENANT, "audience": AUDIENCE, "jwks_url": URL, **fields}
    pairs = ", ".join(f'"{name}": "{value}"' for name, value in given.items())
    return credentials(f"{{{pairs}}}")


@dataclass(frozen=True, slots=True)
class Provider:
    """The simulator and a key set that reads from it."""

    http: httpx.AsyncClient
    transport: httpx.ASGITransport
    keys: KeySet

    @property
    def now(self) -> datetime:
        """The simulator's time."""
        return _CLOCK.now()

    def key_sets(self, url: str) -> KeySet:
        """Return the key set, for its own address only."""
        assert url == URL
        return self.keys

    async def token(self, claims: Mapping[str, object] | None = None, **fields: object) -> str:
        """Return a token as Azure Monitor sends it, but for what is given."""
        caller = "appid" if fields.get("version") == 1 else "azp"
        usual = {"aud": AUDIENCE, caller: APP_ID, "roles": [ROLE]}
        body = {"tenant": TENANT, "claims": {**usual, **(claims or {})}, **fields}
        answer = await self.http.post("/_sim/identity/tokens", json=body)
        return str(answer.raise_for_status().json()["token"])

    async def rotate(self, *, keep: bool = True) -> None:
        """Sign with a new key."""
        answer = await self.http.post("/_sim/identity/rotations", json={"keep": keep})
        answer.raise_for_status()

    async def fault(self, name: str, **fields: object) -> None:
        """Let the next reading of the keys go wrong."""
        body = {"action": "getKeys", "fault": name, **fields}
        (await self.http.post("/_sim/faults", json=body)).raise_for_status()

    async def readings(self) -> int:
        """Return how often the keys were asked for."""
        answer = await self.http.get("/_sim/ledger?action=getKeys")
        return len(answer.json()["entries"])

    async def public_key(self) -> dict[str, str]:
        """Return the newest published key; not by the way that is counted."""
        async with httpx.AsyncClient(transport=self.transport) as other:
            answer = await other.get(URL)
        found: dict[str, str] = answer.json()["keys"][0]
        return found


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider with one key, and a key set that has read nothing yet."""
    transport = httpx.ASGITransport(app=_APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        await http.post("/_sim/reset")
        yield Provider(http, transport, KeySet(URL, transport=transport))
