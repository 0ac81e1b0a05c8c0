"""The chain on durabletask's in-memory backend, with its own gRPC worker and client.

``python -m bench.engines.durabletask_memory PORT CORES``, in an environment that has
requirements-bench.txt. Nothing it does survives its process. With ``one`` for CORES the
process stays on one core: its gRPC threads then no longer hand Python's lock back and
forth between cores, which makes it nearly twice as quick on an otherwise idle machine.
"""

import logging
import os
import sys
from collections.abc import Generator
from importlib.metadata import version
from typing import Any

from durabletask import client, worker  # type: ignore[import-not-found]
from durabletask.testing import create_test_backend  # type: ignore[import-not-found]

from bench.engines import payload
from bench.engines.timing import Timing
from bench.serve import Answer, serve

_END_SECONDS = 60


def step(_context: Any, value: payload.Value) -> payload.Value:
    """Run one activity."""
    return payload.advance(value)


def chain(context: Any, value: payload.Value) -> Generator[Any, Any, payload.Value]:
    """Run five activities, one after another."""
    for _ in range(payload.STEPS):
        value = yield context.call_activity(step, input=value)
    return value


class _Chains:
    def __init__(self, hub: Any) -> None:
        self._hub = hub

    def about(self) -> Answer:
        return {"durability": "none: memory only", "version": version("durabletask")}

    def one_at_a_time(self, count: int) -> Answer:
        with Timing() as timing:
            for _ in range(count):
                self._end(self._start())
        return timing.answer()

    def all_at_once(self, count: int) -> Answer:
        # Waiting calls each hold one of the backend's ten threads, so all are started first.
        with Timing() as timing:
            for instance_id in [self._start() for _ in range(count)]:
                self._end(instance_id)
        return timing.answer()

    def _start(self) -> str:
        return str(self._hub.schedule_new_orchestration(chain, input=payload.first()))

    def _end(self, instance_id: str) -> None:
        state = self._hub.wait_for_orchestration_completion(instance_id, timeout=_END_SECONDS)
        payload.check(state and state.get_output())


def main(port: str, cores: str) -> None:
    """Serve until the parent is done."""
    if cores == "one" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    quiet = logging.getLogger("bench.durabletask")
    quiet.setLevel(logging.ERROR)  # a line per step would slow it down by a third
    address = f"127.0.0.1:{port}"
    backend = create_test_backend(port=int(port))
    host = worker.TaskHubGrpcWorker(host_address=address, logger=quiet)
    host.add_orchestrator(chain)
    host.add_activity(step)
    host.start()
    chains = _Chains(client.TaskHubGrpcClient(host_address=address, logger=quiet))
    try:
        serve(
            {
                "about": chains.about,
                "one_at_a_time": chains.one_at_a_time,
                "all_at_once": chains.all_at_once,
            }
        )
    finally:
        host.stop()
        backend.stop()


if __name__ == "__main__":
    main(*sys.argv[1:3])
