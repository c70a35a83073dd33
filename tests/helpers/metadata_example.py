"""Metadata of a small grey model for the tests; others differ from it in a few fields."""

from emorec.labels import EMOTIONS_7
from emorec.metadata import ModelMetadata

METADATA = ModelMetadata(
    name="example",
    version="1",
    architecture="compact",
    labels=EMOTIONS_7,
    color="gray",
    input_size=24,
    interpolation="area",
    crop_margin=0.0,
    temperature=1.5,
    training_data="made by the tests",
    license="MIT",
    created_with="0",
)
