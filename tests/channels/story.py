"""A ticket's life, and somebody who tells of it, in virtual time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from shared.domain.analysis import Action, Analysis, Category, Evidence, Risk
from shared.domain.attempt import Attempt, AttemptOutcome, AttemptState, attempt_key
from shared.domain.notification import Remembered
from shared.domain.ticket import Change, Outcome, Status, Ticket
from shared.ports.notifications import Notifier
from shared.stores.memory import MemoryStore
from shared.telling.picture import picture_of
from shared.usecases.close_ticket import close_ticket
from shared.usecases.tell import Round, Surroundings, tell
from tests.support.builders import RUN, StoppedClock, an_opening

ID = "TIK-20261120-000001"
PUBLIC_URL = "https://mend.example.com"
RERUN = "run-of-attempt-1"
paint = partial(picture_of, public_url=PUBLIC_URL, max_attempts=3)


class Teller:
    """A store with tickets, and rounds of a channel; waiting moves the clock."""

    def __init__(self, notifier: Notifier, *, patience_seconds: float = 5) -> None:
        self.store = MemoryStore()
        # From now on: the simulators' own times have to fit.
        self.began = datetime.now(UTC)
        self.clock = StoppedClock(self.began)
        self.notifier = notifier
        self.around = Surroundings(
            clock=self.clock,
            random=lambda: 0.5,
            awake_since=self.began - timedelta(hours=1),
            sleep=self._sleep,
            patience_seconds=patience_seconds,
        )

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    async def open(self, ticket_id: str = ID, **fields: object) -> Ticket:
        """Open a ticket."""
        change = an_opening(ticket_id, self.clock.now())
        ticket = Ticket.model_validate({**dict(change.ticket), **fields})
        await self.store.create(replace(change, ticket=ticket))
        return await self.store.get(ticket_id)

    async def round(self) -> Round:
        """Have one round."""
        return await tell(self.notifier, self.store, self.around)

    async def rounds(self, most: int = 40) -> list[str]:
        """Have rounds, five seconds apart, until nothing is due; return what went wrong."""
        problems: list[str] = []
        for _ in range(most):
            problems += (await self.round()).problems
            if not await self.behind():
                return problems
            self.clock.advance(seconds=5)
        raise AssertionError(f"still behind after {most} rounds: {problems}")

    async def behind(self) -> list[Ticket]:
        """Return the tickets that the channel does not show as they are, however it waits."""
        far = self.clock.now() + timedelta(days=1)
        since = self.began - timedelta(days=1)
        return await self.store.untold(self.notifier.name, since=since, now=far, limit=5000)

    async def remembered(self, ticket_id: str = ID) -> Remembered:
        """Return what is remembered."""
        found = await self.store.remembered(self.notifier.name, ticket_id)
        assert found is not None
        return found

    async def change(
        self, type_: str, message: str, ticket_id: str = ID, **fields: object
    ) -> Ticket:
        """Let something happen."""

        def decide(ticket: Ticket) -> Change:
            given: Any = fields
            return ticket.changed(self.clock.now(), type_, message, **given)

        return await self.store.update(ticket_id, decide)

    async def analyse(self, ticket_id: str = ID, **fields: object) -> None:
        """Find a cause."""
        analysis = Analysis(
            confidence=0.93,
            category=Category.TRANSIENT_NETWORK,
            signature="sql-connection-timeout",
            root_cause="The database did not answer in time.",
            auto_remediable=True,
            action=Action.RERUN_FROM_FAILURE,
            risk=Risk.LOW,
            evidence=(Evidence(id="e1", source="adf.activity_run", text="Timeout expired"),),
            recommendations=("Look at the firewall.",),
            method="signature",
        )
        changed = Analysis.model_validate({**dict(analysis), **fields})
        await self.change("analysis.done", "a timeout", ticket_id, analysis=changed,
                          status=Status.ANALYZING)  # fmt: skip

    async def attempt(self, number: int = 1, run_id: str = RERUN, ticket_id: str = ID) -> None:
        """Start an attempt."""
        attempt = Attempt(
            number=number,
            key=attempt_key(ticket_id, number),
            action=Action.RERUN_FROM_FAILURE,
            state=AttemptState.ISSUED,
            target="load_customer_data",
            reference_run_id=RUN,
            external_run_id=run_id,
            started_at=self.clock.now(),
        )

        def decide(ticket: Ticket) -> Change:
            return ticket.changed(
                self.clock.now(),
                "remediation.issued",
                f"attempt {number} runs as {run_id}",
                status=Status.REMEDIATING,
                attempts=ticket.with_attempt(attempt),
            )

        await self.store.update(ticket_id, decide)

    async def conclude(self, outcome: AttemptOutcome, number: int = 1, ticket_id: str = ID) -> None:
        """End an attempt."""
        healed = outcome is AttemptOutcome.HEALED
        state = AttemptState.SUCCEEDED if healed else AttemptState.FAILED

        def decide(ticket: Ticket) -> Change:
            attempt = ticket.attempt(number).moved_to(
                state, outcome=outcome, ended_at=self.clock.now()
            )
            return ticket.changed(
                self.clock.now(),
                f"remediation.{state}",
                f"attempt {number} {outcome}",
                attempts=ticket.with_attempt(attempt),
            )

        await self.store.update(ticket_id, decide)

    async def end(
        self, outcome: Outcome, why: str = "that is how it is", ticket_id: str = ID
    ) -> None:
        """End the ticket."""
        await close_ticket(ticket_id, outcome, why, self.store, self.clock)

    async def heal(self, ticket_id: str = ID) -> None:
        """Let the first attempt heal it, with five minutes in between."""
        await self.analyse(ticket_id)
        await self.attempt(ticket_id=ticket_id)
        self.clock.advance(minutes=5)
        await self.conclude(AttemptOutcome.HEALED, ticket_id=ticket_id)
        await self.end(Outcome.HEALED, ticket_id=ticket_id)


def texts_in(value: object) -> list[str]:
    """Return every text anywhere in ``value``."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts_in(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


Step = Callable[[Teller], Any]
