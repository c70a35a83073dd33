"""Draws results on pictures and turns them into records."""
