"""Storage accounts that triggers read: where they are, and what to do while they are not."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from localhost.settings import BadSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

# Azurite's account and key are the same everywhere and public (Microsoft Learn, "Connect to
# Azurite with SDKs and tools").
_AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmE"
    "tlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)
_DEVELOPMENT = "usedevelopmentstorage=true"
_LONGEST_PAUSE_SECONDS = 30.0


def connection_string(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the connection string that the setting ``name`` (of a trigger) stands for.

    Raises:
        BadSettings: it is not set, or is an identity-based connection.
    """
    values = os.environ if environment is None else environment
    for setting in (name, f"AzureWebJobs{name}"):
        text = values.get(setting, "").strip()
        if text:
            return _AZURITE if text.rstrip(";").lower() == _DEVELOPMENT else text
    if any(setting.startswith(f"{name}__") for setting in values):
        raise BadSettings(
            f"{name} is an identity-based connection; this host needs a connection string, such "
            f"as {name}=UseDevelopmentStorage=true for Azurite"
        )
    raise BadSettings(
        f"a trigger needs the setting {name}: a storage connection string, or "
        "UseDevelopmentStorage=true for Azurite on its usual ports"
    )


class Patience:
    """Tells once when a storage account stops answering, and once when it answers again.

    Args:
        what: For the log, for instance ``queue 'orders'``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._failures = 0

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Return what ``call`` returns; after a failure wait a while and return ``None``."""
        try:
            answer = await call()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  the storage SDKs raise of all kinds
            self._failures += 1
            if self._failures == 1:
                log.warning(
                    "%s does not answer and is asked again until it does (%s: %s)",
                    self._what,
                    type(error).__name__,
                    (str(error).strip().splitlines() or [""])[0],
                )
            await asyncio.sleep(min(_LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(self._failures, 10)))
            return None
        if self._failures:
            log.info("%s answers again", self._what)
            self._failures = 0
        return answer
