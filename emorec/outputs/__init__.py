"""Writes results: records, annotated images and face crops, annotated videos."""
