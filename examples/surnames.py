"""Which language is a name from? A CSV file with a name in each row. Run: python surnames.py

Without an argument the file is made first, of surnames of three languages that do not exist.
Yours: python surnames.py FILE NAME LANGUAGE, with the names of its two columns.
"""

import csv
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

import elman
from elman import RNNClassifier
from elman.data import read

# How syllables begin, their vowels, and how some of them end
INVENTED = {
    "Arunese": ("h k l m n r t w", "a a e o u", "n r"),
    "Briskian": ("b d g k l r s t v", "a e i o", "d k n t sk"),
    "Cadellan": ("c d l m n p r s", "a e i u", "l n s"),
}


def write_invented(path: str, n_names: int) -> None:
    """So many different surnames of each invented language."""
    rng = np.random.default_rng(0)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["surname", "language"])
        for language, (onsets, vowels, codas) in INVENTED.items():
            names: dict[str, None] = {}
            while len(names) < n_names:
                name = ""
                for _ in range(rng.integers(2, 5)):
                    name += rng.choice(onsets.split()) + rng.choice(vowels.split())
                    name += rng.choice(codas.split()) if rng.random() < 0.3 else ""
                names[name.capitalize()] = None
            table.writerows([name, language] for name in names)


if len(sys.argv) == 1:
    path, name_column, language_column = "surnames.csv", "surname", "language"
    write_invented(path, 400)
    print(f"wrote {path}")
elif len(sys.argv) == 4:
    path, name_column, language_column = sys.argv[1:]
else:
    sys.exit(__doc__)

data = read(path, text=name_column, label=language_column)
print(data)
X_train, X_test, y_train, y_test = train_test_split(data.X, data.y, stratify=data.y, random_state=0)

# A name is its letters, one time step each: nothing has to be encoded.
clf = RNNClassifier(random_state=0).fit(X_train, y_train)
print(f"accuracy on {len(X_test)} held-out names: {clf.score(X_test, y_test):.1%}")

# What to compare it with: which pieces of one to four letters are there, whatever their order.
pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), lowercase=False)
linear = make_pipeline(pieces, LogisticRegression(C=10, max_iter=1000)).fit(X_train, y_train)
print(f"a linear model of n-grams: {linear.score(X_test, y_test):.1%}")

# Letter by letter
stream = clf.stream()
for letter in X_test[0]:
    probabilities = stream.step(letter)
    print(f"{letter}  {stream.predict()} ({probabilities.max():.0%})")
print(f"it was {y_test[0]}")

# One file, with the letters it knows: elman predict surnames.safetensors names.csv
clf.save("surnames.safetensors")
assert np.array_equal(elman.load("surnames.safetensors").predict(X_test), clf.predict(X_test))
print("wrote surnames.safetensors")
