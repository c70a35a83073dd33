"""Facial emotion recognition: prepare data, train, evaluate, export and detect.

In Python: `from emorec import EmotionRecognizer`. The class is imported on first access, so that
importing emorec costs next to nothing.
"""

__version__ = "0.2.0"

__all__ = ["EmotionRecognizer", "__version__"]

TYPE_CHECKING = False  # type checkers take it for true; saves the import of typing
if TYPE_CHECKING:
    from emorec.inference.recognizer import EmotionRecognizer


def __getattr__(name: str) -> object:
    if name == "EmotionRecognizer":
        from emorec.inference.recognizer import EmotionRecognizer

        return EmotionRecognizer
    raise AttributeError(f"module 'emorec' has no attribute {name!r}")
