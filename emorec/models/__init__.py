"""Model files: the shipped ones, the fetched ones, and those that users name."""
