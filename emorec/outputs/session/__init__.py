"""Recordings as sessions: what was seen of each person, for statistics and annotation programs."""
