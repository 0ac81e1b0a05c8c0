"""Tell the built dashboard where the API is; the folder is what ``npm run build`` has made.

    python3 scripts/dashboard_config.py dashboard/dist --client-id CLIENT_ID --tenant-id TENANT_ID
        --api https://func-mend-x.azurewebsites.net

Writes ``config.json``, which the page reads first, and lets the content security policy of
``staticwebapp.config.json`` connect to the API and to where people sign in. Both are the only
difference between two environments. With ``--to`` the folder stays as it is and another one gets it
all: on one machine, ``python -m localhost --site`` serves that, with ``--api /api``.
"""

import argparse
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

OWN = "/api"
"""The API of the host that serves the pages."""

_ENTRA = "https://login.microsoftonline.com/{tenant}/v2.0"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Origins that were allowed before are not kept: they may be those of another environment.
_ALLOWED = re.compile(r"connect-src 'self'(?: https?://[^\s;]+)*")


@dataclass(frozen=True)
class SignIn:
    """Where people sign in.

    Attributes:
        client_id: Of the app registration.
        tenant_id: Whose Entra ID; not needed with another authority.
        authority: Of an OpenID provider; empty: Entra ID's of the tenant.
        scope: What an access token is asked for; empty: ``CLIENT_ID/.default``.
    """

    client_id: str
    tenant_id: str = ""
    authority: str = ""
    scope: str = ""

    def page(self) -> dict[str, str]:
        """Return what the page is told.

        Raises:
            ValueError: nothing says whose provider it is, or it is not reached by https.
        """
        if not (self.tenant_id or self.authority):
            raise ValueError("a client id needs a tenant id, or an authority")
        authority = self.authority or _ENTRA.format(tenant=self.tenant_id)
        _origin(authority, "the authority")
        told = {"client_id": self.client_id, "tenant_id": self.tenant_id, "authority": authority}
        return {**told, "scope": self.scope} if self.scope else told


def configure(folder: Path, api: str, sign_in: SignIn | None = None) -> None:
    """Write both files.

    Args:
        api: Base of the API, without ``/api``; or ``/api``: beside the pages.
        sign_in: Without, the page shows no token, and an API that demands one refuses it.

    Raises:
        ValueError: ``api`` is no https origin, or the policy has no ``connect-src``.
    """
    origins = []
    if api != OWN:
        if urlsplit(api).scheme != "https" or urlsplit(api).path not in {"", "/"}:
            raise ValueError(f"{api!r} must be an https origin")
        origins.append(_origin(api, "the API"))
    page = {"api": f"{''.join(origins)}{OWN}"}
    if sign_in is not None:
        page |= sign_in.page()
        origins.append(_origin(page["authority"], "the authority"))
    (folder / "config.json").write_text(json.dumps(page, indent=2) + "\n", encoding="utf-8")

    path = folder / "staticwebapp.config.json"
    site = json.loads(path.read_text(encoding="utf-8"))
    allowed = " ".join(["connect-src 'self'", *origins])
    policy = site["globalHeaders"]["Content-Security-Policy"]
    changed, found = _ALLOWED.subn(allowed, policy, count=1)
    if not found:
        raise ValueError(f"{path}: the policy has no connect-src 'self'")
    site["globalHeaders"]["Content-Security-Policy"] = changed
    path.write_text(json.dumps(site, indent=2) + "\n", encoding="utf-8")


def copied(folder: Path, to: Path) -> Path:
    """Return ``to`` with everything that is in ``folder``."""
    return Path(shutil.copytree(folder, to, dirs_exist_ok=True))


def _origin(url: str, what: str) -> str:
    """Return the origin of an address that goes into a security policy.

    Raises:
        ValueError: it has none, or is plain http elsewhere than on this machine.
    """
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not re.fullmatch(r"[\w.:\[\]-]+", parts.netloc):
        raise ValueError(f"the origin of {what} must be https, and {url!r} is not")
    return f"{parts.scheme}://{parts.netloc}"


def main(arguments: list[str] | None = None) -> int:
    """Do it; azd gives the values of a deployment in the environment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, help="write to a copy here")
    parser.add_argument("--api", default=os.environ.get("MEND_API_URL"), help="origin, or /api")
    parser.add_argument("--client-id", default=os.environ.get("MEND_CLIENT_ID", ""))
    parser.add_argument("--tenant-id", default=os.environ.get("AZURE_TENANT_ID", ""))
    parser.add_argument("--authority", default="", help="default: Entra ID's of the tenant")
    parser.add_argument("--scope", default="", help="default: CLIENT_ID/.default")
    chosen = parser.parse_args(arguments)
    if not chosen.api:
        parser.error("--api, or MEND_API_URL, must say where the API is")
    sign_in = None
    if chosen.client_id:
        sign_in = SignIn(chosen.client_id, chosen.tenant_id, chosen.authority, chosen.scope)
    elif chosen.api != OWN:
        parser.error("--client-id, or MEND_CLIENT_ID, must say what people sign in to")
    folder = copied(chosen.folder, chosen.to) if chosen.to else chosen.folder
    configure(folder, chosen.api, sign_in)
    return 0


if __name__ == "__main__":
    sys.exit(main())
