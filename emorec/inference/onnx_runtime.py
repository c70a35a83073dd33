"""Import of ONNX Runtime without its telemetry.

ONNX Runtime 1.32 reads ORT_DISABLE_TELEMETRY while it is imported. Without it, each run writes to
`~/.cache/Microsoft/DeveloperTools` and looks up a telemetry host, and warns if the home folder is
not writable.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]
