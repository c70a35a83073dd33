"""The local app: a server on this computer with a page and a REST interface."""
