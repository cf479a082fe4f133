"""What version 1 holds in; version-2.elman out.

    python tests/formats/archives/make_version_2.py

Run once, by the elman that introduced format version 2, of which only the number is new. The file
is never made again: it is what a user of that version has on disk, and every later version must
read it.
"""

import json
from pathlib import Path

import numpy as np

from elman.formats.archive import FORMAT_VERSION, save

HERE = Path(__file__).parent

if FORMAT_VERSION != 2:
    raise SystemExit(f"this elman writes version {FORMAT_VERSION}: leave the version 2 file alone")

config = json.loads((HERE / "version-1.json").read_text(encoding="utf-8"))
save(HERE / "version-2.elman", dict(np.load(HERE / "version-1.npz")), config)
