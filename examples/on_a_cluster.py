"""Train on a store that is larger than memory, on a cluster, and lose a worker on the way.

Sequences are generated shard by shard into a store of --gigabytes. A network is trained on it by
the workers of a Dask cluster, of which one is killed after the second epoch, and once more in this
process alone. The two digests are the SHA-256 of weights and losses: they are equal.

    pip install 'elman[dask]'
    python examples/on_a_cluster.py --gigabytes 0.1
    python examples/on_a_cluster.py --gigabytes 10 --folder /data/slopes --workers 4

Here the cluster is processes of this machine; with --scheduler it is one that runs elsewhere and
sees the store under the same path, and no worker is killed.
"""

import argparse
import hashlib
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster

from elman import RNNClassifier
from elman.data import SequenceStore

FEATURES = 8


def recordings(n_bytes):
    """Pairs of a sequence, which is noise on a slope, and its label: whether it rises or falls."""
    rng = np.random.default_rng(0)
    made = 0
    while made < n_bytes:
        x = rng.standard_normal((rng.integers(50, 150), FEATURES), np.float32)
        rises = bool(rng.integers(2))
        x += np.linspace(-1, 1, len(x), dtype=np.float32)[:, np.newaxis] * (1 if rises else -1)
        made += x.nbytes
        yield x, "rises" if rises else "falls"


def store_of(folder, gigabytes):
    """The store in a folder, which is generated if it is not there; the memory of one shard."""
    if (folder / "manifest.json").exists():
        return SequenceStore(folder)
    print(f"generating {gigabytes:g} GB in {folder} ...", flush=True)
    return SequenceStore.write(folder, recordings(gigabytes * 1e9), shard_size=64 << 20)


def digest(fitted):
    found = hashlib.sha256(fitted.network_.params.flat.tobytes())
    found.update(repr(fitted.loss_curve_).encode())
    return found.hexdigest()


def train(store, epochs, **options):
    """Fit, with a line for each epoch."""
    network = RNNClassifier(
        cell="gru",
        hidden_size=32,
        max_iter=epochs,
        batch_size=512,
        learning_rate_init=0.01,
        random_state=0,
        n_jobs=1,
        verbose=2,
        on_epoch=options.pop("on_epoch", None),
    )
    return network.fit(store, **options)


def kill_one(client):
    """A function that kills a worker, with SIGKILL, after the second epoch."""

    def after(epoch):
        if epoch.epoch == 2:
            pid = next(iter(client.run(os.getpid).values()))
            print(f"killing worker {pid} ...", flush=True)
            os.kill(pid, signal.SIGKILL)

    return after


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=0.05)
    parser.add_argument("--folder", help="of the store; by default a temporary one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or Path(temporary) / "store").absolute()
        store = store_of(folder, arguments.gigabytes)
        print(store)
        cluster = arguments.scheduler or LocalCluster(
            n_workers=arguments.workers, threads_per_worker=1, dashboard_address=":0"
        )
        with Client(cluster) as client:
            own = None if arguments.scheduler else kill_one(client)
            on_cluster = train(store, arguments.epochs, executor=client, on_epoch=own)
        if arguments.scheduler is None:
            cluster.close()
        print("the same in this process alone ...", flush=True)
        alone = train(store, arguments.epochs)
        print(f"on the cluster  {digest(on_cluster)}")
        print(f"alone           {digest(alone)}")
        if digest(on_cluster) != digest(alone):
            raise SystemExit("the digests differ")


if __name__ == "__main__":
    main()
