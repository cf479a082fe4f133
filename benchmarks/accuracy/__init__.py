"""Test accuracy on public data sets: untouched, tuned, PyTorch, linear models, published figures.

`contestants` and `torch_gru` fit and score, `record` keeps the scores, `sheets` makes tables of
them, `published` has the figures of others, and `__main__` is the command.
"""
