"""A canary in the place of every secret, and a whole day's work: none of them shows anywhere.

Looked at: the host's log, every byte of its data folder, all that the API answers, and what
Slack, Teams, Jira, the mail server, the language model, the factory and the workflow were told.
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from demo.processes import HostProcess
from simulators.adf.scenarios import SCENARIOS
from simulators.client import (
    AdfSimulator,
    JiraSimulator,
    LogicAppSimulator,
    ModelSimulator,
    SlackSimulator,
    SmtpSimulator,
    TeamsSimulator,
)
from tests.support.mend import Mend, brisk, web_activity
from tests.support.simulators import wait_until

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("BASE_URL")), reason="needs settings of its own"
)

CANARIES = {
    "adf": "adf-canary-71c0",
    "slack": "xoxb-canary-71c1",
    "teams": "teams-canary-71c2",
    "smtp": "smtp-canary-71c3",
    "jira": "jira-canary-71c4",
    "model": "model-canary-71c5",
    "workflow": "workflow-canary-71c6",
    "sender": "sender-canary-71c7",
    "signing": "signing-canary-71c8-is-32-bytes!",
    "slack signing": "slack-signing-canary-71c9",
}
# What others write into alerts, error texts and requests; each stands where a secret may stand.
PLANTED = {
    "an error text": "planted-71d0",
    "an alert": "planted-71d1",
    "a rejected body": "planted-71d2",
    "a function key": "planted-71d3",
    "a wrong token": "planted-71d4",
    "a reason": "planted-71d5",
}
_LINK = re.compile(r"#t=(a1\.\w+\.[\w-]+\.[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Everything that Mend talks to; each wants its own secret."""

    adf: AdfSimulator
    slack: SlackSimulator
    teams: TeamsSimulator
    smtp: SmtpSimulator
    jira: JiraSimulator
    model: ModelSimulator
    workflow: LogicAppSimulator

    def settings(self) -> dict[str, str]:
        """Return the settings of a host that knows all of them."""
        return brisk(
            self.adf.url,
            MEND_ADF_TOKEN=CANARIES["adf"],
            MEND_MODE="hil",
            MEND_LOG_FORMAT="json",
            MEND_SIGNING_KEYS=f"k1:{b64encode(CANARIES['signing'].encode()).decode()}",
            MEND_WEBHOOK_SECRETS=json.dumps(
                {"adf": {"type": "bearer", "token": CANARIES["sender"]}}
            ),
            MEND_LOGIC_APP_URL=self.workflow.trigger_url.replace(
                "simulated-signature", CANARIES["workflow"]
            ),
            MEND_LLM_BASE_URL=self.model.base_url,
            MEND_LLM_MODEL="small",
            MEND_LLM_API_KEY=CANARIES["model"],
            MEND_SLACK_TOKEN=CANARIES["slack"],
            MEND_SLACK_CHANNEL="C0123456789",
            MEND_SLACK_BASE_URL=self.slack.base_url,
            MEND_SLACK_SIGNING_SECRET=CANARIES["slack signing"],
            MEND_TEAMS_WEBHOOK_URL=self.teams.webhook_url.replace(
                "simulated-signature", CANARIES["teams"]
            ),
            MEND_SMTP_URL=self.smtp.mail_url(CANARIES["smtp"]),
            MEND_MAIL_FROM="mend@example.com",
            MEND_MAIL_TO="ops@example.com",
            MEND_JIRA_BASE_URL=self.jira.url,
            MEND_JIRA_USER=self.jira.user,
            MEND_JIRA_TOKEN=CANARIES["jira"],
            MEND_JIRA_PROJECT="OPS",
            MEND_JIRA_WHEN="always",
        )

    def told(self) -> Mapping[str, str]:
        """Return all that they were told, by name; callers' tokens are in no ledger."""
        return {
            "slack": str(self.slack.messages()) + str(self.slack.replies_to_clicks()),
            "teams": str(self.teams.cards()),
            "mail": str(self.smtp.mails()),
            "jira": str(self.jira.issues()),
            "the model": str(self.model.prompts()),
            "the factory": str([entry.body for entry in self.adf.ledger()]),
            "the workflow": str([entry.body for entry in self.workflow.ledger()]),
        }


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    """Yield them."""
    with (
        AdfSimulator.start(token=CANARIES["adf"]) as adf,
        SlackSimulator.start(token=CANARIES["slack"]) as slack,
        TeamsSimulator.start(token=CANARIES["teams"]) as teams,
        SmtpSimulator.start(token=CANARIES["smtp"]) as smtp,
        JiraSimulator.start(token=CANARIES["jira"]) as jira,
        ModelSimulator.start(token=CANARIES["model"]) as model,
        LogicAppSimulator.start(token=CANARIES["workflow"]) as workflow,
    ):
        yield Neighbours(adf, slack, teams, smtp, jira, model, workflow)


def test_no_secret_shows_anywhere(neighbours: Neighbours, tmp_path: Path) -> None:
    """Healed by way of a link and of the workflow, handed over, refused, and gone wrong."""
    neighbours.workflow.connect(neighbours.adf, token=CANARIES["adf"])
    # Every channel fails once, and what it answers is told.
    neighbours.slack.fault("chat.postMessage", "lose_answer_504")
    neighbours.jira.fault("*", "forbidden_403")
    neighbours.teams.fault("*", "html_502_before")
    host = HostProcess(tmp_path / "data", neighbours.settings())
    with host, Mend(host.url) as mend:
        mend.http.headers["Authorization"] = f"Bearer {CANARIES['sender']}"
        link = _heal(mend, neighbours)
        _hand_over(mend, neighbours)
        _be_refused(mend, link)
        shown = _everything(mend)
    stored = b"".join(path.read_bytes() for path in _files(tmp_path / "data")).decode("latin-1")
    sinks = {"log": host.log.read_text(), "data": stored, "api": shown, **neighbours.told()}

    assert len(sinks["log"].splitlines()) > 5
    found = [
        (secret, sink)
        for secret, value in {**CANARIES, **PLANTED}.items()
        for sink, text in sinks.items()
        if any(spelling in text for spelling in _spellings(value))
    ]
    assert found == []
    # What a link opens with is for those only who are sent it.
    tells = ("slack", "teams", "mail")
    assert [sink for sink, text in sinks.items() if link in text and sink not in tells] == []
    assert any(link in sinks[sink] for sink in tells)
    # What the workflow reports with is in the workflow's hands only.
    (request,) = neighbours.workflow.ledger("startRun")
    reports_with = str(dict(request.body)["callback_token"])  # type: ignore[call-overload]
    assert [sink for sink, text in sinks.items() if reports_with in text] == ["the workflow"]
    # The host's own keys are in addresses of no answer and no line.
    assert [sink for sink in ("log", "api") if "code=" in sinks[sink]] == []
    assert "/runtime/webhooks/durabletask" not in "".join(sinks[one] for one in ("log", "api"))


def _heal(mend: Mend, neighbours: Neighbours) -> str:
    """Let a failure be healed by the workflow once a person has agreed; return their link."""
    run = neighbours.adf.seed_scenario(SCENARIOS["sql_transient"], pipeline="canary_heals")
    alert = {**web_activity(run), "message": f"password={PLANTED['an alert']}"}
    ticket_id = mend.post(alert).json()["tickets"][0]["ticket_id"]
    ticket = mend.await_ticket(ticket_id, lambda one: one["approval"] is not None)
    wait_until(lambda: bool(_LINK.search(str(neighbours.slack.messages()))), seconds=60)
    token = _LINK.findall(str(neighbours.slack.messages()))[0]
    body = {
        "token": token,
        "decision": "approve",
        "challenge": ticket_id[-4:],
        "reason": f"token={PLANTED['a reason']}",
        "plan_hash": ticket["approval"]["plan_hash"],
    }
    decided = mend.http.post("/v1/approvals/by-token", json=body)
    assert decided.status_code == 200, decided.text
    assert mend.await_end(ticket_id)["outcome"] == "healed"
    return str(token)


def _hand_over(mend: Mend, neighbours: Neighbours) -> None:
    """Let something fail that nobody knows, with a secret in its words."""
    message = f"zibble frobnicated; AccountKey={PLANTED['an error text']};x"
    run = neighbours.adf.seed_failed_run("canary_unknown", error_code="", message=message)
    ticket_id = mend.report(run)
    mend.await_ticket(ticket_id, lambda one: one["status"] in {"escalated", "awaiting_approval"})
    mend.http.post(f"/v1/tickets/{ticket_id}/cancel", json={"reason": "seen"})
    wait_until(lambda: ticket_id in str(neighbours.jira.issues()), seconds=60)
    wait_until(lambda: ticket_id in str(neighbours.teams.cards()), seconds=60)


def _be_refused(mend: Mend, link: str) -> None:
    """Send what is turned away, with secrets where people put them by mistake."""
    wrong, key = PLANTED["a wrong token"], PLANTED["a function key"]
    plain = httpx.Client(base_url=mend.http.base_url, timeout=30, trust_env=False)
    with plain:
        answers = [
            mend.post({"secret": PLANTED["a rejected body"], "runId": 7}),
            mend.http.post(f"/v1/tickets/webhook/adf?code={key}", json={"runId": []}),
            plain.post("/v1/tickets/webhook/adf", headers={"Authorization": f"Bearer {wrong}"}),
            plain.post("/v1/tickets/webhook/nobody", headers={"x-functions-key": key}),
            plain.get(f"/v1/tickets?token={wrong}"),
            plain.get(f"/v1/nothing?code={key}&sig={wrong}"),
            plain.post("/v1/approvals/by-token", json={"token": f"a1.k1.{wrong}.00"}),
            plain.post("/v1/approvals/by-token", json={"token": link}),
            plain.post("/remediation-callback", json={"token": wrong}),
            plain.post("/v1/notifications/slack/actions", content=f"payload={wrong}"),
            plain.get(f"/approve?t={wrong}", headers={"Referer": f"https://x/?code={key}"}),
        ]
    assert all(answer.status_code < 500 for answer in answers)
    for answer in answers:
        assert wrong not in answer.text
        assert key not in answer.text


def _everything(mend: Mend) -> str:
    """Return what every reading call answers."""
    paths = ["/health", "/ready", "/metrics", "/v1/approvals", "/v1/intake/counts", "/v1/tickets"]
    paths += ["/v1/intake/dead-letters", "/v1/audit?limit=500", "/v1/dashboard/stats"]
    paths += ["/v1/settings/policy", "/v1/settings/execution-mode", "/v1/settings/kill-switch"]
    for ticket in mend.tickets():
        paths += [f"/v1/tickets/{ticket['id']}", f"/v1/tickets/{ticket['id']}/events"]
    left_over = mend.http.get("/v1/intake/dead-letters").json()["items"]
    assert left_over
    paths += [f"/v1/intake/deliveries/{one['id']}" for one in left_over]
    answers = [mend.http.get(path) for path in paths]
    assert [one.status_code for one in answers] == [200] * len(answers)
    return "\n".join(chain.from_iterable((one.text, str(one.headers)) for one in answers))


def _files(folder: Path) -> list[Path]:
    """Return what the host has written, but for the file of its own keys."""
    return [one for one in folder.rglob("*") if one.is_file() and "keys" not in one.name]


def _spellings(value: str) -> tuple[str, ...]:
    raw = b64encode(value.encode()).decode().rstrip("=")
    return value, quote(value, safe=""), raw
