"""From "something failed" to what is to be done about it."""

import azure.durable_functions as df

from shared.container import services
from shared.domain.messages import (
    Decided,
    EpisodeClaimed,
    EpisodeRef,
    RunIdentified,
    RunLook,
    RunRef,
    TicketRef,
)
from shared.settings import settings
from shared.telemetry.spans import traced
from shared.usecases import analyse as analysing
from shared.usecases import decide_next, episode, identify, look
from shared.usecases import read_back as reading
from shared.usecases.group_tickets import group_ticket

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
@traced
async def claim_episode(payload: dict) -> dict[str, object]:
    """Take the ticket for one orchestration. Safe to repeat."""
    asked = EpisodeRef.model_validate(payload)
    ticket = await episode.claim_episode(
        asked.ticket_id, asked.instance_id, services().store, services().clock
    )
    if ticket is None:
        return EpisodeClaimed(ours=False).model_dump(mode="json")
    left = [attempt.number for attempt in ticket.attempts if not attempt.is_over]
    return EpisodeClaimed(
        ours=True,
        unfinished_attempt=left[-1] if left else None,
        poll_seconds=settings().mend_poll_seconds,
        monitor_timeout_minutes=settings().mend_monitor_timeout_minutes,
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def identify_run(payload: dict) -> dict[str, object]:
    """Find out which run is to be healed. Safe to repeat."""
    asked = TicketRef.model_validate(payload)
    run_id = await identify.identify_run(
        asked.ticket_id, services().store, services().record, services().clock
    )
    return RunIdentified(run_id=run_id).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def look_at_run(payload: dict) -> dict[str, object]:
    """Look at a run once. Changes nothing."""
    asked = RunRef.model_validate(payload)
    seen = await look.look_at_run(
        asked.ticket_id, asked.run_id, services().store, services().record
    )
    return RunLook(phase=seen.phase, status=seen.status).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def read_back(payload: dict) -> None:
    """Store what the system of record says. Safe to repeat."""
    asked = TicketRef.model_validate(payload)
    await reading.read_back(asked.ticket_id, services().store, services().record, services().clock)


@bp.activity_trigger(input_name="payload")
@traced
async def analyse(payload: dict) -> None:
    """Store the likely cause. Safe to repeat."""
    asked = TicketRef.model_validate(payload)
    using = services()
    await analysing.analyse(
        asked.ticket_id,
        using.store,
        using.record,
        using.clock,
        surroundings=using.record,
        advisor=using.advisor,
    )
    await group_ticket(asked.ticket_id, using.store, using.clock)


@bp.activity_trigger(input_name="payload")
@traced
async def decide(payload: dict) -> dict[str, object]:
    """Store and return what policy allows. Repeating decides again."""
    asked = TicketRef.model_validate(payload)
    found = await decide_next.decide_next(
        asked.ticket_id,
        services().store,
        services().clock,
        defaults=services().policy,
        random=services().random,
    )
    return Decided(
        outcome=found.decision.outcome,
        ticket_outcome=found.decision.ticket_outcome,
        action=found.decision.action,
        attempt_number=found.attempt_number,
        wait_seconds=found.wait_seconds,
        sentence=decide_next.sentence(found.decision),
    ).model_dump(mode="json")
