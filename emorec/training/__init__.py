"""Trains models and leaves run folders."""
