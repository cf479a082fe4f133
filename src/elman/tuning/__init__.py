"""Sequences and their answers in; hyper-parameters that suit them, found in some minutes, out."""
