"""The estimators in the manners of other libraries of time series: aeon's and sktime's.

A module for each, which imports its library: `elman.adapters.aeon`, `elman.adapters.sktime`.
"""
