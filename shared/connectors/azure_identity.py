"""Who we are to Azure. Everything that needs a token gets its credential here.

On Azure that is the app's managed identity and nothing else: ``DefaultAzureCredential`` would
try others first, each with its own waiting, and might find one that nobody meant. Elsewhere it
is whoever is signed in. The host tells where it runs by ``IDENTITY_ENDPOINT`` and
``WEBSITE_INSTANCE_ID`` (Microsoft Learn, "How to use managed identities for App Service").
"""

import os
from typing import Any

_TOLD_BY_AZURE = ("IDENTITY_ENDPOINT", "WEBSITE_INSTANCE_ID")


def on_azure() -> bool:
    """Tell whether this process runs in App Service or Functions."""
    return any(os.environ.get(name) for name in _TOLD_BY_AZURE)


def credential() -> Any:
    """Return a credential whose calls block. ``AZURE_CLIENT_ID`` names a user-assigned identity."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if on_azure():
        return ManagedIdentityCredential(client_id=_client_id())
    return DefaultAzureCredential()


def async_credential() -> Any:
    """Return a credential whose calls are awaited; the caller closes it."""
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    if on_azure():
        return ManagedIdentityCredential(client_id=_client_id())
    return DefaultAzureCredential()


def _client_id() -> str | None:
    return os.environ.get("AZURE_CLIENT_ID") or None
