"""What the README and the examples tell a person to run, runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def run(code, folder):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_of_the_readme_works_when_pasted(tmp_path):
    (snippet,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10
    out = run(snippet, tmp_path)
    assert float(re.match(r"([\d.]+)% of 370", out).group(1)) > 94
    assert (tmp_path / "speakers.safetensors").exists()


@pytest.mark.parametrize(
    "script", ["own_data.py", "grid_search.py", "from_csv.py", "from_folder.py", "surnames.py"]
)
def test_an_example_runs(tmp_path, script):
    out = run((ROOT / "examples" / script).read_text(), tmp_path)
    (accuracy,) = re.findall(r"accuracy on .*: ([\d.]+)%", out)
    assert float(accuracy) > 90


def test_the_tutorial_of_forecasting_beats_simple_rules(tmp_path):
    out = run((ROOT / "docs" / "tutorials" / "forecasting.py").read_text(), tmp_path)
    found = dict(re.findall(r"^  (.+): +([\d.]+)$", out, flags=re.MULTILINE))
    week_ago, last = float(found["as a week ago"]), float(found["the last value again"])
    assert float(found["the network"]) < 0.95 * week_ago < 0.95 * last


def test_the_tutorial_of_text_says_truly_which_method_is_better(tmp_path):
    out = run((ROOT / "docs" / "tutorials" / "text.py").read_text(), tmp_path)
    networks, pieces = (
        [float(share) for share in re.findall(rf"^{who}: ([\d.]+)%", out, flags=re.MULTILINE)]
        for who in ("network", "n-grams")
    )
    names, harmony = zip(networks, pieces, strict=True)
    assert min(names) > 90
    assert harmony[0] > 99
    assert harmony[1] < 60


def test_every_file_the_readme_names_is_there():
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for name in re.findall(r"^\| `([^|]*?)` \|", README, flags=re.MULTILINE):
        first = name.split("`")[0]
        assert (ROOT / first).exists(), first


def test_every_command_of_the_readme_exists():
    from elman.cli import main

    commands = set(re.findall(r"^    elman (\w+)", README, flags=re.MULTILINE))
    assert commands == {"fit", "tune", "evaluate", "report", "predict", "export"}
    for command in commands:
        assert main([command, "--help"]) == 0
    targets = set(re.findall(r"\bmake (\w+)", README))
    makefile = (ROOT / "Makefile").read_text()
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
