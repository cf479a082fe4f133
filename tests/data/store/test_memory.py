"""A store of four times the memory that a process may take is trained on and answered for."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from elman import RNNClassifier
from elman.data import SequenceStore

def sequences():
    rng = np.random.default_rng(0)
    for i in range(N):
        x = rng.random((250, 512), np.float32)
        x[-1, 0] = i % 2
        yield x, "ab"[i % 2]

N, path = int(sys.argv[1]), sys.argv[2]
clf = RNNClassifier(2, batch_size=8, max_iter=1, random_state=0, n_jobs=1)
warm = [(x, y) for (x, y), _ in zip(sequences(), range(3))]
clf.fit([x for x, _ in warm], [y for _, y in warm]).predict([warm[0][0]])  # loads everything
now = int(next(r for r in open("/proc/self/status") if r.startswith("VmSize")).split()[1]) << 10
shard = 8 << 20
allowed = 2 * shard + 8 * 512_000 + (100 << 20)
assert N * 512_000 > 4 * allowed, (N * 512_000, allowed)
resource.setrlimit(resource.RLIMIT_AS, (now + allowed, now + allowed))
store = SequenceStore.write(path, sequences(), shard_size=shard)
clf.fit(store)
assert len(clf.predict(store)) == N
try:
    np.concatenate([x for x in store])
except MemoryError:
    print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")
def test_data_of_four_times_the_memory(tmp_path):
    arguments = [sys.executable, "-c", SCRIPT, "1000", tmp_path / "store"]
    found = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "done\n"), found.stderr
