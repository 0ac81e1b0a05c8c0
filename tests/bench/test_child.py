"""Commands to a child process and back."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.child import Child, ChildFailed


def test_a_child_that_dies_is_reported_with_what_it_said(tmp_path: Path) -> None:
    """The reason is in the message, not in a file that is gone."""
    with (
        Child(sys.executable, "bench.no_such_module", [], tmp_path) as child,
        pytest.raises(ChildFailed, match="No module named"),
    ):
        child.ask("anything")


def test_answers_come_back_and_prints_of_libraries_do_not_mix_in() -> None:
    """Only answers are on stdout, one line each, until stdin ends."""
    program = (
        "from bench.serve import serve\n"
        "def double(value):\n"
        "    print('a library talks')\n"
        "    return {'value': 2 * value}\n"
        "serve({'double': double})\n"
    )
    orders = '{"do": "double", "value": 2}\n{"do": "double", "value": 4}\n'

    done = subprocess.run(
        [sys.executable, "-c", program], input=orders, capture_output=True, text=True, check=True
    )

    assert done.stdout == '{"value": 4}\n{"value": 8}\n'
    assert "a library talks" in done.stderr
