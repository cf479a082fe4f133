"""Writes models that Keras saved, with what it answers: run with Keras 3 installed, in this folder.

KERAS_BACKEND=jax python make_golden_keras.py
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent
L = keras.layers


def main() -> None:
    """Write keras.keras, keras.h5 and keras.json."""
    rng = np.random.default_rng(12)
    model = keras.Sequential(
        [
            L.Input((None, 2)),
            L.Masking(-1.0),
            L.Bidirectional(L.GRU(3, return_sequences=True, dropout=0.25)),
            L.Bidirectional(L.GRU(4)),
            L.Dropout(0.5),
            L.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    X = np.round(rng.normal(size=(3, 5, 2)), 3)
    X[1, 2:] = X[2, 1] = -1
    model.fit(X, np.array([0, 2, 1]), epochs=3, verbose=0)
    model.save(HERE / "keras.keras")
    model.save(HERE / "keras.h5", include_optimizer=False)
    with zipfile.ZipFile(HERE / "keras.keras") as archive:  # as Keras stores it, but smaller
        members = [(member, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(HERE / "keras.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member.filename, content)
    told = {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "X": X.tolist(),
        "probabilities": np.asarray(model.predict(X, verbose=0)).tolist(),
    }
    (HERE / "keras.json").write_text(json.dumps(told) + "\n")


main()
