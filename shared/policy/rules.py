"""One function per rule. A rule says what it objects to, or that it does not.

Every rule answers for every case, so that the record shows what was looked at.
To add one: write it here and name it in ``RULES``.
"""

from collections.abc import Callable

from shared.domain.analysis import Category, Classification, RerunSafety, Risk
from shared.domain.decision import Effect
from shared.domain.model import Model
from shared.domain.run import RunPhase
from shared.domain.ticket import Outcome
from shared.policy.facts import PolicyFacts


class Verdict(Model):
    """One rule's opinion; ``ticket_outcome`` is how the ticket ends if it prevails.

    ``as_strict_as`` lets it prevail over what is less strict than that: a pause
    before an end is stronger than other rules' questions about going on.
    """

    effect: Effect
    text: str
    ticket_outcome: Outcome | None = None
    as_strict_as: Effect | None = None


Rule = Callable[[PolicyFacts], Verdict]

HOLD_SECONDS = 180
"""How long what is only probably nothing stays open, for everybody to see, before it is closed."""


def _allow(text: str) -> Verdict:
    return Verdict(effect=Effect.EXECUTE, text=text)


def _escalate(text: str, outcome: Outcome = Outcome.NOT_REMEDIABLE) -> Verdict:
    return Verdict(effect=Effect.ESCALATE, text=text, ticket_outcome=outcome)


def _ask(text: str) -> Verdict:
    return Verdict(effect=Effect.ASK, text=text, ticket_outcome=Outcome.NOT_REMEDIABLE)


def _close(text: str, outcome: Outcome) -> Verdict:
    return Verdict(effect=Effect.CLOSE, text=text, ticket_outcome=outcome)


def record(facts: PolicyFacts) -> Verdict:
    """Act only on what the system of record confirms."""
    if facts.without_record:
        return _without_record(facts)
    if facts.read_problem:
        return _escalate(f"the run could not be read: {facts.read_problem}", Outcome.INCONCLUSIVE)
    if facts.handled_by:
        return _allow("not read: another ticket has the run")
    return _read_run(facts)


def _read_run(facts: PolicyFacts) -> Verdict:
    if facts.run_phase is None:
        return _close("the system of record knows no such run", Outcome.NOT_CONFIRMED)
    if facts.run_phase is RunPhase.SUCCEEDED and not facts.failed_steps:
        outcome = Outcome.SELF_RECOVERED if facts.recovered else Outcome.NOT_CONFIRMED
        return _close("the run succeeded and none of its steps failed", outcome)
    if facts.run_phase is RunPhase.ACTIVE:
        return _escalate("the run has not ended in time", Outcome.INCONCLUSIVE)
    return _allow(f"the system of record says {facts.run_phase}")


def _without_record(facts: PolicyFacts) -> Verdict:
    """Judge an alert that tells of no run: its sender's word is all there is."""
    if facts.canary:
        return _close("the canary has come through", Outcome.FALSE_POSITIVE)
    if facts.alert_resolved:
        return _close("its sender says that it is over", Outcome.SELF_RECOVERED)
    if facts.classification is Classification.FALSE_POSITIVE:
        return _allow("nothing stands behind it that could have failed")
    return _escalate("nothing here can be read or run again by Mend: this is for a person")


def asked_to_stop(facts: PolicyFacts) -> Verdict:
    """Do nothing more once a person has said so."""
    if facts.cancel_requested:
        return _close("a person asked to stop", Outcome.CANCELLED)
    return _allow("nobody asked to stop")


def cancelled(facts: PolicyFacts) -> Verdict:
    """Never rerun what a person stopped."""
    if facts.run_phase is RunPhase.CANCELLED:
        return _close("the run was cancelled; a cancelled run is never rerun", Outcome.CANCELLED)
    if facts.category is Category.CANCELLED_BY_USER:
        return _escalate("a step of it was cancelled; what somebody stopped is never rerun")
    return _allow("nobody cancelled the run")


def superseded(facts: PolicyFacts) -> Verdict:
    """Leave alone what has been healed, or is being healed, by somebody else."""
    if facts.handled_by:
        return _close(f"{facts.handled_by} already takes care of this run", Outcome.SUPERSEDED)
    if facts.newer_success_run_id:
        return _close(
            f"run {facts.newer_success_run_id} of the same pipeline has succeeded since",
            Outcome.SUPERSEDED,
        )
    return _allow("no newer run has succeeded")


def benign(facts: PolicyFacts) -> Verdict:
    """Close what is no failure."""
    # Words alone, an alert's or an error's, never close what the record calls failed.
    confirmed = facts.without_record or facts.run_phase in {
        RunPhase.SUCCEEDED,
        RunPhase.CANCELLED,
    }
    if facts.classification is not Classification.FALSE_POSITIVE or not confirmed:
        return _allow("this is a failure")
    if facts.confidence >= facts.confidence_threshold or facts.open_seconds >= HOLD_SECONDS:
        return _close("this needs no action", Outcome.FALSE_POSITIVE)
    return Verdict(
        effect=Effect.WAIT,
        text=f"this probably needs no action ({facts.confidence:.2f} < "
        f"{facts.confidence_threshold:.2f}): it is closed {HOLD_SECONDS // 60} minutes after it "
        "was opened, unless something else turns up",
        ticket_outcome=Outcome.FALSE_POSITIVE,
        as_strict_as=Effect.CLOSE,
    )


def kill_switch(facts: PolicyFacts) -> Verdict:
    """Do nothing while the kill switch is on."""
    if facts.kill_switch:
        why = f": {facts.kill_switch_reason}" if facts.kill_switch_reason else ""
        where = "" if facts.kill_switch_scope == "global" else f" for {facts.kill_switch_scope}"
        return _escalate(f"the kill switch is on{where}{why}")
    return _allow("the kill switch is off")


def remediable(facts: PolicyFacts) -> Verdict:
    """Act only on causes that an action of the catalogue can heal, or as a person asks."""
    if facts.asked_by and facts.action_known:
        return _allow(f"{facts.asked_by} asks for {facts.action}")
    if facts.category is None:
        return _escalate("the cause is not known")
    if not facts.auto_remediable:
        return _escalate(f"{facts.category} is not healed by trying again")
    if not facts.action_known:
        return _escalate(f"{facts.action} cannot be carried out by this release")
    return _allow(f"{facts.action} is known to help against {facts.category}")


def attempts(facts: PolicyFacts) -> Verdict:
    """Stop when the tries for this ticket, or for this cause, are used up."""
    used = len(facts.past)
    if used >= facts.max_attempts:
        outcome = Outcome.NOT_HEALED if used else Outcome.BUDGET_EXHAUSTED
        return _escalate(f"{used} of {facts.max_attempts} attempts are used up", outcome)
    if facts.asked_by:  # who knows what has changed since
        return _allow(f"attempt {used + 1} of {facts.max_attempts}, for {facts.asked_by}")
    if used and used + facts.platform_tries >= facts.max_attempts:
        return _escalate(
            f"the platform itself has tried {facts.platform_tries} time(s) more, and {used} "
            f"attempt(s) did not help: {facts.max_attempts} in all are enough",
            Outcome.NOT_HEALED,
        )
    same = sum(past.signature == facts.signature for past in facts.past)
    if facts.max_attempts_for_cause is not None and same >= facts.max_attempts_for_cause:
        return _escalate(
            f"this cause came back after {same} attempt(s); more will not help",
            Outcome.NOT_HEALED,
        )
    return _allow(f"attempt {used + 1} of {facts.max_attempts}")


def lost(facts: PolicyFacts) -> Verdict:
    """Ask a person before repeating what may yet appear, unless doing it twice is harmless."""
    if facts.risk is not Risk.LOW and any(not past.seen for past in facts.past):
        return _ask("an earlier request was never seen to arrive, and the risk is not low")
    return _allow("no earlier request is unaccounted for, or doing it twice is of low risk")


def mode(facts: PolicyFacts) -> Verdict:
    """Ask a person when the operators want to be asked."""
    if facts.mode == "hil":
        return _ask("the mode is HIL: a person decides")
    return _allow("the mode is Auto")


def confidence(facts: PolicyFacts) -> Verdict:
    """Ask a person when the diagnosis is less certain than the threshold."""
    if facts.asked_by:
        return _allow(f"{facts.asked_by} has chosen the action, not the diagnosis")
    sure, asked = f"{facts.confidence:.2f}", f"{facts.confidence_threshold:.2f}"
    if facts.confidence < facts.confidence_threshold:
        return _ask(f"{sure} < {asked}: not sure enough of the cause")
    return _allow(f"{sure} ≥ {asked}: sure enough of the cause")


def risk(facts: PolicyFacts) -> Verdict:
    """Ask a person when the action is of high risk."""
    if facts.risk is Risk.HIGH:
        return _ask("the risk is high")
    return _allow(f"the risk is {facts.risk}")


def rerun_safety(facts: PolicyFacts) -> Verdict:
    """Keep to what the owner of the pipeline or job has said about running it again."""
    if facts.rerun_safety is RerunSafety.NEVER:
        return _escalate(f"its owner says that {facts.target} is never rerun by a machine")
    if facts.rerun_safety is RerunSafety.FROM_FAILURE and facts.reruns_everything:
        who = "its owner says" if facts.owner_has_said else "its definition shows"
        return _ask(f"{who} that only the failed part of {facts.target} may run again")
    return _allow(f"rerunning {facts.target} is {facts.rerun_safety}")


def allowed(facts: PolicyFacts) -> Verdict:
    """Keep to the actions that operators allow for the pipeline or job."""
    if not facts.allowed:
        return _escalate(f"{facts.action} is not among the actions allowed for {facts.target}")
    return _allow(f"{facts.action} is allowed there")


def freeze(facts: PolicyFacts) -> Verdict:
    """Do nothing without a person while a change freeze holds."""
    if facts.freeze:
        return _ask(f"a change freeze holds: {facts.freeze}")
    return _allow("no change freeze holds")


def maintenance(facts: PolicyFacts) -> Verdict:
    """Wait until a maintenance is over."""
    if facts.maintenance:
        return Verdict(
            effect=Effect.WAIT,
            text=f"a maintenance goes on: {facts.maintenance}",
            ticket_outcome=Outcome.INCONCLUSIVE,
        )
    return _allow("no maintenance goes on")


def flapping(facts: PolicyFacts) -> Verdict:
    """Leave to a person what comes back soon after it was healed, again and again."""
    if facts.healed_lately >= facts.max_healed_lately:
        return _escalate(
            f"it was healed {facts.healed_lately} times within half an hour and is back again",
            Outcome.NOT_HEALED,
        )
    return _allow(f"healed {facts.healed_lately} time(s) within half an hour")


def known_outage(facts: PolicyFacts) -> Verdict:
    """Rerun nothing while its platform is known to be down."""
    if facts.outage:
        return Verdict(
            effect=Effect.WAIT,
            text=f"a known outage goes on: {facts.outage}",
            ticket_outcome=Outcome.INCONCLUSIVE,
        )
    return _allow("no outage is known")


def mass_failure(facts: PolicyFacts) -> Verdict:
    """Rerun nothing while so much fails at once that the cause must be a common one."""
    many = facts.failing_targets >= facts.min_failing_targets
    share = facts.failing_targets / facts.known_targets if facts.known_targets else 0
    if many and share > facts.max_failing_share:
        return _escalate(
            f"{facts.failing_targets} of {facts.known_targets} targets failed within ten minutes: "
            "reruns would only add to it"
        )
    return _allow(f"{facts.failing_targets} of {facts.known_targets} targets fail")


def breaker(facts: PolicyFacts) -> Verdict:
    """Ask a person when nobody knows any more what attempts come to."""
    row = facts.inconclusive_in_a_row
    if row >= facts.inconclusive_until_open:
        return _ask(f"of the last {row} attempts there nobody knows what came of them")
    return _allow("what attempts come to is known")


def limits(facts: PolicyFacts) -> Verdict:
    """Wait while as much is done as operators allow."""
    if facts.limit_reached:
        return Verdict(
            effect=Effect.WAIT,
            text=facts.limit_reached,
            ticket_outcome=Outcome.BUDGET_EXHAUSTED,
        )
    return _allow("no limit is reached")


RULES: dict[str, Rule] = {
    "record": record,
    "asked_to_stop": asked_to_stop,
    "cancelled": cancelled,
    "superseded": superseded,
    "benign": benign,
    "kill_switch": kill_switch,
    "remediable": remediable,
    "attempts": attempts,
    "lost": lost,
    "mode": mode,
    "confidence": confidence,
    "risk": risk,
    "rerun_safety": rerun_safety,
    "allowed": allowed,
    "freeze": freeze,
    "maintenance": maintenance,
    "flapping": flapping,
    "known_outage": known_outage,
    "mass_failure": mass_failure,
    "breaker": breaker,
    "limits": limits,
}
