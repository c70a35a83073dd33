"""Trains models and writes run folders."""
