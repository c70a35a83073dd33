"""The shipped model, and the models that can be fetched."""
