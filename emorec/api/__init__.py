"""Functions in Python that do what the commands of emorec do; `import emorec` offers them.

They take paths as text or as `pathlib.Path`, and import what they need when they are called.
"""
