"""Facial emotion recognition: prepare data, train, evaluate, export and detect.

In Python:

    import emorec

    for face in emorec.EmotionRecognizer().recognize("photo.jpg"):
        print(face.box, face.emotion, face.confidence)

docs/python.md describes everything in `emorec.__all__`. Each name is imported on first access, so
that importing emorec costs next to nothing.
"""

__version__ = "1.0.0"

__all__ = [
    "Box",
    "ConfigError",
    "DataError",
    "EmorecError",
    "EmotionClassifier",
    "EmotionRecognizer",
    "Face",
    "FaceEmotion",
    "Frame",
    "FrameResult",
    "Landmarks",
    "MissingDependencyError",
    "ModelError",
    "Prediction",
    "StreamSettings",
    "VideoReader",
    "__version__",
    "compare_runs",
    "cross_evaluate",
    "cross_validate",
    "evaluate",
    "load_dataset",
    "load_images",
    "load_train_config",
    "make_detector",
    "prepare_data",
    "read_bgr",
    "resume_training",
    "resume_tuning",
    "to_pandas",
    "train",
    "tune",
]

_ORIGINS = {
    "emorec.api.data": ("load_dataset", "prepare_data"),
    "emorec.api.evaluations": ("cross_evaluate", "evaluate"),
    "emorec.api.experiments": ("compare_runs", "resume_tuning", "tune"),
    "emorec.api.runs": ("cross_validate", "load_train_config", "resume_training", "train"),
    "emorec.data_frame": ("to_pandas",),
    "emorec.datasets.loading": ("load_images",),
    "emorec.detection.registry": ("make_detector",),
    "emorec.errors": (
        "ConfigError",
        "DataError",
        "EmorecError",
        "MissingDependencyError",
        "ModelError",
    ),
    "emorec.frames": ("Frame",),
    "emorec.images": ("read_bgr",),
    "emorec.inference.classifier": ("EmotionClassifier",),
    "emorec.inference.recognizer": ("EmotionRecognizer",),
    "emorec.inference.stream": ("FrameResult", "StreamSettings"),
    "emorec.media.video": ("VideoReader",),
    "emorec.types": ("Box", "Face", "FaceEmotion", "Landmarks", "Prediction"),
}
"""The names of `__all__` by the module that defines them, as in the imports below."""

TYPE_CHECKING = False  # type checkers take it for true; saves the import of typing
if TYPE_CHECKING:
    from emorec.api.data import load_dataset, prepare_data
    from emorec.api.evaluations import cross_evaluate, evaluate
    from emorec.api.experiments import compare_runs, resume_tuning, tune
    from emorec.api.runs import cross_validate, load_train_config, resume_training, train
    from emorec.data_frame import to_pandas
    from emorec.datasets.loading import load_images
    from emorec.detection.registry import make_detector
    from emorec.errors import (
        ConfigError,
        DataError,
        EmorecError,
        MissingDependencyError,
        ModelError,
    )
    from emorec.frames import Frame
    from emorec.images import read_bgr
    from emorec.inference.classifier import EmotionClassifier
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.inference.stream import FrameResult, StreamSettings
    from emorec.media.video import VideoReader
    from emorec.types import Box, Face, FaceEmotion, Landmarks, Prediction

else:  # to a type checker, a function of this name would mean that any name exists

    def __getattr__(name: str) -> object:
        for origin, names in _ORIGINS.items():
            if name in names:
                from importlib import import_module

                value = globals()[name] = getattr(import_module(origin), name)
                return value
        raise AttributeError(f"module 'emorec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
