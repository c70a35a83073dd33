"""Keras models: architectures, building, loading and saving."""
