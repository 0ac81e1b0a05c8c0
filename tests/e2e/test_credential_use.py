"""A secret of a sender is changed: both are good meanwhile, and it shows which is still used."""

import json
import os
from pathlib import Path

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator
from tests.support.cosmos import settings_of_a_host
from tests.support.mend import Mend, brisk

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("BASE_URL")), reason="needs settings of its own"
)
OLD, NEW = "the-old-secret-4711", "the-new-secret-4712"


def test_who_changes_a_secret_sees_when_the_old_one_is_idle(
    adf: AdfSimulator, tmp_path: Path
) -> None:
    """By name, and without a word of it; what is retired is refused, and not listed."""
    store = settings_of_a_host()

    def settings(*credentials: tuple[str, str]) -> dict[str, str]:
        listed = [{"type": "bearer", "token": text, "kid": kid} for kid, text in credentials]
        return brisk(adf.url, **store, MEND_WEBHOOK_SECRETS=json.dumps({"zabbix": listed}))

    def send(mend: Mend, secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        body = {"event": {"id": "1"}, "trigger": {"name": "disk full"}, "host": "db1"}
        path = "/v1/tickets/webhook/zabbix"
        return mend.http.post(path, json=body, headers=headers).status_code

    def last_used(mend: Mend) -> dict[str, str | None]:
        answer = mend.http.get("/v1/intake/credentials")
        assert OLD not in answer.text
        assert NEW not in answer.text
        return {one["kid"]: one["last_used_at"] for one in answer.json()["items"]}

    folder = tmp_path / "data"
    with HostProcess(folder, settings(("2026", OLD), ("2027", NEW))) as host, Mend(host.url) as api:
        at_first = last_used(api)
        wrong, old = send(api, "something else"), send(api, OLD)
        after_old = last_used(api)
        new = send(api, NEW)
        after_new = last_used(api)
    with HostProcess(folder, settings(("2027", NEW))) as host, Mend(host.url) as api:
        retired = send(api, OLD)
        in_the_end = last_used(api)

    assert at_first == {"2026": None, "2027": None}
    assert (wrong, retired) == (401, 401)
    assert 401 not in {old, new}
    assert after_old["2026"] is not None
    assert after_old["2027"] is None
    assert after_new["2026"] == after_old["2026"]
    assert after_new["2027"] is not None
    assert in_the_end == {"2027": after_new["2027"]}
