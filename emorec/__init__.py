"""Facial emotion recognition: prepare data, train, evaluate, export and detect.

In Python: `from emorec import EmotionRecognizer`. The class is loaded on first access, so that
`import emorec` is fast.
"""

__version__ = "0.1.0"

__all__ = ["EmotionRecognizer", "__version__"]

TYPE_CHECKING = False  # type checkers treat it as true; avoids importing typing
if TYPE_CHECKING:
    from emorec.inference.recognizer import EmotionRecognizer


def __getattr__(name: str) -> object:
    if name == "EmotionRecognizer":
        from emorec.inference.recognizer import EmotionRecognizer

        return EmotionRecognizer
    raise AttributeError(f"module 'emorec' has no attribute {name!r}")
