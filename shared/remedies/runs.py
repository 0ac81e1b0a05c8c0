"""Looking at the run that a step has led to."""

from shared.domain.run import RunSnapshot
from shared.ports.runs import RunReader
from shared.remedies.step import Progress, Work


async def look_at_run_of(work: Work, record: RunReader) -> Progress:
    """Return how far the attempt's run is."""
    run_id = work.attempt.external_run_id
    run = await record.run(work.resource, run_id) if run_id else None
    return progress_of(run)


def progress_of(run: RunSnapshot | None) -> Progress:
    """Return how far ``run`` is; ``None``: the system does not know it, or not yet."""
    return Progress("missing") if run is None else Progress(run.phase, run.status)
