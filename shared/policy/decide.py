"""All rules to one decision: the strictest wins, and no rule at all means no."""

import hashlib
from collections.abc import Mapping

from shared.domain.decision import Decision, Effect, Reason
from shared.domain.ticket import Outcome
from shared.policy.facts import POLICY_VERSION, PolicyFacts
from shared.policy.rules import RULES, Rule, Verdict

_STRICTNESS = {effect: rank for rank, effect in enumerate(Effect)}
_SILENCE = Verdict(
    effect=Effect.ESCALATE, text="no rule allows it", ticket_outcome=Outcome.NOT_REMEDIABLE
)


def _strictness(verdict: Verdict) -> int:
    return _STRICTNESS[verdict.as_strict_as or verdict.effect]


def _granted(verdict: Verdict, facts: PolicyFacts) -> Verdict:
    """Answer a rule's question with what people have said; to all else they have no say."""
    if verdict.effect is not Effect.ASK or not facts.approved_by:
        return verdict
    text = f"{verdict.text}; {facts.approved_by} has agreed"
    return Verdict(effect=Effect.EXECUTE, text=text)


def decide(facts: PolicyFacts, rules: Mapping[str, Rule] = RULES) -> Decision:
    """Return what may happen, with every rule's reason.

    Of equally strict verdicts the first rule's decides how the ticket ends. A
    rule that raises stops the decision: a guard never fails open.
    """
    verdicts = {name: _granted(rule(facts), facts) for name, rule in rules.items()} or {
        "default": _SILENCE
    }
    strictest = max(verdicts.values(), key=_strictness)
    return Decision(
        outcome=strictest.effect,
        action=facts.action,
        risk=facts.risk,
        reasons=tuple(
            Reason(
                rule=name,
                verdict="allow" if verdict.effect is Effect.EXECUTE else verdict.effect,
                text=verdict.text,
            )
            for name, verdict in verdicts.items()
        ),
        ticket_outcome=strictest.ticket_outcome,
        policy_version=POLICY_VERSION,
        input_hash=hashlib.sha256(facts.model_dump_json().encode()).hexdigest(),
    )
