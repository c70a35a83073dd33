"""Augments training images at random, from a seeded generator, outside of the model."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from emorec.images import Image
from emorec.training.config_groups import AugmentationConfig

Batch = npt.NDArray[np.float32]

_ERASED_AREA = (0.02, 0.2)
_ERASED_ASPECT = (0.4, 2.5)
_SMALLEST_BLUR_SCALE = 0.4


def augment(images: Image, config: AugmentationConfig, generator: np.random.Generator) -> Batch:
    """Augment a batch of images.

    One affine map (flip, zoom, shear, rotation, shift about the centre) is applied with bilinear
    sampling and a replicated border, then brightness and contrast, blur, and erasing.

    Args:
        images: Shape (n, size, size, channels), uint8, 0..255.
        config: Ranges of the augmentation.
        generator: Random generator; the same state returns the same result.

    Returns:
        Images of the same shape, float32, 0..255.
    """
    count, size = images.shape[:2]
    maps = _affine_maps(count, size, config, generator)
    out = np.empty(images.shape, np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for index in range(count):
        warped = cv2.warpAffine(
            images[index], maps[index], (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        out[index] = warped.reshape(images.shape[1:])
    _change_light(out, config, generator)
    _blur(out, config, generator)
    _erase(out, config, generator)
    return out


def _affine_maps(
    count: int, size: int, config: AugmentationConfig, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw affine maps from output to input pixels, shape (count, 2, 3)."""

    def uniform(limit: float) -> npt.NDArray[np.float64]:
        return generator.uniform(-limit, limit, count)

    angle = np.radians(uniform(config.rotation))
    shear = np.tan(np.radians(uniform(config.shear)))
    scale = 1 + uniform(config.zoom)
    shift = np.stack([uniform(config.shift), uniform(config.shift)], axis=1) * size
    mirror = np.where((generator.random(count) < 0.5) & config.horizontal_flip, -1.0, 1.0)
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    maps = np.empty((count, 2, 3))
    maps[:, 0, 0] = mirror * cosine
    maps[:, 0, 1] = mirror * (shear * cosine - sine)
    maps[:, 1, 0] = sine
    maps[:, 1, 1] = shear * sine + cosine
    center = (size - 1) / 2
    maps[:, :, 2] = center - maps[:, :, :2].sum(axis=2) * center + shift
    return maps


def _change_light(out: Batch, config: AugmentationConfig, generator: np.random.Generator) -> None:
    if not (config.brightness or config.contrast):
        return
    shape = (len(out), 1, 1, 1)
    gain = 1 + generator.uniform(-config.contrast, config.contrast, shape).astype(np.float32)
    offset = generator.uniform(-config.brightness, config.brightness, shape).astype(np.float32)
    mean = out.mean(axis=(1, 2, 3), keepdims=True)
    out -= mean
    out *= gain
    out += mean + 255 * offset
    np.clip(out, 0, 255, out=out)


def _blur(out: Batch, config: AugmentationConfig, generator: np.random.Generator) -> None:
    """Downscale and upscale again, as for a small or soft face in a photo."""
    size = out.shape[1]
    for index in np.flatnonzero(generator.random(len(out)) < config.blur):
        small = max(round(size * generator.uniform(_SMALLEST_BLUR_SCALE, 1)), 1)
        reduced = cv2.resize(out[index], (small, small), interpolation=cv2.INTER_AREA)
        enlarged = cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR)
        out[index] = enlarged.reshape(out.shape[1:])


def _erase(out: Batch, config: AugmentationConfig, generator: np.random.Generator) -> None:
    """Fill a random box with noise (Zhong et al. 2020, "Random Erasing Data Augmentation")."""
    size = out.shape[1]
    for index in np.flatnonzero(generator.random(len(out)) < config.erasing):
        area = generator.uniform(*_ERASED_AREA) * size * size
        aspect = math.exp(generator.uniform(*np.log(_ERASED_ASPECT)))
        height = min(max(round(math.sqrt(area * aspect)), 1), size)
        width = min(max(round(math.sqrt(area / aspect)), 1), size)
        top = generator.integers(0, size - height + 1)
        left = generator.integers(0, size - width + 1)
        noise = generator.uniform(0, 255, (height, width, out.shape[3]))
        out[index, top : top + height, left : left + width] = noise
