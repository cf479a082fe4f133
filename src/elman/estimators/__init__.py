"""Scikit-learn estimators: sequences and targets in, a trained model and its answers out."""
