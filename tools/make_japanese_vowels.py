"""The two JapaneseVowels .ts files in, src/elman/data/files/japanese_vowels.npz out.

    python tools/make_japanese_vowels.py JapaneseVowels_TRAIN.ts JapaneseVowels_TEST.ts

The files are those of the UCR/UEA time series classification archive; sktime's wheel
(`pip download --no-deps sktime==1.2.0`) carries them under sktime/datasets/data/JapaneseVowels/.
The same files give the same bytes (of one version of zlib).
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from elman.data.ts import read_ts

TARGET = Path(__file__).parents[1] / "src" / "elman" / "data" / "files" / "japanese_vowels.npz"
SHA256 = {
    "train": "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
    "test": "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
}


def main() -> None:
    """Convert, check the counts, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, help="JapaneseVowels_TRAIN.ts")
    parser.add_argument("test", type=Path, help="JapaneseVowels_TEST.ts")
    parser.add_argument("--output", type=Path, default=TARGET)
    arguments = parser.parse_args()

    samples, labels = [], []
    for split, n_samples, longest in (("train", 270, 26), ("test", 370, 29)):
        path = getattr(arguments, split)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != SHA256[split]:
            raise SystemExit(f"{path}: SHA-256 is {digest}, expected {SHA256[split]}")
        X, y, _ = read_ts(path)
        lengths = [len(x) for x in X]
        if (len(X), min(lengths), max(lengths), X[0].shape[1]) != (n_samples, 7, longest, 12):
            raise SystemExit(f"{path}: not the {n_samples} recordings expected")
        samples.extend(x.astype(np.float32) for x in X)
        labels.append(y)
    with open(arguments.output, "wb") as file:
        np.savez_compressed(
            file,
            values=np.concatenate(samples),
            lengths=np.array([len(x) for x in samples], dtype=np.int64),
            y=np.concatenate(labels),
            n_train=np.int64(270),
        )
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
