"""Tell the built dashboard where the API is; the folder is what ``npm run build`` has made.

    python3 scripts/dashboard_config.py dashboard/dist --api https://func-mend-x.azurewebsites.net

Writes ``config.json``, which the page reads first, and lets the content security policy of
``staticwebapp.config.json`` connect there. Both are the only difference between two environments.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit


def configure(folder: Path, api: str, client_id: str, tenant_id: str) -> None:
    """Write both files.

    Args:
        api: Base of the API, without ``/api``.
        client_id: Of the app registration that people sign in to.

    Raises:
        ValueError: ``api`` is no https origin, or the policy has no ``connect-src``.
    """
    parts = urlsplit(api)
    if parts.scheme != "https" or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(f"{api!r} must be an https origin")
    origin = f"https://{parts.netloc}"
    page = {"api": f"{origin}/api", "client_id": client_id, "tenant_id": tenant_id}
    (folder / "config.json").write_text(json.dumps(page, indent=2) + "\n", encoding="utf-8")

    path = folder / "staticwebapp.config.json"
    site = json.loads(path.read_text(encoding="utf-8"))
    policy = site["globalHeaders"]["Content-Security-Policy"]
    allowed = f"connect-src 'self' {origin} https://login.microsoftonline.com"
    changed, found = re.subn(r"connect-src 'self'", allowed, policy, count=1)
    if not found:
        raise ValueError(f"{path}: the policy has no connect-src 'self'")
    if origin not in policy:
        site["globalHeaders"]["Content-Security-Policy"] = changed
    path.write_text(json.dumps(site, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Do it; azd gives the values of a deployment in the environment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--api", default=os.environ.get("MEND_API_URL"))
    parser.add_argument("--client-id", default=os.environ.get("MEND_CLIENT_ID", ""))
    parser.add_argument("--tenant-id", default=os.environ.get("AZURE_TENANT_ID", ""))
    chosen = parser.parse_args(arguments)
    if not chosen.api:
        parser.error("--api, or MEND_API_URL, must say where the API is")
    configure(chosen.folder, chosen.api, chosen.client_id, chosen.tenant_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
