"""Runs detection over many images and videos: in threads, in processes or on a Ray cluster."""
