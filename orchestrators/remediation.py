"""From ticket to its end: read this file first.

    claim the episode        a second start ends here
    identify                 which run is it about; healing happens at the root run
    watch                    until the failed run is over: its alert is sent while it still runs
    read back                the system of record says what failed: the alert is only a hint
    analyse                  known signatures
    decide                   policy: execute | ask | wait | close | escalate, with reasons
    ask                      people, about exactly this plan; time never says yes
    attempt                  per step: intent -> send -> watch -> conclude; a lost answer is
                             looked for; what was changed for it only is taken back
    healed?                  close, else read back and decide again

Deterministic: no clock, no chance, no environment, no IO. Time comes from
``context.current_utc_datetime``, everything else from an activity.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import steps
from shared.domain.approval import ApprovalStatus
from shared.domain.attempt import AttemptOutcome, AttemptState
from shared.domain.decision import Effect
from shared.domain.messages import (
    ApprovalWatch,
    AttemptConcluded,
    AttemptPrepared,
    AttemptSent,
    EpisodeClaimed,
    TicketRef,
    Watch,
)
from shared.domain.run import RunPhase
from shared.domain.ticket import Outcome

bp = df.Blueprint()

# When to look for the effect of a request whose answer was lost, in seconds after the look before.
RECONCILE_DELAYS = (0.0, 5.0, 15.0, 30.0, 60.0, 120.0)
# How often a request that is turned away before anything happens is sent again.
MAX_SENDS = 6
# How long a success has to last before it is believed, at most.
MAX_SETTLE_SECONDS = 30.0
# Each round is an attempt or somebody else's rerun; more than this is no healing any more.
MAX_ROUNDS = 50
# How often it is decided again while a limit is reached: a minute at most in between.
MAX_WAITS = 20

# People are asked about each attempt; whose plan changes all the time is for a person.
MAX_QUESTIONS = 10
# An answer takes effect after this long at most, should its event get lost.
MAX_ANSWER_SECONDS = 30.0

_GO_ON = {ApprovalStatus.APPROVED, ApprovalStatus.REVOKED}
_NO: dict[str, tuple[Outcome, str]] = {
    ApprovalStatus.REJECTED: (Outcome.REJECTED, "a person said no"),
    ApprovalStatus.EXPIRED: (Outcome.APPROVAL_EXPIRED, "nobody decided in time"),
}

# How the ticket ends when a request was not accepted, by the state that left the attempt in.
_ENDINGS = {
    AttemptState.CANCELLED: Outcome.NOT_REMEDIABLE,
    AttemptState.TIMED_OUT: Outcome.INCONCLUSIVE,
}

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
            yield from _watch_run(context, ticket_id, run_id, episode)
    return (yield from _rounds(context, ticket_id, episode))


def _rounds(context: Context, ticket_id: str, episode: EpisodeClaimed) -> Generator[Any, Any, str]:
    """Read back, decide and act until there is an end."""
    rounds = waits = questions = 0
    while rounds < MAX_ROUNDS:
        yield from steps.read_back(context, ticket_id)
        yield from steps.analyse(context, ticket_id)
        decided = yield from steps.decide(context, ticket_id)
        if decided.outcome is Effect.WAIT and waits < MAX_WAITS:
            waits += 1
            yield from steps.pause(context, decided.wait_seconds)
            continue
        if decided.outcome is Effect.ASK and questions < MAX_QUESTIONS:
            questions += 1
            answer = yield from _ask(context, ticket_id, episode)
            if answer in _GO_ON:
                continue  # the world may have changed meanwhile: look, and decide again
            if answer in _NO:
                outcome, why = _NO[answer]
                return (yield from steps.close_ticket(context, ticket_id, outcome, why))
        if decided.outcome is not Effect.EXECUTE:
            outcome = decided.ticket_outcome or Outcome.NOT_REMEDIABLE
            return (yield from steps.close_ticket(context, ticket_id, outcome, decided.sentence))

        rounds += 1
        yield from steps.pause(context, decided.wait_seconds)
        number = decided.attempt_number
        prepared = yield from _prepare(context, ticket_id, number, episode)
        if prepared.state == "blocked":
            outcome, why = Outcome.NOT_REMEDIABLE, prepared.problem
            return (yield from steps.close_ticket(context, ticket_id, outcome, why))
        if prepared.run_id is not None:
            yield from _watch_somebody_elses(context, ticket_id, prepared.run_id, episode)
            continue  # somebody else reran it: decide on what came of that

        done = yield from _attempt(context, ticket_id, number, episode)
        if done.outcome is not AttemptOutcome.NOT_HEALED:
            return (yield from _close(context, ticket_id, done))
    raise RuntimeError(f"no end after {MAX_ROUNDS} rounds")


def _ask(
    context: Context, ticket_id: str, episode: EpisodeClaimed
) -> Generator[Any, Any, str | None]:
    """Ask people and wait for their word; return how it ended, ``None`` if nobody can be asked."""
    asked = yield from steps.request_approval(context, ticket_id)
    if asked.approval_id is None:
        return None
    watch = ApprovalWatch(
        ticket_id=ticket_id,
        approval_id=asked.approval_id,
        poll_seconds=min(episode.poll_seconds, MAX_ANSWER_SECONDS),
    )
    return (yield from steps.await_approval(context, watch))


def _prepare(
    context: Context, ticket_id: str, number: int, episode: EpisodeClaimed
) -> Generator[Any, Any, AttemptPrepared]:
    """Store the intent; what stands in the way for a while is waited for."""
    prepared = yield from steps.prepare_attempt(context, ticket_id, number)
    for _ in range(MAX_SENDS - 1):
        if not prepared.passing:
            break
        yield from steps.pause(context, episode.poll_seconds)
        prepared = yield from steps.prepare_attempt(context, ticket_id, number)
    return prepared


def _attempt(
    context: Context, ticket_id: str, number: int, episode: EpisodeClaimed
) -> Generator[Any, Any, AttemptConcluded]:
    """See one attempt through to what it came to, and take back what was for it only."""
    try:
        done, undoable = yield from _steps(context, ticket_id, number, episode)
    except Exception:
        yield from steps.undo_attempt(context, ticket_id, number)
        raise
    if undoable:
        yield from steps.undo_attempt(context, ticket_id, number)
    return done


def _steps(
    context: Context, ticket_id: str, number: int, episode: EpisodeClaimed
) -> Generator[Any, Any, tuple[AttemptConcluded, bool]]:
    """Take one step after another; tell how it ended and if something has to be undone."""
    undoable = False
    while True:
        sent = yield from _send(context, ticket_id, number, episode)
        undoable = undoable or sent.undoable
        if sent.state is not AttemptState.ISSUED:
            return _never_issued(sent), undoable
        watched = _watch_of(context, episode, ticket_id=ticket_id, number=number)
        ended = yield from steps.watch(context, watched)
        if ended == RunPhase.SUCCEEDED:
            # A success that does not last is none: look once more after a while.
            yield from steps.pause(context, min(episode.poll_seconds, MAX_SETTLE_SECONDS))
        done = yield from steps.conclude_attempt(context, ticket_id, number, ended)
        if not done.goes_on:
            return done, undoable


def _never_issued(sent: AttemptSent) -> AttemptConcluded:
    # Another may be allowed; where a yes has lapsed: once people have agreed to it again.
    if sent.lapsed or (sent.state is AttemptState.FAILED and sent.never_arrived):
        return AttemptConcluded(outcome=AttemptOutcome.NOT_HEALED, why=sent.problem)
    # Stopped by the kill switch, lost for good, or else: refused.
    outcome = _ENDINGS.get(sent.state, Outcome.NOT_HEALED)
    if sent.limited:
        outcome = Outcome.BUDGET_EXHAUSTED
    return AttemptConcluded(
        outcome=AttemptOutcome.INCONCLUSIVE, why=sent.problem, ticket_outcome=outcome
    )


def _send(
    context: Context, ticket_id: str, number: int, episode: EpisodeClaimed
) -> Generator[Any, Any, AttemptSent]:
    """Send the present step until it is known what became of it."""
    sent = AttemptSent(state=AttemptState.INTENT)
    for sends in range(MAX_SENDS):
        if sends:
            yield from steps.pause(context, sent.retry_after_seconds or episode.poll_seconds)
        sent = yield from steps.send_attempt(context, ticket_id, number)
        if sent.state is AttemptState.UNKNOWN:
            sent = yield from _reconcile(context, ticket_id, number, sent)
        if sent.state is not AttemptState.INTENT:
            break
    return sent


def _reconcile(
    context: Context, ticket_id: str, number: int, sent: AttemptSent
) -> Generator[Any, Any, AttemptSent]:
    """Look for the effect until it is found or the grace time is over. Never sends."""
    for delay in RECONCILE_DELAYS:
        yield from steps.pause(context, delay)
        found = yield from steps.reconcile_attempt(
            context, ticket_id, number, last_look=delay == RECONCILE_DELAYS[-1]
        )
        sent = found.model_copy(update={"undoable": sent.undoable, "never_arrived": True})
        if sent.state is not AttemptState.UNKNOWN:
            break
    return sent


def _watch_run(
    context: Context, ticket_id: str, run_id: str, episode: EpisodeClaimed
) -> Generator[Any, Any, str]:
    return (
        yield from steps.watch(
            context, _watch_of(context, episode, ticket_id=ticket_id, run_id=run_id)
        )
    )


def _watch_somebody_elses(
    context: Context, ticket_id: str, run_id: str, episode: EpisodeClaimed
) -> Generator[Any, Any, None]:
    ended = yield from _watch_run(context, ticket_id, run_id, episode)
    if ended == "timed_out":
        raise TimeoutError(f"run {run_id}, started by somebody else, has not ended")


def _watch_of(context: Context, episode: EpisodeClaimed, **what: Any) -> Watch:
    timeout = timedelta(minutes=episode.monitor_timeout_minutes)
    return Watch(
        poll_seconds=episode.poll_seconds,
        give_up_at=context.current_utc_datetime + timeout,
        **what,
    )


def _close(context: Context, ticket_id: str, done: AttemptConcluded) -> Generator[Any, Any, str]:
    if done.outcome is AttemptOutcome.HEALED:
        conclusion = "the rerun succeeded and none of its steps failed"
        return (yield from steps.close_ticket(context, ticket_id, Outcome.HEALED, conclusion))
    outcome = done.ticket_outcome or Outcome.INCONCLUSIVE
    return (yield from steps.close_ticket(context, ticket_id, outcome, done.why))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
