"""Threads that user code runs on, and that never keep the process alive.

``concurrent.futures.ThreadPoolExecutor`` joins its threads when Python exits, so one
activity that sleeps for an hour would delay the end of the host for an hour.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Job = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool(Executor):
    """At most ``size`` daemon threads, started when needed."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """See :class:`concurrent.futures.Executor`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the {self._name} threads are closed")
            self._jobs.put((future, lambda: fn(*args, **kwargs)))
            if self._idle == 0 and self._threads < self._size:
                self._begin_thread()
        return future

    def grow(self) -> None:
        """Add a thread, because one is lost in user code that does not return."""
        with self._lock:
            self._size += 1
            self._begin_thread()

    def shutdown(
        self,
        wait: bool = True,  # noqa: ARG002  nobody can wait for user code
        *,
        cancel_futures: bool = False,  # noqa: ARG002
    ) -> None:
        """Let idle threads end. Never waits: a thread in user code is left to itself."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def _begin_thread(self) -> None:
        self._threads += 1
        name = f"{self._name}-{self._threads}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            if job is None:
                return
            future, call = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  SystemExit of user code too
                future.set_exception(error)
            else:
                future.set_result(result)
            del future, call, job
