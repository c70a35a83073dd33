"""Builds the Keras models."""
