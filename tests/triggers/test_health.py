"""Whether this app can work, for whoever sends it requests."""

import json

import azure.functions as func
import pytest

from shared.domain.errors import Unavailable
from tests.architecture.test_wiring import functions
from triggers import health


async def test_who_asks_too_early_is_told_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One thing that does not work is named, beside those that do."""

    async def fine() -> None:
        """Work."""

    async def broken() -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(health, "_CHECKS", {"settings": fine, "store": broken})
    ready = functions("httpTrigger")["ready"].get_user_function()
    found = await ready(func.HttpRequest("GET", "http://127.0.0.1/api/ready", body=b""))

    assert (found.status_code, found.headers["Retry-After"]) == (503, "5")
    assert json.loads(found.get_body()) == {
        "status": "not ready",
        "checks": {"settings": "ok", "store": "the disk is full"},
    }
