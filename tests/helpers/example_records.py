"""Records of all kinds, and a stand-in for the model that they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emorec.batch.video_summary import VideoSummary
from emorec.metadata import ModelMetadata
from emorec.outputs.records import Record, image_record
from emorec.types import Box, Face, FaceEmotion, Landmarks, Prediction
from helpers.onnx_models import METADATA

LABELS = ("happy", "sad")

FACE = FaceEmotion(Face(Box(1, 2, 3, 4), "haar", 5.5), Prediction({"happy": 0.75, "sad": 0.25}))
LANDMARKS = Landmarks((-0.125, 12), (12.5, 11), (6, 20), (1.006, 28), (11, 27.5))
TRACKED = FaceEmotion(
    Face(Box(-5, 0, 30, 40), "yunet", 0.9, LANDMARKS),
    Prediction({"happy": 0.125, "sad": 0.875}),
    id=7,
)
RECORDS = [
    image_record("a.jpg", (640, 480), [FACE, TRACKED]),
    image_record("none.jpg", (64, 48), []),
    image_record("bad\n\udcff,.jpg", None, [], error='bad.jpg: "text"'),
    image_record("clip.mp4", (1280, 720), [TRACKED], frame=12, time_s=0.5),
]


def _summary() -> Record:
    summary = VideoSummary("clip.mp4", frame_s=0.04)
    summary.add([TRACKED], time_s=0.5)
    return summary.record(summary.finish())


SUMMARY = _summary()
"""The summary of a video of one frame with one face."""


SETTINGS = {"detector": "yunet", "device": "cpu"}


@dataclass(frozen=True)
class ExampleModel:
    """A `ReportingModel`."""

    labels: tuple[str, ...] = LABELS
    metadata: ModelMetadata = METADATA
    settings: Mapping[str, str] = field(default_factory=lambda: SETTINGS)
