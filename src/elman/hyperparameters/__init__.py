"""Hyper-parameters: each declared once, how it is checked, and what random numbers come from."""
