"""A Logic App that carries out actions for us and calls back."""

from collections.abc import Mapping
from typing import Protocol


class LogicApp(Protocol):
    """The workflow behind ``MEND_LOGIC_APP_URL``."""

    async def start(self, body: Mapping[str, object], *, tracking_id: str) -> str | None:
        """Send ``body`` in exactly one request; return the workflow run's id, if it is named.

        Args:
            tracking_id: Shown in the workflow's run history.

        Raises:
            Transient: nothing can have happened; sending again is safe.
            OutcomeUnknown: it may be running. It must not be sent again.
            Refused: refused for good.
        """
        ...


class CallbackAddress(Protocol):
    """Where a Logic App reports to, and how it shows that it may."""

    @property
    def url(self) -> str:
        """Where to POST the report."""
        ...

    def token(self, ticket_id: str, attempt_number: int) -> str:
        """Return the secret that goes with reports about this attempt."""
        ...
