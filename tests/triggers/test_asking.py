"""How many people the host asks for."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from activities import approval
from shared.settings import settings
from shared.usecases import approvals


@pytest.mark.parametrize(("auth", "wanted"), [("off", 1), ("jwt", 2)])
async def test_high_risk_takes_two_where_people_sign_in(
    monkeypatch: pytest.MonkeyPatch, auth: str, wanted: int
) -> None:
    """Where nobody signs in, one cannot be told from two."""
    seen: dict[str, Any] = {}

    async def ask(*_: object, **given: object) -> SimpleNamespace:
        seen.update(given)
        return SimpleNamespace(id="APR-1", expires_at=datetime.now(UTC))

    monkeypatch.setenv("MEND_AUTH", auth)
    monkeypatch.setenv("MEND_AUTH_TENANT", "00000000-0000-4000-8000-0000000000aa")
    monkeypatch.setenv("MEND_AUTH_AUDIENCE", "api://mend")
    monkeypatch.setattr(approvals, "request_approval", ask)
    monkeypatch.setattr(approval, "services", lambda: SimpleNamespace(store=None, clock=None))
    settings.cache_clear()
    try:
        activity = approval.request_approval._function.get_user_function()
        await activity({"ticket_id": "TIK-20261120-000001"})
    finally:
        settings.cache_clear()

    assert seen["quorum_if_high"] == wanted
