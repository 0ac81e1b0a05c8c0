"""What every test of the local host needs."""

from collections.abc import Iterator

import pytest

from localhost.durable import sdk


@pytest.fixture(autouse=True)
def tuned_sdk() -> Iterator[None]:
    """The SDK as the host runs it: quick timestamps, its own warnings out of the way."""
    with sdk.tuned():
        yield
