"""Runs the network of YuNet in ONNX Runtime, as the emotion model, instead of OpenCV's own runtime.

Padding, decoding and the suppression of overlapping boxes are those of FaceDetectorYN (OpenCV's
modules/objdetect/src/face_detect.cpp).
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as in emorec.inference.onnx_runtime

import onnxruntime

from emorec.images import Image

Rows = npt.NDArray[np.float32]

_STRIDES = (8, 16, 32)
_KINDS = ("cls", "obj", "bbox", "kps")
_OUTPUTS = tuple(f"{kind}_{stride}" for stride in _STRIDES for kind in _KINDS)
_NMS_IOU = 0.3
"""Non-maximum suppression: of two boxes with a higher IoU, the lower score is dropped."""
_LOG_ONLY_FATAL = 4


class YuNetNetwork:
    """The network; several threads may run it at the same time.

    Args:
        data: Bytes of the ONNX file.
        min_score: Drop faces below this score.

    Raises:
        ValueError: It is not YuNet, or ONNX Runtime cannot load it.
    """

    def __init__(self, data: bytes, min_score: float) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_ONLY_FATAL
        options.enable_mem_pattern = False  # one would be kept for each size of image
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", os.devnull
        )
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors have no common base class
            raise ValueError(str(error)) from error
        inputs = [node.name for node in self._session.get_inputs()]
        outputs = {node.name for node in self._session.get_outputs()}
        if len(inputs) != 1 or not outputs >= set(_OUTPUTS):
            raise ValueError(f"inputs {inputs}, outputs {sorted(outputs)}")
        self._input = inputs[0]
        self._min_score = np.float32(min_score)

    def rows(self, image_bgr: Image) -> Rows:
        """Detect the faces of an image.

        Returns:
            One row per face, shape (n, 15), the best first: x, y, width, height, the x and y of
            right eye, left eye, nose and right and left corner of the mouth, and the score.

        Raises:
            ValueError: ONNX Runtime fails to run the network.
        """
        height, width = image_bgr.shape[:2]
        padded = np.zeros((1, 3, _padded(height), _padded(width)), np.float32)
        padded[0, :, :height, :width] = image_bgr.transpose(2, 0, 1)
        columns = padded.shape[3]
        try:
            outputs = self._session.run(_OUTPUTS, {self._input: padded})
            parts = [
                self._decoded(outputs[4 * index : 4 * index + 4], stride, columns // stride)
                for index, stride in enumerate(_STRIDES)
            ]
        except Exception as error:  # as above; the outputs of another network have other shapes
            raise ValueError(str(error)) from error
        return without_overlaps(np.concatenate(parts))

    def _decoded(self, outputs: Sequence[Any], stride: int, columns: int) -> Rows:
        """Decode the faces of one feature map."""
        scores, objects, boxes, points = (rows.reshape(-1, rows.shape[-1]) for rows in outputs)
        found = np.sqrt(np.clip(scores[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        kept = np.flatnonzero(found >= self._min_score)
        cells = np.stack([kept % columns, kept // columns], axis=1).astype(np.float32)
        size = np.exp(boxes[kept, 2:]) * np.float32(stride)
        corner = (cells + boxes[kept, :2]) * np.float32(stride) - size / 2
        marks = (points[kept] + np.tile(cells, 5)) * np.float32(stride)
        return np.concatenate([corner, size, marks, found[kept, None]], axis=1)


def _padded(side: int) -> int:
    return -(-side // _STRIDES[-1]) * _STRIDES[-1]


def without_overlaps(rows: Rows) -> Rows:
    """Drop rows that are not finite or overlap one of a higher score; the best is the first.

    Args:
        rows: As from `YuNetNetwork.rows`, in any order.
    """
    rows = rows[np.isfinite(rows).all(axis=1)]
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    boxes = np.trunc(rows[:, :4])  # as whole pixels, like OpenCV
    areas = boxes[:, 2] * boxes[:, 3]
    ends = boxes[:, :2] + boxes[:, 2:]
    remaining = np.arange(len(rows))
    kept: list[int] = []
    while remaining.size:
        best, remaining = int(remaining[0]), remaining[1:]
        kept.append(best)
        shared = np.minimum(ends[best], ends[remaining]) - np.maximum(
            boxes[best, :2], boxes[remaining, :2]
        )
        overlap = np.clip(shared, 0, None).prod(axis=1)
        union = areas[best] + areas[remaining] - overlap
        remaining = remaining[overlap <= _NMS_IOU * union]
    return rows[kept]
