"""Base class of every value the system stores, sends or replays."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Immutable value, compared by content.

    Unknown fields are ignored on input: an orchestration started by a newer
    release may be replayed by an older one during a rolling deploy. A new field
    therefore always has a default.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
