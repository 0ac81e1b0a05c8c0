"""What the demo prints: a table that moves while tickets travel, and one that stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.stories import Failure, Story

_COLOURS = {
    "resolved": "green",
    "closed": "cyan",
    "escalated": "yellow",
    "monitoring": "blue",
    "remediating": "blue",
}


@dataclass(slots=True)
class Journey:
    """A story on its way: the ticket as last seen and the way it came."""

    story: Story
    failure: Failure
    ticket_id: str
    ticket: dict[str, object] = field(default_factory=dict)
    way: list[str] = field(default_factory=list)
    latest: str = ""
    last_seq: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    has_agreed: bool = False

    @property
    def status(self) -> str:
        """Status as last seen."""
        return str(self.ticket.get("status", "open"))

    @property
    def is_over(self) -> bool:
        """Tell whether the ticket has ended."""
        return self.ticket.get("outcome") is not None

    @property
    def surprises(self) -> list[str]:
        """Say what is not as the story has it; empty when all is."""
        found = []
        ended = (self.status, str(self.ticket.get("outcome")))
        if ended != self.story.ends:
            found.append(f"ended as {' / '.join(ended)}, not {' / '.join(self.story.ends)}")
        if self.changes != dict(self.story.changes):
            found.append(f"made {listed(self.changes)}; not {listed(self.story.changes)}")
        return found


def progress(journeys: Sequence[Journey]) -> Table:
    """Return the table that is shown while tickets travel."""
    table = Table(title="Failures on their way", expand=True, title_justify="left")
    table.add_column("what happened", ratio=3, no_wrap=True)
    table.add_column("ticket", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("latest", ratio=5, no_wrap=True, overflow="ellipsis")
    for journey in journeys:
        table.add_row(
            journey.story.title, journey.ticket_id, _coloured(journey.status), Text(journey.latest)
        )
    return table


def summary(journeys: Sequence[Journey], console: Console) -> None:
    """Print what became of every ticket, and each ticket's way."""
    table = Table(title="What became of them", title_justify="left")
    table.add_column("what happened")
    table.add_column("ended as")
    table.add_column("what was done")
    table.add_column("minutes", justify="right")
    table.add_column("as expected")
    for journey in journeys:
        ended = Text.assemble(_coloured(journey.status), f", {journey.ticket.get('outcome')}")
        wrong = Text("; ".join(journey.surprises), "bold red")
        table.add_row(
            journey.story.title,
            ended,
            listed(journey.changes),
            _minutes(journey.ticket),
            wrong if journey.surprises else Text("yes", "green"),
        )
    console.print(table)
    for journey in journeys:
        console.print(Text.assemble((journey.ticket_id, "bold"), f"  {_cause(journey)}"))
        console.print(Text("  " + " > ".join(journey.way), style="dim"))


def _coloured(status: str) -> Text:
    return Text(status, _COLOURS.get(status, "white"))


def _cause(journey: Journey) -> str:
    analysis = journey.ticket.get("analysis")
    if not isinstance(analysis, dict):
        return ""
    return (
        f"{analysis.get('signature')}, {analysis.get('confidence')}: {analysis.get('root_cause')}"
    )


def listed(changes: Mapping[str, int]) -> str:
    """Return calls and how often each was made."""
    told = [f"{n} {name}" if n > 1 else name for name, n in sorted(changes.items())]
    return " + ".join(told) or "nothing"


def count(items: object) -> int:
    """Return how many items a list of the API has; 0 when there is none."""
    return len(items) if isinstance(items, list) else 0


def _minutes(ticket: dict[str, object]) -> str:
    minutes = ticket.get("mttr_minutes")
    return f"{minutes:.2f}" if isinstance(minutes, float) else "-"
