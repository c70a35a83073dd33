"""Draw docs/explained.jpg: one face by occlusion, Grad-CAM, and Grad-CAM with random weights.

The last is the check of Adebayo et al. 2018: a map that stays the same without what the network has
learned does not explain it. Prints rank correlations of the maps. Needs the extra train.
"""

from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from emorec import EmotionRecognizer, resources
from emorec.evaluation.explain import Explanation, explain_face
from emorec.evaluation.heat_drawing import draw_figure
from emorec.evaluation.keras_classifier import KerasClassifier
from emorec.frames import Frame
from emorec.images import read_bgr, write_image

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "explained.jpg"
PLACE = (slice(20, 220), slice(125, 325))
"""The face in examples/astronaut.jpg."""
SEEDS = 5


def randomize(network: keras.Model, seed: int) -> None:
    """Replace the kernels of all layers by random ones of the same mean square."""
    random = np.random.default_rng(seed)
    for variable in network.trainable_variables:
        value = np.asarray(variable)
        if value.ndim > 1:
            variable.assign(random.normal(0, np.sqrt((value**2).mean()), value.shape))


def rank_correlation(first: Explanation, second: Explanation) -> float:
    """Compute Spearman's correlation of two maps of the same size."""

    def ranks(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        return values.ravel().argsort().argsort()

    return float(np.corrcoef(ranks(first.heat), ranks(second.heat))[0, 1])


def main() -> None:
    frame = Frame.from_image(read_bgr(ROOT / "examples" / "astronaut.jpg")[PLACE])
    recognizer = EmotionRecognizer()
    (face,) = recognizer.recognize_frame(frame)
    classifier = KerasClassifier(resources.shipped_keras_model())
    with_gradients = EmotionRecognizer(classifier=classifier)
    occlusion = explain_face(frame, face, recognizer)
    cam = explain_face(frame, face, with_gradients)
    found = [occlusion, cam]
    print(f"occlusion and Grad-CAM: rank correlation {rank_correlation(occlusion, cam):.2f}")
    print(f"occlusion: at most {occlusion.heat.max():.2f} bits")
    for seed in range(SEEDS):
        randomize(classifier.network, seed)
        random = explain_face(frame, face, with_gradients, emotion=face.emotion)
        covered = explain_face(frame, face, with_gradients, method="occlusion")
        if seed == 0:
            found.append(random)
        print(
            f"random weights {seed}: rank correlation with the trained network: "
            f"Grad-CAM {rank_correlation(cam, random):.2f}, "
            f"occlusion {rank_correlation(occlusion, covered):.2f}; "
            f"occlusion at most {covered.heat.max():.2f} bits"
        )
    write_image(TARGET, np.concatenate([draw_figure(frame, [entry]) for entry in found], axis=1))
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
