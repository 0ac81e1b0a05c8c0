"""How long to wait between attempts: exponential, capped, with full jitter.

Full jitter draws from the whole interval [0, cap], which spreads a storm of
retries best (Marc Brooker, "Exponential Backoff And Jitter", AWS, 2015).
"""

from typing import NamedTuple


class Backoff(NamedTuple):
    """Base, growth and ceiling, in seconds; a base of 0 means no waiting."""

    base_seconds: float
    factor: float
    max_seconds: float

    def wait_seconds(self, *, failures: int, at_least: float = 0, chance: float) -> float:
        """Return the wait after ``failures`` failed attempts; 0 before the first attempt.

        Args:
            failures: How many attempts have been made.
            at_least: What the cause needs to pass (throttling, a full cluster). Honoured up
                to half the interval, so that waiting stays spread out.
            chance: A random number in [0, 1).
        """
        if failures <= 0 or self.base_seconds <= 0:
            return 0.0
        # Capped before multiplying on: a large exponent would overflow.
        cap = self.base_seconds
        for _ in range(failures - 1):
            cap = min(cap * self.factor, self.max_seconds)
        cap = min(cap, self.max_seconds)
        floor = min(at_least, cap / 2)
        return floor + chance * (cap - floor)
