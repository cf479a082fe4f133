"""Search hyper-parameters on a Dask cluster, over a store that every worker opens by itself.

scikit-learn runs the search and joblib's Dask backend its fits; a store is sent as its path. Here
the cluster is two processes of this machine: pass --scheduler for one that runs elsewhere, which
must see the store under the same path.

    pip install 'elman[dask]'
    python examples/search_on_a_cluster.py
"""

import argparse
import tempfile
from pathlib import Path

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from elman import RNNClassifier
from elman.data import SequenceStore


def recordings(n, rng):
    """Sequences whose label says whether a pulse came in their first or their second half."""
    for _ in range(n):
        x = rng.normal(scale=0.3, size=(rng.integers(20, 40), 1))
        late = rng.integers(2)
        x[len(x) * (1 + 2 * late) // 4] += 3
        yield x, "late" if late else "early"


def search(store):
    network = RNNClassifier(max_iter=3, random_state=0, n_jobs=1)  # one thread for each fit
    choices = {"cell": ["lstm", "gru"], "hidden_size": [4, 8]}
    return GridSearchCV(network, choices, cv=3, refit=False).fit(store, store.y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--folder", help="where the store is made; by default a temporary one")
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary) / "store"
        made = recordings(arguments.samples, np.random.default_rng(0))
        store = SequenceStore.write(folder, made)
        where = arguments.scheduler or LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        )
        with Client(where) as client:
            with joblib.parallel_config(backend="dask"):
                found = search(store)
            if arguments.scheduler is None:
                client.cluster.close()
        for score, chosen in zip(
            found.cv_results_["mean_test_score"], found.cv_results_["params"], strict=True
        ):
            print(f"{score:.1%}  {chosen}")
        alone = search(store)
        same = all(
            np.array_equal(found.cv_results_[name], alone.cv_results_[name])
            for name in found.cv_results_
            if name.endswith("_test_score")
        )
        print(f"The scores of a serial search are equal: {same}")


if __name__ == "__main__":
    main()
