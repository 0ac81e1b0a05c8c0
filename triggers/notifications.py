"""Telling people, a timer per channel so that none waits for another, and what they click.

Timers never run twice at once, on Azure as on the local host; that each channel has its own is
what keeps a channel that hangs from delaying the others.
"""

import json
import logging
from dataclasses import dataclass
from urllib.parse import parse_qs

import azure.durable_functions as df
import azure.functions as func

from shared.channels import reply_in_slack
from shared.container import services
from shared.domain.errors import InvalidInput, MendError, NotFound, TooLarge, Unauthenticated
from shared.security.slack import is_from_slack
from shared.settings import settings
from shared.telling.clicks import UNKNOWN, answer_to_click
from shared.usecases.approvals import find_approval
from shared.usecases.tell import Surroundings, tell
from triggers.problems import answer, answers_problems

bp = df.Blueprint()
logger = logging.getLogger(__name__)
_EVERY_FIVE_SECONDS = "*/5 * * * * *"
_MAX_BYTES = 262_144


@bp.timer_trigger(schedule=_EVERY_FIVE_SECONDS, arg_name="timer", run_on_startup=False)
async def tell_slack(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger binds it
    """Tell Slack what it does not know yet."""
    await tell_channel("slack")


@bp.timer_trigger(schedule=_EVERY_FIVE_SECONDS, arg_name="timer", run_on_startup=False)
async def tell_teams(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Tell Microsoft Teams what it does not know yet."""
    await tell_channel("teams")


@bp.timer_trigger(schedule=_EVERY_FIVE_SECONDS, arg_name="timer", run_on_startup=False)
async def tell_mail(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Send the mails that are due."""
    await tell_channel("mail")


@bp.timer_trigger(schedule=_EVERY_FIVE_SECONDS, arg_name="timer", run_on_startup=False)
async def tell_jira(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Tell Jira what it does not know yet."""
    await tell_channel("jira")


async def tell_channel(channel: str) -> None:
    """Have one round of a channel; one that is not set up has none."""
    using = services()
    notifier = using.notifiers.get(channel)
    if notifier is None:
        return
    around = Surroundings(using.clock, using.random, using.started_at)
    told = await tell(notifier, using.store, around)
    for problem in told.problems:
        # Only what was cleaned: a traceback would hold addresses and what was sent.
        logger.warning("%s could not be told: %s", channel, problem)


@bp.route(
    route="v1/notifications/slack/actions", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def slack_action(req: func.HttpRequest) -> func.HttpResponse:
    """Answer a click on one of our buttons, if it is Slack that tells of it."""
    body = req.get_body()
    if len(body) > _MAX_BYTES:
        raise TooLarge(f"at most {_MAX_BYTES} bytes")
    if not is_from_slack(
        settings().mend_slack_signing_secret,
        req.headers.get("X-Slack-Request-Timestamp", ""),
        req.headers.get("X-Slack-Signature", ""),
        body,
        services().clock.now(),
    ):
        raise Unauthenticated
    click = _clicked(body)
    said = await _answer_to(click)
    await _reply(click, said)
    return answer({"response_type": "ephemeral", "replace_original": False, "text": said})


@dataclass(frozen=True, slots=True)
class Click:
    """What Slack tells of a click. The id says nothing about who may decide."""

    approval_id: str
    reply_to: str


async def _answer_to(click: Click) -> str:
    """Return what the person is told who clicked; nothing is decided by a click alone."""
    using = services()
    try:
        asked, ticket = await find_approval(click.approval_id, using.store)
    except NotFound:
        return UNKNOWN
    return answer_to_click(asked, ticket, using.clock.now())


async def _reply(click: Click, said: str) -> None:
    """Show it to that person; should that fail, the page says the same."""
    if not click.reply_to:
        return
    try:
        if not await reply_in_slack(settings(), click.reply_to, said):
            logger.warning("a click is not answered: its response_url is none of Slack's")
    except (MendError, TimeoutError) as error:
        logger.warning("a click is not answered: %s", error or "no answer in time")


def _clicked(body: bytes) -> Click:
    """Return what was clicked.

    Raises:
        InvalidInput: it is no click on a button.
    """
    try:
        payload = json.loads(parse_qs(body.decode())["payload"][0])
        clicked = payload["actions"][0]
        _ = clicked["action_id"], payload["user"]["id"]
        return Click(str(clicked.get("value", "")), str(payload.get("response_url") or ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InvalidInput("must be what Slack sends for a click", field="payload") from None
