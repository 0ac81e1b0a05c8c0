"""The strings that lead a durable client to the management API.

Source: ``BindingHelper.cs`` and ``HttpApiHandler.cs`` in
Azure/azure-functions-durable-extension.
"""

import json
from urllib.parse import quote, quote_plus

WEBHOOKS = "runtime/webhooks/durabletask"
RPC = "durabletask"

_PLACEHOLDER = "INSTANCEID"


class Links:
    """URLs of the management API.

    Args:
        base_url: Of the host, e.g. ``http://127.0.0.1:7071``.
        hub_name: Shown to clients; this host has one hub.
        key: System key that the URLs carry, or None when nobody asks for keys.
    """

    def __init__(self, base_url: str, hub_name: str, key: str | None = None) -> None:
        self._base_url = base_url
        self._hub_name = hub_name
        self._code = "" if key is None else f"code={quote_plus(key)}"

    def management(self, instance_id: str, base_url: str | None = None) -> dict[str, str]:
        """Return what ``start`` answers: one URL per operation on ``instance_id``."""
        prefix = f"{base_url or self._base_url}/{WEBHOOKS}/instances/{quote(instance_id, safe='')}"
        suffix = f"taskHub={quote_plus(self._hub_name)}&connection=Storage"
        if self._code:
            suffix += f"&{self._code}"
        return {
            "id": instance_id,
            "statusQueryGetUri": f"{prefix}?{suffix}",
            "sendEventPostUri": f"{prefix}/raiseEvent/{{eventName}}?{suffix}",
            "terminatePostUri": f"{prefix}/terminate?reason={{text}}&{suffix}",
            "rewindPostUri": f"{prefix}/rewind?reason={{text}}&{suffix}",
            "purgeHistoryDeleteUri": f"{prefix}?{suffix}",
            "restartPostUri": f"{prefix}/restart?{suffix}",
            "suspendPostUri": f"{prefix}/suspend?reason={{text}}&{suffix}",
            "resumePostUri": f"{prefix}/resume?reason={{text}}&{suffix}",
        }

    def client_binding(self) -> str:
        """Return what a parameter of type ``durableClient`` receives."""
        base = f"{self._base_url}/{WEBHOOKS}"
        create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]?"
        wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
        return json.dumps(
            {
                "taskHubName": self._hub_name,
                "connectionName": None,
                "creationUrls": {
                    "createNewInstancePostUri": create + self._code,
                    "createAndWaitOnNewInstancePostUri": create
                    + "&".join(part for part in (wait, self._code) if part),
                },
                "managementUrls": self.management(_PLACEHOLDER),
                "baseUrl": base,
                "requiredQueryStringParameters": self._code,
                "rpcBaseUrl": f"{self._base_url}/{RPC}/",
                "httpBaseUrl": None,
            }
        )
