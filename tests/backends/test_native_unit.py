"""The kernel's unit outside Python: its symbols, other processors, and the sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NATIVE = ROOT / "native"
UNIT_FLAGS = ["-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra"]
UNIT_FLAGS += [f"-I{NATIVE}"]
X86_FLAGS = {
    "baseline": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma"],
}

cxx = shutil.which("c++") or shutil.which("g++")
cross_cxx = shutil.which("aarch64-linux-gnu-g++")
emulator = shutil.which("qemu-aarch64")


def run(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def build_unit(compiler, isa, flags, folder):
    unit = folder / f"{isa}.o"
    run(
        *(compiler, *UNIT_FLAGS, *flags, "-fno-exceptions", "-fno-rtti", f"-DELMAN_ISA={isa}"),
        *("-c", NATIVE / "kernel" / "isa_unit.cpp", "-o", unit),
    )
    return unit


def build_check(compiler, isa, unit, flags, folder):
    program = folder / f"check-{isa}"
    sources = [
        ROOT / "tests/backends/unit_check.cpp",
        NATIVE / "runtime" / "run.cpp",
        NATIVE / "runtime" / "thread_pool.cpp",
        NATIVE / "runtime" / "used_rows.cpp",
    ]
    run(
        *(compiler, *UNIT_FLAGS, *flags, f"-DELMAN_ISA={isa}", *sources, unit),
        *("-pthread", "-o", program),
    )
    return program


@pytest.mark.skipif(cxx is None, reason="no C++ compiler")
def test_a_unit_shares_no_code(tmp_path):
    # One global symbol, the table: a weak one (inline or template) could be taken from another unit
    # by the linker, and put its instructions on a processor that lacks them.
    unit = build_unit(cxx, "baseline", ["-O1"], tmp_path)
    symbols = [line.split()[-2:] for line in run("nm", "-C", unit).splitlines()]
    shared = [name for kind, name in symbols if kind.isupper() and kind != "U"]
    assert shared == ["elman::kernels_baseline()"]
    needed = {name for kind, name in symbols if kind == "U"}
    assert needed <= {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


@pytest.mark.skipif(cross_cxx is None or emulator is None, reason="no cross compiler or emulator")
def test_neon_agrees_with_scalar_code(tmp_path):
    unit = build_unit(cross_cxx, "baseline", ["-O2"], tmp_path)
    program = build_check(cross_cxx, "baseline", unit, ["-O1", "-static"], tmp_path)
    assert "worst difference" in run(emulator, program)


@pytest.mark.sanitize
@pytest.mark.skipif(cxx is None, reason="no C++ compiler")
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
@pytest.mark.parametrize("isa", X86_FLAGS)
def test_sanitizers_find_nothing(isa, sanitizer, tmp_path):
    from elman.backends import available_isas

    if isa not in available_isas():
        pytest.skip(f"this machine does not run {isa}")
    flags = ["-O1", "-g", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"]
    unit = build_unit(cxx, isa, [*flags, *X86_FLAGS[isa]], tmp_path)
    assert "worst difference" in run(build_check(cxx, isa, unit, flags, tmp_path))
