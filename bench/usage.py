"""Memory of a process."""

import subprocess
from pathlib import Path


def resident_mb(pid: int) -> float:
    """Return the resident set of ``pid`` in MB (10^6 bytes)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        kilobytes = int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    except FileNotFoundError:  # not Linux
        command = ["ps", "-o", "rss=", "-p", str(pid)]
        kilobytes = int(subprocess.run(command, capture_output=True, check=True).stdout)
    return kilobytes * 1024 / 1e6
