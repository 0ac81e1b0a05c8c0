"""Times a piece of work. Standard library only."""

import time
from types import TracebackType
from typing import Self


class Timing:
    """``with Timing() as timing``: wall and CPU seconds of this process."""

    def __enter__(self) -> Self:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop."""
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = time.process_time() - self._cpu

    def answer(self) -> dict[str, object]:
        """Return both as a JSON object."""
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
