"""Trains a network on labelled sequences, and keeps a record of it."""
