"""Reads data sets and prepares them as FER-2013-shaped trees."""
