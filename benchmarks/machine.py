"""Names of packages in; what measured figures depend on out."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any


def machine(*packages: str) -> dict[str, Any]:
    """CPU, system, versions and date, for the JSON beside the figures."""
    cpu = platform.processor()
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        cpu = found[1] if found else cpu
    except OSError:
        pass
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {p: importlib.metadata.version(p) for p in packages},
        "date": datetime.date.today().isoformat(),
    }


def machine_text(about: dict[str, Any], isa: str | None = None) -> str:
    """What `machine` returned, and the instruction set in use, in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['cpu']}{f' ({isa})' if isa else ''}, {about['cores']} cores, {about['system']}, "
        f"Python {about['python']}; {versions}; {about['date']}."
    )
