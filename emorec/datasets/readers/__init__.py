"""Reads raw data sets; one module for each layout, listed in `registry`."""
