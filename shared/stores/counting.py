"""What a limit means, in plain code: the stores' own queries are held against it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from shared.domain.limits import Limit, LimitReached, Send


def first_reached(
    send: Send, limits: Sequence[Limit], sends: Iterable[Send]
) -> LimitReached | None:
    """Return the first of ``limits`` that ``send`` would exceed, given all earlier ``sends``."""
    earlier = list(sends)
    for limit in limits:
        window = timedelta(seconds=limit.seconds)
        counted = sorted(
            one.at
            for one in earlier
            if one.belongs_to(send, limit.per)
            and one.at > send.at - window
            and not (limit.running and one.ended_at is not None)
        )
        if len(counted) >= limit.most:
            return LimitReached(limit=limit, until=counted[-limit.most] + window)
    return None
