"""
From a toy to a cluster
=======================

The same three lines train on a list in memory, on a store on disk that is larger than memory, and
on many processes or machines, to the same bits. This page goes that way with data small enough to
run here; only sizes and addresses change later.
"""

# %%
# In memory
# ---------

import tempfile
from pathlib import Path

import numpy as np

from elman import RNNClassifier
from elman.data import make_noisy_sinusoids

X, y = make_noisy_sinusoids(400, n_features=3, min_length=20, max_length=40, random_state=0)
clf = RNNClassifier(24, batch_size=64, max_iter=20, random_state=0)
clf.fit(X, y)
in_memory = clf.predict_proba(X)
print(f"{clf.score(X, y):.1%} of the training sequences")

# %%
# On disk
# -------
#
# A store is a folder of plain arrays. It is written a sequence at a time, so that the data never
# have to be in memory, and read a few sequences at a time. A long CSV or Parquet file becomes one
# with ``elman.data.build_store``, or ``elman store build`` on the command line.

from elman.data import SequenceStore, StoreWriter

folder = Path(tempfile.mkdtemp()) / "waves.store"
with StoreWriter(folder) as writer:
    for x, label in zip(X, y, strict=True):
        writer.add(x, label)
store = SequenceStore(folder)
print(len(store), "sequences in", sum(path.stat().st_size for path in folder.iterdir()), "bytes")

clf.fit(store)
print("the same bits as in memory:", np.array_equal(clf.predict_proba(X), in_memory))

# %%
# On several processes
# --------------------
#
# ``executor=`` takes a pool of processes, a Dask client or an MPI communicator. A batch is shared
# out among the workers in groups that depend on the data alone, and their gradients are added in
# one fixed order: neither the number of workers nor who is slow changes a bit.

from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(2) as pool:  # a ProcessPoolExecutor, in a program of your own
    clf.fit(store, executor=pool)
print("the same bits again:", np.array_equal(clf.predict_proba(X), in_memory))

# %%
# On a cluster
# ------------
#
# .. code-block:: python
#
#     from dask.distributed import Client
#
#     with Client("scheduler:8786") as client:
#         clf.fit(SequenceStore("/shared/waves.store"), executor=client)
#
# Every worker needs elman and sees the store under the same path; no data go through the
# scheduler. With MPI the same program is started by ``mpiexec -n 8 python train.py`` with
# ``executor=MPI.COMM_WORLD``; on the command line it is ``mpiexec -n 8 elman fit ...``, or ``elman
# fit ... --dask scheduler:8786``.
#
# Does it pay?
# ------------
#
# Workers wait for each other once a batch. That is worth it if a batch takes much longer to
# compute than a message takes to travel: about a tenth of a second for Dask, a few hundredths for
# MPI. A fit with ``verbose=1`` says how much of the time the workers were busy. At most 16 workers
# share a batch; beyond that, or on a slow network, replicas that learn by themselves and are
# averaged now and then wait far less often:

local = RNNClassifier(
    24, batch_size=64, mode="local", replicas=2, local_steps=2, max_iter=40, random_state=0
)
local.fit(store)
print(f"{local.score(X, y):.1%} of the training sequences")

# %%
# A worker that dies
# ------------------
#
# Workers keep nothing, so that a lost share is computed again by another, to the same bits. If the
# whole job is killed, ``checkpoint="folder"`` lets the same call go on where it was, on any other
# number of workers.
