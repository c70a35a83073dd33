"""Runs detection over many images and videos: in threads, in processes, on a cluster."""
