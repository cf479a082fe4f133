"""
Words, letter by letter
=======================

A text is a sequence of characters, and an estimator takes it as it is: a list of strings. This page
asks two questions about made words. For one of them counting pieces of words is the better method,
and for the other it is hopeless: it is worth knowing which of the two your question is like.
"""

# %%
# Surnames of three languages
# ---------------------------
#
# The languages do not exist. Each has its own stock of syllables, from which about 400 surnames are
# made here, so that it is known what there is to learn: which pieces a name consists of.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from elman import RNNClassifier

SYLLABLES = {  # how they begin, their vowels, and how some of them end
    "Arunese": ("hklmnrtw", "aaeou", ("n", "r")),
    "Briskian": ("bdgklrstv", "aeio", ("d", "k", "n", "t", "sk")),
    "Cadellan": ("cdlmnprs", "aeiu", ("l", "n", "s")),
}


def surname(language, rng):
    """Two to four syllables of a language."""
    onsets, vowels, codas = SYLLABLES[language]
    name = ""
    for _ in range(rng.integers(2, 5)):
        name += rng.choice([*onsets]) + rng.choice([*vowels])
        name += rng.choice(codas) if rng.random() < 0.3 else ""
    return str(name.capitalize())


rng = np.random.default_rng(0)
made = {surname(language, rng): language for language in SYLLABLES for _ in range(400)}
names, languages = [*made], [*made.values()]  # each name once
X_train, X_test, y_train, y_test = train_test_split(
    names, languages, test_size=300, stratify=languages, random_state=0
)
print(len(X_train), X_train[:4], y_train[:4])

# %%
# X is a list of strings. Every character is a time step, and the estimator numbers the characters
# of the training data by itself.

clf = RNNClassifier(random_state=0).fit(X_train, y_train)
print(f"network: {clf.score(X_test, y_test):.1%} of {len(X_test)} names right")

# %%
# The figure to beat is that of a linear model, which sees how often each piece of one to four
# letters occurs, and not where.

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def pieces():
    """Logistic regression on n-grams of letters."""
    counts = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), lowercase=False)
    return make_pipeline(counts, LogisticRegression(C=10, max_iter=1000))


linear = pieces().fit(X_train, y_train)
print(f"n-grams: {linear.score(X_test, y_test):.1%}")

# %%
# The linear model is about as good, and trained at once. With names, topics and languages it often
# is, for what decides there is which pieces occur. (On 300 names, differences of less than about
# 3 points of 100 say nothing.) What the network has beyond it is an answer after each letter, as
# the name is typed. Here is one that it got right, and for which it took more letters than for any
# other.

over_time = clf.predict_proba_over_time(X_test)


def letters_in_doubt(i):
    """After how many letters the right language has less than half of the probability."""
    return (over_time[i][:, clf.classes_ == y_test[i]] < 0.5).sum()


i = max(np.flatnonzero(clf.predict(X_test) == y_test), key=letters_in_doubt)
stream = clf.stream()
p = np.array([stream.step(letter) for letter in X_test[i]])

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for k, language in enumerate(clf.classes_):
    ax.plot(p[:, k], marker="o", label=language)
ax.set_xticks(range(len(X_test[i])), [*X_test[i]])
ax.set(ylabel="probability", title=f"{X_test[i]} is {y_test[i]}")
ax.legend()

# %%
# What n-grams cannot see
# -----------------------
#
# In Hungarian an ending agrees with the vowels of its word: -nak after those said at the back of
# the mouth (a, o, u), -nek after those at the front (e, ö, ü); the vowel i may stand with both. The
# words made here have one vowel of these at the beginning, then syllables with i, then an ending,
# which is the right one or the wrong one. Which it is cannot be told from any short piece.

BACK, FRONT = "aou", "eöü"


def declined(rng):
    """A word, and whether its ending is the right one."""
    vowels, right = rng.choice([BACK, FRONT]), rng.random() < 0.5
    stem = rng.choice([*"bdgklmnrst"]) + rng.choice([*vowels])
    stem += "".join(rng.choice([*"bdgklmnrst"]) + "i" for _ in range(rng.integers(2, 5)))
    ending = "nak" if (vowels == BACK) == right else "nek"
    return str(stem + ending), "right" if right else "wrong"


words, answers = zip(*(declined(rng) for _ in range(1000)), strict=True)
print(dict(zip(words[:4], answers[:4], strict=True)))
harmony = RNNClassifier(random_state=0).fit(words[:600], answers[:600])
linear = pieces().fit(words[:600], answers[:600])
print(f"network: {harmony.score(words[600:], answers[600:]):.1%} of 400 new words")
print(f"n-grams: {linear.score(words[600:], answers[600:]):.1%}, where guessing has 50 %")

# %%
# The network carries the first vowel to the end of the word. It has learned that from words with up
# to four syllables between the two. Does it hold for longer ones?

for n in (4, 8, 16, 32):
    p_right, p_wrong = harmony.predict_proba([f"bo{'di' * n}nak", f"bo{'di' * n}nek"])[:, 0]
    print(f"{n:2} syllables between: -nak is right with {p_right:.0%}, -nek with {p_wrong:.0%}")

# %%
# Letters that it never saw
# -------------------------
#
# A character that training did not have is read as "unknown", for which the network has weights of
# its own: in training, one letter or another was now and then replaced by it. It is no error unless
# you ask for that (``handle_unknown="error"``). The answer is what the rest of the word allows, and
# may be no more than a guess.

for word in ("bodidinak", "bodiðinak", "bødidinak", "BODIDINAK"):
    print(f"{word}: right with {harmony.predict_proba([word])[0, 0]:.0%}")

# %%
# Between the two vowels that matter it is harmless. In the place of the first vowel it leaves
# nothing to go by, and the network is surer than it should be. Of the word in capitals every letter
# is unknown: what is the same to you has to be made the same beforehand, here by ``str.lower``. The
# guide :doc:`/how-to/symbols` says more of that, and of words, genes, events, and tables in which
# they stand beside numbers.
