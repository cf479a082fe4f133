"""A training in; whether its network answers the same to everything, or found nothing in X, out.

These are the rules one-class-predicted and not-learned.
"""

from __future__ import annotations

from elman.training.hints.hint import Hint
from elman.training.hints.trained import NOTHING, Trained
from elman.training.hints.words import listed, loss_in_words, percent

COMMON = 0.6


def one_answer(trained: Trained) -> Hint | None:
    """Rules that look at what the network answers, or at how far its loss is from the base rate."""
    answer = trained.only_answer()
    if answer is not None and (answer.share >= COMMON or trained.ratio <= NOTHING):
        tries = []
        if trained.asked.get("class_weight", "") is None:
            tries.append('class_weight="balanced"')
        tries += ["more samples of the other classes", "a longer training (max_iter)"]
        return Hint(
            "one-class-predicted",
            f"the network answers {answer.name} to all of {answer.n_samples} training "
            f"{answer.what}; {percent(answer.share)} of the training data have the commonest "
            f"answer, so that accuracy looks good and says nothing. {loss_in_words(trained)}. "
            f"Try {listed(tries)}, and judge by balanced accuracy",
        )
    if trained.ratio <= NOTHING:
        return None
    tries = ["another learning_rate_init (a larger and a smaller one)"]
    if trained.asked["cell"] == "elman":
        tries.append('cell="gru"')
    tries += ["more units (hidden_size)", "another readout", "another random_state"]
    if not trained.asked["standardize"]:
        tries.insert(0, "standardize=True")
    always = "" if answer is None else f", and answers {answer.name} to everything"
    return Hint(
        "not-learned",
        f"the network has found next to nothing in X that tells about y{always}. "
        f"{loss_in_words(trained)}. Check that every row of y belongs to its row of X (shuffled "
        f"labels look like this), then try {listed(tries)}",
    )
