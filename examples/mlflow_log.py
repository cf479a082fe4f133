"""Keep a training in MLflow: parameters, every epoch, the model.

Run: pip install 'elman[mlflow]'; python mlflow_log.py
"""

from elman import RNNClassifier
from elman.callbacks import MLflow
from elman.data import load_japanese_vowels

if __name__ == "__main__":
    import mlflow

    X, y = load_japanese_vowels("train")
    clf = RNNClassifier(early_stopping=True, random_state=0, on_epoch=MLflow())
    with mlflow.start_run():
        mlflow.log_params(clf.get_params())
        clf.fit(X, y)
        clf.save("vowels.safetensors")
        mlflow.log_artifact("vowels.safetensors")
