"""Measures models and draws the results."""
