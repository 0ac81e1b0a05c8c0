"""What people have been told about a ticket, per channel."""

from pydantic import AwareDatetime, Field, JsonValue

from shared.domain.model import Model


class Remembered(Model):
    """What one channel shows of one ticket, as far as we know.

    Attributes:
        version: Of the ticket that the channel shows; 0: it has been told nothing yet.
        seq: Of the newest event that it has been told.
        message: What the channel calls the ticket's own message or issue; empty if there is none.
        place: The conversation that ``message`` is in, as the channel calls it.
        marks: Whatever else the channel has to remember.
        sending_since: Something was about to be sent then, and nobody knows what became of it.
        written_in: The incarnation of the store that this was written in.
        tries: How often in a row telling has failed.
        next_at: Not to be tried before.
        error: Why it failed last.
    """

    channel: str
    ticket_id: str
    version: int = 0
    seq: int = 0
    message: str = ""
    place: str = ""
    marks: dict[str, JsonValue] = Field(default_factory=dict)
    sending_since: AwareDatetime | None = None
    written_in: str = ""
    tries: int = 0
    next_at: AwareDatetime | None = None
    error: str = ""
