"""Facial emotion recognition: prepare data, train, evaluate, export and detect."""

__version__ = "0.1.0"
