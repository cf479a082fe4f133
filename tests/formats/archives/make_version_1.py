"""Nothing in; version-1.elman and what it holds (version-1.npz, version-1.json) out.

    python tests/formats/archives/make_version_1.py

Run once, by the elman that introduced format version 1. The files are never made again: they are
what a user of that version has on disk, and every later version must read them.
"""

import json
from pathlib import Path

import numpy as np

from elman.formats.archive import FORMAT_VERSION, save

HERE = Path(__file__).parent

if FORMAT_VERSION != 1:
    raise SystemExit(f"this elman writes version {FORMAT_VERSION}: leave the version 1 files alone")

rng = np.random.default_rng(1990)
tensors = {
    "recurrent0.W_x": rng.standard_normal((2, 7)).astype(np.float32),
    "recurrent0.W_h": rng.standard_normal((7, 7)).astype(np.float32),
    "recurrent0.b": rng.standard_normal(7).astype(np.float32),
    "head.W": rng.standard_normal((7, 3)),
    "head.b": np.array([np.pi, -0.0, 1e-310]),
    "classes": np.array([-1, 0, 2**40]),
    "mask": np.array([[True, False]]),
    "steps": np.array(11, dtype=np.uint16),
    "empty": np.zeros((0, 5), dtype=np.int8),
    "half": np.array([0.5, 65504.0], dtype=np.float16),
}
config = {
    "cell": "elman",
    "classes": ["a", "ü", "日本", '"', "\\", "\u0000"],
    "hidden_size": 7,
    "alpha": 1e-4,
    "tenth": 0.1,
    "nested": {"list": [1, 2.0, None, True, [], {}]},
}
save(HERE / "version-1.elman", tensors, config)
np.savez_compressed(HERE / "version-1.npz", **tensors)
text = json.dumps(config, indent=1, sort_keys=True) + "\n"
(HERE / "version-1.json").write_text(text, encoding="utf-8")
