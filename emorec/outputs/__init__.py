"""Writes what was found: records, marked images, annotated videos."""
