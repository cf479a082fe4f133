"""The C of every kind of model, on other compilers and machines: each runs its golden vectors.

Debian has all of it: gcc-multilib, clang, lld, gcc-arm-none-eabi, libnewlib-arm-none-eabi,
qemu-system-arm, wasi-libc, libclang-rt-dev-wasm32, nodejs.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from helpers.c_cases import CASES
from helpers.c_models import STRICT, call, compiled, program

from elman.exchange.c99 import to_c
from elman.exchange.c99.literals import listed, literals

SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
HOSTS = {
    "gcc -O3": ["gcc", "-O3", "-march=native"],
    "gcc with sanitizers": ["gcc", "-O1", *SANITIZERS],
    "gcc for 32 bits": ["gcc", "-O2", "-m32"],
    "clang -O2": ["clang", "-O2"],
    "clang with sanitizers": ["clang", "-O1", *SANITIZERS],
}
FORMS = [("float32", "float"), ("float64", "float"), ("float32", "int8")]
"""Types and weights that models are written with."""

BOARDS = {
    "Cortex-M4": (
        ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
        "mps2-an386",
    ),
    "Cortex-M3": (["-mcpu=cortex-m3"], "mps2-an385"),
}
"""Options of the compiler, and the machine that qemu plays."""

START = """
extern void _start(void);
extern void top_of_stack(void);
void reset(void);
static void fault(void) { for (;;) { } }

void reset(void)
{
#ifdef __ARM_FP
    *(volatile unsigned *)0xE000ED88 |= 0xFu << 20; /* switch the floating-point unit on */
    __asm__ volatile("dsb\\n\\tisb");
#endif
    _start();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    top_of_stack, reset, fault, fault, fault, fault, fault,
};
"""

MEMORY = """
MEMORY
{
    CODE (rx) : ORIGIN = 0x00000000, LENGTH = 4M
    RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M
}
ENTRY(reset)
SECTIONS
{
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.init) *(.fini) KEEP(*(.eh_frame*)) } > CODE
    .ARM.exidx : { *(.ARM.exidx*) } > CODE
    .init_array : {
        __preinit_array_start = .; KEEP(*(.preinit_array*)) __preinit_array_end = .;
        __init_array_start = .; KEEP(*(.init_array*)) __init_array_end = .;
        __fini_array_start = .; KEEP(*(.fini_array*)) __fini_array_end = .;
    } > RAM
    .data : { *(.data*) } > RAM
    .bss : { __bss_start__ = .; *(.bss*) *(COMMON) __bss_end__ = .; } > RAM
    end = .;
    PROVIDE(__end__ = .);
    top_of_stack = ORIGIN(RAM) + LENGTH(RAM);
    PROVIDE(__stack = top_of_stack);
}
"""

UNDER_NODE = """
import { WASI } from 'node:wasi';
import { readFileSync } from 'node:fs';
const wasi = new WASI({ version: 'preview1', args: ['program'] });
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {
  wasi_snapshot_preview1: wasi.wasiImport,
});
process.exitCode = wasi.start(instance);
"""


def needed(*tools):
    """Skip the test where a tool is missing; fail where it must not be."""
    for tool in tools:
        if shutil.which(tool) is None:
            if os.environ.get("ELMAN_REQUIRE_RUNTIMES") == "1":
                pytest.fail(f"{tool} is not here, and ELMAN_REQUIRE_RUNTIMES=1")
            pytest.skip(f"{tool} is not here")


def check(output):
    assert output.splitlines()[-1] == f"all {len(CASES)} models are right"
    assert "refused" not in output


@pytest.fixture(scope="module", params=FORMS, ids=" ".join)
def sources(request, tmp_path_factory):
    """The sources of a program with all models."""
    dtype, weights = request.param
    folder = tmp_path_factory.mktemp(f"{dtype}-{weights}")
    return program(CASES, folder, dtype=dtype, weights=weights)


@pytest.mark.parametrize("host", HOSTS)
def test_on_this_machine(sources, tmp_path, host):
    compiler, *options = HOSTS[host]
    needed(compiler)
    target = str(tmp_path / "program")
    call([compiler, *STRICT, *options, "-o", target, *sources, "-lm"])
    check(call([target]))


@pytest.mark.parametrize("board", BOARDS)
def test_on_a_microcontroller(sources, tmp_path, board):
    needed("arm-none-eabi-gcc", "qemu-system-arm")
    (tmp_path / "start.c").write_text(START)
    (tmp_path / "memory.ld").write_text(MEMORY)
    options, machine = BOARDS[board]
    command = ["arm-none-eabi-gcc", "-O2", "-mthumb", *options]
    start, target = str(tmp_path / "start.o"), str(tmp_path / "program.elf")
    call([*command, "-c", str(tmp_path / "start.c"), "-o", start])
    script = ["--specs=rdimon.specs", "-T", str(tmp_path / "memory.ld")]
    call([*command, *STRICT, *script, "-o", target, start, *sources, "-lm"])
    emulator = [
        "qemu-system-arm",
        "-M",
        machine,
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
    ]
    emulator += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
    check(call([*emulator, "-kernel", target], timeout=300))


def test_in_webassembly(sources, tmp_path):
    needed("clang", "wasm-ld", "node")
    target, script = str(tmp_path / "program.wasm"), tmp_path / "run.mjs"
    script.write_text(UNDER_NODE)
    options = ["--target=wasm32-wasi", "--sysroot=/usr", "-O2"]
    call(["clang", *options, *STRICT, "-o", target, *sources, "-lm"])
    check(call(["node", "--no-warnings", str(script), target]))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", [["-O3", "-march=native"], ["-O2", "-ffp-contract=fast"]])
def test_steps_are_the_whole_to_the_bit_when_optimised(tmp_path, compiler, flags):
    needed(compiler)
    models = {name: model for name, (model, _) in CASES.items()}
    built = compiled(models, tmp_path, flags=flags, compiler=compiler)
    for name, model in built.items():
        if not model.plan.streams or model.plan.per_step:
            continue
        stream = model.stream()
        for sample in model.steps(CASES[name][1]):
            stream.reset()
            for x in sample:
                assert stream.step(x) == 0
            assert np.array_equal(stream.answer()[1], model.run(sample)[1]), name


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_literals_are_read_back_by_a_compiler(tmp_path, compiler):
    needed(compiler)
    rng = np.random.default_rng(0)
    lines = ["#include <stdio.h>"]
    arrays = {}
    for kind, dtype, word in (("float", np.float32, np.uint32), ("double", np.float64, np.uint64)):
        info = np.finfo(dtype)
        drawn = rng.integers(0, np.iinfo(word).max, 3000, dtype=word).view(dtype)
        ends = np.array([info.max, info.tiny, info.smallest_subnormal, -0.0], dtype)
        arrays[kind] = np.concatenate([drawn[np.isfinite(drawn)], ends])
        words = listed(literals(arrays[kind]))
        lines.append(f"static const {kind} of_{kind}[] = {{\n{words}\n}};")
    lines += ["int main(void)", "{"]
    lines += [f"    fwrite(of_{k}, 1, sizeof(of_{k}), stdout);" for k in arrays]
    lines += ["    return 0;", "}", ""]
    (tmp_path / "numbers.c").write_text("\n".join(lines))
    target, raw = str(tmp_path / "numbers"), tmp_path / "raw"
    call([compiler, *STRICT, "-o", target, str(tmp_path / "numbers.c")])
    call(["sh", "-c", f"{target} > {raw}"])
    assert raw.read_bytes() == b"".join(array.tobytes() for array in arrays.values())


def test_headers_are_headers_of_cpp_too(tmp_path):
    needed("g++")
    names = list(CASES)
    for name in names:
        to_c(CASES[name][0], tmp_path, name=name)
    includes = "".join(f'#include "{name}.h"\n' for name in names)
    (tmp_path / "all.cpp").write_text(includes + "int main() { return M0_OK; }\n")
    flags = ["-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    call(["g++", *flags, "-fsyntax-only", str(tmp_path / "all.cpp")])
