"""Hyper-parameters: which there are, how each is checked, and what random numbers come from."""
