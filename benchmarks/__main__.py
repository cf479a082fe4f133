"""`python -m benchmarks`: ours beside the peers' in one run, as tables and as JSON."""

from __future__ import annotations

import argparse
import json
import time
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from benchmarks.machine import machine
from benchmarks.options import Options
from benchmarks.parts import FORCEABLE, PARTS, part
from elman.backends import available_isas

RESULTS = Path(__file__).parent / "results"
QUICK = Path(__file__).parent.parent / "build" / "bench-quick"
PACKAGES = ("elman", "numpy", "scikit-learn", "torch", "jax", "onnxruntime")
OPTIONAL = ("keras",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--quick", action="store_true", help=f"two minutes in all; JSON goes to build/{QUICK.name}"
    )
    parser.add_argument("--isa", choices=available_isas(), help="force our instruction set")
    parser.add_argument("--rows", type=int, nargs="+", help="only these rows of layer, from 0")
    parser.add_argument("--seconds", type=float, help="for each contestant of each row")
    parser.add_argument("--output", type=Path, help="folder the JSON goes to")
    args = parser.parse_args()
    chosen = args.parts or (FORCEABLE if args.isa else PARTS)
    if args.isa and not set(chosen) <= set(FORCEABLE):
        parser.error(f"--isa goes with {', '.join(FORCEABLE)}")
    seconds = args.seconds or (0.1 if args.quick else 3.0)
    options = Options(args.quick, seconds, args.isa, tuple(args.rows or ()))
    folder = args.output or (QUICK if args.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=max(170, Console().width))
    for name in chosen:
        console.print(f"{name} ...", highlight=False)
        start = time.perf_counter()
        result = part(name).measure(options)
        about = {
            "part": name,
            "isa": options.isa_name,
            "quick": options.quick,
            "machine": machine(*PACKAGES, *filter(find_spec, OPTIONAL)),
        }
        for sheet in part(name).sheets(result):
            console.print(sheet.rich())
        path = folder / (f"{name}-{args.isa}.json" if args.isa else f"{name}.json")
        path.write_text(json.dumps(about | result, indent=1) + "\n")
        elapsed = time.perf_counter() - start
        console.print(f"{path} written after {elapsed:.0f} s\n", highlight=False)


if __name__ == "__main__":
    main()
