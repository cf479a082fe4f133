"""examples/deploy/c on an emulated Cortex-M4: the same lines as on this machine."""

from __future__ import annotations

import re

from helpers.deploying import Deployed, run, tool


def test_a_microcontroller_prints_what_this_machine_does(tmp_path):
    make, _, _, _ = (tool(name) for name in ("make", "gcc", "arm-none-eabi-gcc", "qemu-system-arm"))
    made = Deployed(tmp_path)
    folder = made.folder / "c"
    run([make, "main", "arm"], folder)
    here, there = run([folder / "main"], folder), run([make, "--silent", "run-arm"], folder)
    assert there.splitlines() == here.splitlines()
    assert here.splitlines()[-1].startswith(f"answer: {made.labels[0]}, ")

    header = (folder / "model.h").read_text(encoding="utf-8")
    (flash,) = re.findall(r"Flash: ([\d,]+) bytes", header)
    sizes = run([make, "--silent", "size"], folder).splitlines()[1].split()
    text, data, bss = map(int, sizes[:3])
    constants = int(flash.replace(",", ""))
    assert constants < text < constants + 8000  # the code is "a few thousand bytes"
    assert (data, bss) == (0, 0)
