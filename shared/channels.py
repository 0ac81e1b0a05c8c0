"""The channels by which people are told, as far as the settings name them."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.domain.urls import is_loopback
from shared.ports.clock import Clock
from shared.ports.notifications import Notifier
from shared.security.approval_links import ApprovalLinks
from shared.telling.picture import Paint, picture_of

if TYPE_CHECKING:
    from shared.settings import Settings


def notifiers(chosen: "Settings", clock: Clock) -> dict[str, Notifier]:
    """Return the channels by their names; none that the settings do not name."""
    paint = partial(
        picture_of,
        public_url=chosen.public_url,
        max_attempts=chosen.mend_max_attempts,
        decide_at=ApprovalLinks(chosen.signing_keys, chosen.public_url).link,
    )
    return {one.name: one for one in _notifiers(chosen, paint, clock)}


async def reply_in_slack(chosen: "Settings", url: str, text: str) -> bool:
    """Tell somebody something who has clicked; ``False``: ``url`` is none of Slack's.

    Raises:
        ConnectorError, TimeoutError: Slack did not take it.
    """
    from shared.connectors.slack_reply import reply

    return await reply(url, text, local=_is_local(chosen.mend_slack_base_url))


def _notifiers(chosen: "Settings", paint: Paint, clock: Clock) -> Iterator[Notifier]:
    if chosen.mend_slack_token is not None and chosen.mend_slack_channel is not None:
        from shared.connectors.slack import Slack

        yield Slack(
            chosen.mend_slack_token.get_secret_value(),
            chosen.mend_slack_channel,
            chosen.mend_slack_base_url,
            paint,
            local=_is_local(chosen.mend_slack_base_url),
        )
    if chosen.mend_teams_webhook_url is not None:
        from shared.connectors.teams import Teams

        url = chosen.mend_teams_webhook_url.get_secret_value()
        yield Teams(url, paint, local=_is_local(url))
    yield from _mail(chosen, paint)
    yield from _jira(chosen, paint, clock)


def _mail(chosen: "Settings", paint: Paint) -> Iterator[Notifier]:
    if chosen.mend_smtp_url is None or not chosen.mend_mail_from or not chosen.mend_mail_to:
        return
    from shared.connectors.mail import Mail
    from shared.connectors.mail_server import MailServer

    url = chosen.mend_smtp_url.get_secret_value()
    recipients = tuple(one.strip() for one in chosen.mend_mail_to.split(",") if one.strip())
    yield Mail(MailServer.of(url, local=_is_local(url)), chosen.mend_mail_from, recipients, paint)


def _jira(chosen: "Settings", paint: Paint, clock: Clock) -> Iterator[Notifier]:
    if (
        chosen.mend_jira_base_url is None
        or chosen.mend_jira_user is None
        or chosen.mend_jira_token is None
        or chosen.mend_jira_project is None
    ):
        return
    from shared.connectors.jira import Jira, JiraSite

    site = JiraSite(
        base_url=chosen.mend_jira_base_url,
        user=chosen.mend_jira_user,
        token=chosen.mend_jira_token.get_secret_value(),
        project=chosen.mend_jira_project,
        issue_type=chosen.mend_jira_issue_type,
        local=_is_local(chosen.mend_jira_base_url),
    )
    yield Jira(site, chosen.mend_jira_when, paint, clock)


def _is_local(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname)
