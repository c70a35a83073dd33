"""Grad-CAM: the parts of a feature map of a Keras model that raise the logit of an emotion.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017.
"""

import cv2
import keras
import numpy as np
import numpy.typing as npt

from emorec.inference.mirroring import mirrored
from emorec.modeling.feature_split import split_after_feature_map
from emorec.modeling.flip_ensemble import plain_classifier
from emorec.modeling.gradients import output_gradients

Floats = npt.NDArray[np.float32]


def grad_cam(network: keras.Model, image: npt.NDArray[np.uint8], column: int) -> Floats:
    """Compute ReLU(sum over k of a_k A_k) for the channels A_k of the last feature map.

    a_k is the gradient of the logit, averaged over the places of channel k. The result is scaled to
    the size of the image. For a model that averages over mirror images, it is the mean over both.

    Args:
        network: A classifier that emorec has trained; its output are logits.
        image: Input, shape (size, size, channels), 0..255, in RGB order for colour models.
        column: Index of the emotion among the logits.

    Returns:
        Shape (size, size), 0 to 1: a fraction of the largest value; all 0 if no part of the feature
        map raises the logit.

    Raises:
        ModelError: The network has no feature map.
    """
    classifier = plain_classifier(network)
    features, head = split_after_feature_map(classifier)
    images = image[None].astype(np.float32)
    if classifier is not network:
        images = np.concatenate([images, mirrored(images)])
    maps = np.asarray(keras.ops.convert_to_numpy(features(images, training=False)), np.float32)
    weights = output_gradients(head, maps, column).mean(axis=(1, 2), keepdims=True)
    heats = np.maximum((weights * maps).sum(axis=-1), 0)
    heat = heats[0] if len(heats) == 1 else (heats[0] + heats[1][:, ::-1]) / 2
    size = image.shape[0]
    scaled = cv2.resize(heat, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled / max(float(scaled.max()), np.finfo(np.float32).tiny), np.float32)
