"""``--sign-in``: a simulated Entra ID beside the demo, with somebody in each role."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scripts.dashboard_config import OWN, SignIn, configure, copied
from simulators.client import IdentitySimulator

TENANT = "00000000-0000-4000-8000-0000000000bb"
CLIENT_ID = "00000000-0000-4000-8000-0000000000d1"
PEOPLE = {
    "vera.viewer@example.com": "Mend.Viewer",
    "otto.operator@example.com": "Mend.Operator",
    "anna.approver@example.com": "Mend.Approver",
    "ben.approver@example.com": "Mend.Approver",
    "adam.admin@example.com": "Mend.Admin",
}
_SENDER = "password-of-the-demo"
_SOURCES = ("adf", "azure-monitor", "databricks")


@dataclass(frozen=True, slots=True)
class Reception:
    """The provider, and the pages that know of it.

    Attributes:
        site: Folder to serve; empty until :meth:`furnish`.
    """

    identity: IdentitySimulator
    site: Path

    @classmethod
    @contextmanager
    def open(cls, folder: Path, url: str) -> Iterator[Self]:
        """Start the provider for a Mend that will be at ``url``."""
        with IdentitySimulator.start() as identity:
            identity.register(TENANT, CLIENT_ID, [f"{url}/sign-in"])
            for name, role in PEOPLE.items():
                identity.invite(name, role)
            yield cls(identity, folder / "site")

    def settings(self) -> dict[str, str]:
        """Return settings of a host that demands a sign-in."""
        secrets = {source: {"type": "bearer", "token": _SENDER} for source in _SOURCES}
        return {
            "MEND_AUTH": "jwt",
            "MEND_AUTH_TENANT": TENANT,
            "MEND_AUTH_AUDIENCE": CLIENT_ID,
            "MEND_AUTH_JWKS_URL": self.identity.keys_url(TENANT),
            "MEND_WEBHOOK_SECRETS": json.dumps(secrets),
        }

    def furnish(self, dist: Path) -> None:
        """Give the host the built pages, told where to sign in."""
        authority = self.identity.authority(TENANT)
        configure(copied(dist, self.site), OWN, SignIn(CLIENT_ID, TENANT, authority))

    def as_sender(self) -> dict[str, str]:
        """Return what whoever reports failures shows."""
        return {"Authorization": f"Bearer {_SENDER}"}

    def as_viewer(self) -> dict[str, str]:
        """Return what a program shows that looks."""
        claims = {"aud": CLIENT_ID, "oid": "demo", "name": "demo", "roles": ["Mend.Viewer"]}
        return {"Authorization": f"Bearer {self.identity.token(TENANT, claims)}"}
