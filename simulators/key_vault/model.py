"""The secrets of one vault, each with its versions."""

import uuid
from dataclasses import dataclass

from simulators.key_vault.scripts import SecretScript
from simulators.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret; ``created`` in seconds since 1970, as on the wire."""

    number: str
    value: str
    enabled: bool
    created: int


class Vault:
    """Secrets by name, without regard to case, as the service has it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secrets: dict[str, list[Version]] = {}

    def clear(self) -> None:
        """Have none."""
        self._secrets.clear()

    def put(self, script: SecretScript) -> Version:
        """Add a version and return it."""
        created = int(self._clock.now().timestamp())
        version = Version(uuid.uuid4().hex, script.value, script.enabled, created)
        self._secrets.setdefault(script.name.casefold(), []).append(version)
        return version

    def find(self, name: str, number: str) -> Version | None:
        """Return a version, the current one for an empty number; ``None``: there is none."""
        versions = self._secrets.get(name.casefold(), [])
        wanted = [one for one in versions if number in {"", one.number}]
        return wanted[-1] if wanted else None
