"""Telling people, a timer per channel so that none waits for another, and what they click.

Timers never run twice at once, on Azure as on the local host; that each channel has its own is
what keeps a channel that hangs from delaying the others.
"""

import json
import logging
from urllib.parse import parse_qs

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.domain.errors import InvalidInput, TooLarge, Unauthenticated
from shared.security.slack import is_from_slack
from shared.settings import settings
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
    action, approval_id, user = _clicked(body)
    said = await decide(action, approval_id, user)
    return answer({"response_type": "ephemeral", "replace_original": False, "text": said})


async def decide(action: str, approval_id: str, user: str) -> str:
    """Return what the person is told who clicked; nothing is decided by a click alone.

    Args:
        action: ``approve`` or ``reject``.
        approval_id: What the button carries, which says nothing about who may decide.
        user: Slack's own id of the person.
    """
    _ = action, approval_id, user
    return "The decision is made on the page behind the link, where you sign in."


def _clicked(body: bytes) -> tuple[str, str, str]:
    """Return the action's name, the approval's id and the person's id.

    Raises:
        InvalidInput: it is no click on a button.
    """
    try:
        payload = json.loads(parse_qs(body.decode())["payload"][0])
        clicked = payload["actions"][0]
        return str(clicked["action_id"]), str(clicked.get("value", "")), str(payload["user"]["id"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InvalidInput("must be what Slack sends for a click", field="payload") from None
