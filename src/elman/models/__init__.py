"""Trained models, which answer without scikit-learn: whole sequences, streams, files."""
