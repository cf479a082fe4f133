"""Targets and weights as a user passes them in; what training takes out."""
