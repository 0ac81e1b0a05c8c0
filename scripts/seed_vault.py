"""Put into the key vault what the app cannot start without, if it is not there yet.

azd runs it after ``azd provision``; without azd: ``python3 scripts/seed_vault.py --vault NAME``.
Whoever runs it needs the role "Key Vault Secrets Officer" on the vault. Needs ``az``, and nothing
else than Python. Nothing that is there is ever changed; docs/operations.md says how to rotate.
"""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Run = Callable[[list[str]], subprocess.CompletedProcess[str]]


def first_secrets(now: datetime, tenant: str, audience: str) -> dict[str, str]:
    """Return what is needed: a key to sign with, and what the usual senders show.

    Args:
        tenant: Of Entra ID, and ``audience``, the App ID URI: Azure Monitor shows a token of that
            one for that one. Without both it may show nothing.
    """
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    senders: dict[str, object] = {
        source: f"mend:{secrets.token_urlsafe(24)}" for source in ("adf", "databricks")
    }
    if tenant and audience:
        senders["azure-monitor"] = {"type": "entra", "tenant": tenant, "audience": audience}
    return {
        "mend-signing-keys": f"{now:%Y%m}:{key}",
        "mend-webhook-secrets": json.dumps(senders),
    }


def seed(vault: str, wanted: dict[str, str], run: Run) -> list[str]:
    """Store what is missing and return its names.

    Raises:
        RuntimeError: ``az`` could not list or store.
    """
    listed = run(["az", "keyvault", "secret", "list", "--vault-name", vault, "-o", "json"])
    if listed.returncode:
        raise RuntimeError(listed.stderr.strip())
    there = {one["name"] for one in json.loads(listed.stdout)}
    missing = [name for name in wanted if name not in there]
    for name in missing:
        _store(vault, name, wanted[name], run)
    return missing


def _store(vault: str, name: str, value: str, run: Run) -> None:
    # By file: an argument could be read by every user of this machine.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "value"
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
        command = ["az", "keyvault", "secret", "set", "--vault-name", vault, "--name", name]
        done = run([*command, "--file", str(path), "-o", "none"])
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(arguments: list[str] | None = None, run: Run = _run) -> int:
    """Do it and say what was stored."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vault", default=os.environ.get("MEND_VAULT_NAME"))
    parser.add_argument("--tenant", default=os.environ.get("AZURE_TENANT_ID", ""))
    parser.add_argument("--audience", default=os.environ.get("MEND_APP_ID_URI", ""))
    chosen = parser.parse_args(arguments)
    if not chosen.vault:
        parser.error("--vault, or MEND_VAULT_NAME, must name the key vault")
    try:
        wanted = first_secrets(datetime.now(UTC), chosen.tenant, chosen.audience)
        stored = seed(chosen.vault, wanted, run)
    except RuntimeError as error:
        print(f"{chosen.vault}: {error}", file=sys.stderr)
        return 1
    print(f"{chosen.vault}: " + (f"stored {', '.join(stored)}" if stored else "nothing is missing"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
