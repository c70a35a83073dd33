"""Reads raw data sets, one module for each layout."""
