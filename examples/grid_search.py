"""Choose hyper-parameters by cross-validation, with scikit-learn. Run: python grid_search.py"""

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from elman import RNNClassifier, SequenceScaler
from elman.data import load_japanese_vowels

X_train, y_train = load_japanese_vowels("train")
X_test, y_test = load_japanese_vowels("test")

pipeline = Pipeline(
    [
        ("scale", SequenceScaler()),
        # The scaler has done it already; one thread each, for the search runs two at a time.
        ("rnn", RNNClassifier(standardize=False, max_iter=30, n_jobs=1, random_state=0)),
    ]
)
grid = {"rnn__readout": ["last", "max"], "rnn__hidden_size": [32, 96]}
search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X_train, y_train)

for params, mean in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{mean:.1%}  {params}")
print(f"best: {search.best_params_}")
print(f"accuracy on the test split: {search.score(X_test, y_test):.1%}")
