"""From ticket to its end: read this file first.

    claim the episode        a second start ends here
    identify                 which run is it about; healing happens at the root run
    watch                    until the failed run is over: its alert is sent while it still runs
    read back                the system of record says what failed: the alert is only a hint
    analyse                  known signatures
    decide                   policy: execute | close | escalate, with reasons
    attempt                  intent -> send -> watch -> conclude; a lost answer is looked for
    healed?                  close, else read back and decide again

Deterministic: no clock, no chance, no environment, no IO. Time comes from
``context.current_utc_datetime``, everything else from an activity.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import steps
from shared.domain.attempt import AttemptOutcome, AttemptState
from shared.domain.decision import Effect
from shared.domain.messages import AttemptConcluded, AttemptSent, EpisodeClaimed, TicketRef
from shared.domain.ticket import Outcome

bp = df.Blueprint()

# When to look for a run whose answer was lost, in seconds after the look before.
RECONCILE_DELAYS = (0.0, 5.0, 15.0, 30.0, 60.0, 120.0)
# How often a request that is turned away before anything happens is sent again.
MAX_SENDS = 6
# Each round is an attempt or somebody else's rerun; more than this is no healing any more.
MAX_ROUNDS = 50

Context = df.DurableOrchestrationContext


@bp.orchestration_trigger(context_name="context")
def remediate(context: Context) -> Generator[Any, Any, str]:
    """Take one ticket to its end and return its status, or ``not ours``."""
    ticket_id = TicketRef.model_validate(context.get_input()).ticket_id
    try:
        return (yield from _heal(context, ticket_id))
    except Exception as error:  # noqa: BLE001 - whatever went wrong, a person must hear of it
        conclusion = f"Mend could not go on: {_first_line(error)}"
        return (yield from steps.close_ticket(context, ticket_id, Outcome.INCONCLUSIVE, conclusion))


def _heal(context: Context, ticket_id: str) -> Generator[Any, Any, str]:
    episode = yield from steps.claim_episode(context, ticket_id)
    if not episode.ours:
        return "not ours"
    if episode.unfinished_attempt is not None:
        done = yield from _attempt(context, ticket_id, episode.unfinished_attempt, episode)
        if done.outcome is not AttemptOutcome.NOT_HEALED:
            return (yield from _close(context, ticket_id, done))
    else:
        run_id = yield from steps.identify_run(context, ticket_id)
        if run_id is not None:
            yield from _watch(context, ticket_id, run_id, episode)

    for _ in range(MAX_ROUNDS):
        yield from steps.read_back(context, ticket_id)
        yield from steps.analyse(context, ticket_id)
        decided = yield from steps.decide(context, ticket_id)
        if decided.outcome is not Effect.EXECUTE:
            outcome = decided.ticket_outcome or Outcome.NOT_REMEDIABLE
            return (yield from steps.close_ticket(context, ticket_id, outcome, decided.sentence))

        yield from steps.pause(context, decided.wait_seconds)
        number = decided.attempt_number
        prepared = yield from steps.prepare_attempt(context, ticket_id, number)
        if prepared.run_id is not None:
            ended = yield from _watch(context, ticket_id, prepared.run_id, episode)
            if ended == "timed_out":
                raise TimeoutError(
                    f"run {prepared.run_id}, started by somebody else, has not ended"
                )
            continue  # somebody else reran it: decide on what came of that

        done = yield from _attempt(context, ticket_id, number, episode)
        if done.outcome is not AttemptOutcome.NOT_HEALED:
            return (yield from _close(context, ticket_id, done))
    raise RuntimeError(f"no end after {MAX_ROUNDS} rounds")


def _attempt(
    context: Context, ticket_id: str, number: int, episode: EpisodeClaimed
) -> Generator[Any, Any, AttemptConcluded]:
    """See one attempt through to what it came to."""
    sent = yield from _send(context, ticket_id, number, episode)
    if sent.state is AttemptState.UNKNOWN:
        sent = yield from _reconcile(context, ticket_id, number)
        if sent.state is AttemptState.FAILED:  # it never arrived: another may be allowed
            return AttemptConcluded(outcome=AttemptOutcome.NOT_HEALED, why=sent.problem)
    if sent.run_id is None:
        stopped = sent.state is AttemptState.CANCELLED  # by the kill switch; else: refused
        outcome = Outcome.NOT_REMEDIABLE if stopped else Outcome.NOT_HEALED
        return AttemptConcluded(
            outcome=AttemptOutcome.INCONCLUSIVE, why=sent.problem, ticket_outcome=outcome
        )
    ended = yield from _watch(context, ticket_id, sent.run_id, episode)
    return (yield from steps.conclude_attempt(context, ticket_id, number, ended))


def _send(
    context: Context, ticket_id: str, number: int, episode: EpisodeClaimed
) -> Generator[Any, Any, AttemptSent]:
    sent = yield from steps.send_attempt(context, ticket_id, number)
    for _ in range(MAX_SENDS - 1):
        if sent.state is not AttemptState.INTENT:
            break
        yield from steps.pause(context, sent.retry_after_seconds or episode.poll_seconds)
        sent = yield from steps.send_attempt(context, ticket_id, number)
    return sent


def _reconcile(context: Context, ticket_id: str, number: int) -> Generator[Any, Any, AttemptSent]:
    """Look for the run until it is found or the grace time is over. Never sends."""
    sent = AttemptSent(state=AttemptState.UNKNOWN)
    for delay in RECONCILE_DELAYS:
        yield from steps.pause(context, delay)
        sent = yield from steps.reconcile_attempt(
            context, ticket_id, number, last_look=delay == RECONCILE_DELAYS[-1]
        )
        if sent.state is not AttemptState.UNKNOWN:
            break
    return sent


def _watch(
    context: Context, ticket_id: str, run_id: str, episode: EpisodeClaimed
) -> Generator[Any, Any, str]:
    give_up_at = context.current_utc_datetime + timedelta(minutes=episode.monitor_timeout_minutes)
    return (
        yield from steps.watch_run(
            context,
            ticket_id,
            run_id,
            poll_seconds=episode.poll_seconds,
            give_up_at=give_up_at,
        )
    )


def _close(context: Context, ticket_id: str, done: AttemptConcluded) -> Generator[Any, Any, str]:
    if done.outcome is AttemptOutcome.HEALED:
        conclusion = "the rerun succeeded and none of its steps failed"
        return (yield from steps.close_ticket(context, ticket_id, Outcome.HEALED, conclusion))
    outcome = done.ticket_outcome or Outcome.INCONCLUSIVE
    return (yield from steps.close_ticket(context, ticket_id, outcome, done.why))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
