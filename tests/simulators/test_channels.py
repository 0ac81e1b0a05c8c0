"""Slack, Jira, Teams and mail, as clients that are not ours see them."""

import smtplib
from urllib.parse import urlsplit

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulators.client import JiraSimulator, SlackSimulator, SmtpSimulator, TeamsSimulator
from tests.support.simulators import (
    jira,
    jira_process,
    slack,
    slack_process,
    smtp,
    smtp_process,
    teams,
    teams_process,
)

__all__ = [
    "jira",
    "jira_process",
    "slack",
    "slack_process",
    "smtp",
    "smtp_process",
    "teams",
    "teams_process",
]


async def test_slacks_own_client_posts_edits_and_finds(slack: SlackSimulator) -> None:
    """A name stands for a channel; a reply belongs to a thread."""
    client = AsyncWebClient(slack.token, slack.base_url)
    posted = await client.chat_postMessage(
        channel="#ops",
        text="first",
        metadata={"event_type": "t", "event_payload": {"a": 1}},
    )
    channel, ts = str(posted["channel"]), str(posted["ts"])
    await client.chat_postMessage(channel=channel, text="reply", thread_ts=ts)
    await client.chat_update(channel=channel, ts=ts, text="second")
    history = await client.conversations_history(channel=channel, include_all_metadata=True)
    bare = await client.conversations_history(channel=channel)
    replies = await client.conversations_replies(channel=channel, ts=ts)

    assert channel.startswith("C")
    assert [(one["text"], one["metadata"]["event_type"]) for one in history["messages"]] == [
        ("second", "t")
    ]
    assert "metadata" not in bare["messages"][0]
    assert [one["text"] for one in replies["messages"]] == ["second", "reply"]
    assert slack.effects("chat.update") == [ts]


@pytest.mark.parametrize(
    ("token", "given", "code"),
    [
        ("wrong", {"text": "a"}, "invalid_auth"),
        ("", {}, "no_text"),
        ("", {"text": "a", "thread_ts": "1.000001"}, "thread_not_found"),
        ("", {"blocks": [{"type": "section", "text": {"text": "a" * 3001}}]}, "invalid_blocks"),
    ],
)
async def test_slack_refuses(
    slack: SlackSimulator, token: str, given: dict[str, object], code: str
) -> None:
    """With its own codes."""
    client = AsyncWebClient(token or slack.token, slack.base_url)
    with pytest.raises(SlackApiError) as caught:
        await client.api_call("chat.postMessage", json={"channel": "C1", **given})

    assert caught.value.response["error"] == code


def test_jira_refuses_what_it_should(jira: JiraSimulator) -> None:
    """No login, wrong fields, unknown issues, JQL that it does not know."""
    auth = (jira.user, jira.token)
    with httpx.Client(base_url=f"{jira.url}/rest/api/3", trust_env=False) as client:
        assert client.get("/issue/OPS-1").status_code == 401
        wrong = client.post("/issue", json={"fields": {"labels": ["a b"]}}, auth=auth)
        assert set(wrong.json()["errors"]) == {
            "project",
            "issuetype",
            "summary",
            "labels",
            "description",
        }
        assert client.get("/issue/OPS-1", auth=auth).status_code == 404
        asked = {"jql": 'assignee = "me"'}
        assert client.get("/search/jql", params=asked, auth=auth).status_code == 400
        assert client.get("/nowhere", auth=auth).status_code == 404


def test_teams_takes_cards_only(teams: TeamsSimulator) -> None:
    """And only with the signature."""
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock"}]}
    kind = "application/vnd.microsoft.card.adaptive"
    body = {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
    with httpx.Client(trust_env=False) as client:
        assert client.post(teams.webhook_url, json=body).status_code == 202
        assert client.post(teams.webhook_url, json={"text": "a"}).status_code == 400
        assert client.post(teams.webhook_url.split("&")[0], json=body).status_code == 401

    assert teams.cards() == [card]


def test_mail_is_taken_from_who_may(smtp: SmtpSimulator) -> None:
    """Dots at the start of lines survive; faults strike."""
    url = urlsplit(smtp.mail_url())
    smtp.switch(login=True, refused=["nobody@example.com"])
    with smtplib.SMTP(str(url.hostname), url.port or 0) as client:
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("a@example.com", ["b@example.com"], "x")
        client.login("mend", "simulated")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("a@example.com", ["nobody@example.com"], "x")
        client.sendmail("a@example.com", ["b@example.com"], "Subject: s\n\n.dot\n")
        smtp.fault("sendMail", "refuse_503")
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@example.com", ["b@example.com"], "x")

    (mail,) = smtp.mails()
    assert (mail["to"], mail["user"]) == (["b@example.com"], "mend")
    assert str(mail["text"]).strip() == ".dot"
    assert [entry.fault for entry in smtp.ledger("sendMail")] == [None, "refuse_503"]
