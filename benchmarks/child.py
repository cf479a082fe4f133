"""A part's own process: measurements of memory and of start-up need one that did nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def run_child(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module arguments`; the JSON on its last line comes back."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def wall_seconds(*arguments: str) -> float:
    """Wall time of `python arguments`."""
    # The child finds our package as we do.
    paths = os.pathsep.join(path or "." for path in sys.path)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    return time.perf_counter() - start


def status_bytes(field: str) -> int:
    """A field of /proc/self/status in bytes: VmRSS, VmHWM (its peak), RssAnon."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if not found:
        raise SystemExit(f"/proc/self/status has no {field}; memory is measured on Linux only")
    return int(found[1]) * 1024


def extra_anonymous(function: Callable[[], object]) -> int:
    """Peak of this process's own memory during a call, over what it had; mapped files not counted.

    Read every millisecond by a thread: what lives for less may be missed.
    """
    before = peak = status_bytes("RssAnon")
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, status_bytes("RssAnon"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        function()
    finally:
        peak = max(peak, status_bytes("RssAnon"))
        done.set()
        thread.join()
    return peak - before


def extra_resident(function: Callable[[], object]) -> int:
    """Peak resident memory during a call, over what the process had: the kernel's own count."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status_bytes("VmRSS")
    function()
    return status_bytes("VmHWM") - before
