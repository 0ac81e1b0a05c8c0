"""All channels at once beside a running host: what they show, and what no log holds."""

from pathlib import Path
from typing import Any

import pytest

from demo.processes import HostProcess
from simulators.client import (
    AdfSimulator,
    JiraSimulator,
    SlackSimulator,
    SmtpSimulator,
    TeamsSimulator,
)
from tests.e2e.conftest import BASE_URL
from tests.support.mend import Mend, brisk
from tests.support.simulators import wait_until

PLANTED = "hunter2canary"


@pytest.mark.skipif(bool(BASE_URL), reason="needs settings of its own")
def test_every_channel_is_told_and_no_secret_is(adf: AdfSimulator, tmp_path: Path) -> None:
    """Slack is away at first, and hangs: the others do not notice."""
    with (
        SlackSimulator.start() as slack,
        JiraSimulator.start() as jira,
        TeamsSimulator.start() as teams,
        SmtpSimulator.start() as smtp,
    ):
        slack.fault("chat.postMessage", "hold", seconds=3)
        run = adf.seed_failed_run(
            "telling", message=f"Login failed for <!channel>; password={PLANTED}"
        )
        settings = {
            "MEND_SLACK_TOKEN": slack.token,
            "MEND_SLACK_CHANNEL": "C0123456789",
            "MEND_SLACK_BASE_URL": slack.base_url,
            "MEND_SLACK_SIGNING_SECRET": slack.signing_secret,
            "MEND_JIRA_BASE_URL": jira.url,
            "MEND_JIRA_USER": jira.user,
            "MEND_JIRA_TOKEN": jira.token,
            "MEND_JIRA_PROJECT": "OPS",
            "MEND_TEAMS_WEBHOOK_URL": teams.webhook_url,
            "MEND_SMTP_URL": smtp.mail_url(),
            "MEND_MAIL_FROM": "mend@example.com",
            "MEND_MAIL_TO": "ops@example.com",
        }
        host = HostProcess(tmp_path / "data", brisk(adf.url, **settings))
        with host, Mend(host.url) as mend:
            ticket_id = mend.report(run)
            assert mend.await_end(ticket_id)["status"] == "escalated"
            wait_until(lambda: bool(jira.issues() and teams.cards() and smtp.mails()), seconds=15)

            def is_final() -> bool:
                return "needs a person" in str(slack.messages())

            wait_until(is_final, seconds=40)
            body, headers = slack.click("approve", "APR-1")
            path = "/v1/notifications/slack/actions"
            clicked = mend.http.post(path, content=body, headers=headers)
            forged = mend.http.post(path, content=body + "&a=b", headers=headers)

        everything = [slack.messages(), jira.issues(), teams.cards(), smtp.mails()]
        messages: list[dict[str, Any]] = slack.messages()
        log = host.log.read_text()

    assert (clicked.status_code, forged.status_code) == (200, 401)
    assert len([one for one in messages if one["thread_ts"] is None]) == 1
    assert all(ticket_id in str(one) for one in everything)
    assert PLANTED not in f"{everything} {log}"
    for secret in ("xoxb-simulated", "simulated-signature", "mend:simulated", "signing-secret"):
        assert secret not in log
    assert "<!channel>" not in str(messages)
