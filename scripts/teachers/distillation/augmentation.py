"""Random changes of batches of grey faces, computed on the training device.

Images are float tensors of shape (n, 1, height, width), 0..255.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from distillation.networks.base import FaceNetwork

ROTATION, SHEAR = math.radians(20), math.radians(8)
ZOOM = 0.18
"""Range of the logarithm of the scale."""
SHIFT = 0.16
"""Largest shift, in units of half a side."""
CONTRAST, BRIGHTNESS = 0.3, 0.2
BLUR_SHARE = 0.2
BLUR_MIN = 0.35
"""Smallest scale that a blurred image is reduced to."""
ERASED_SHARE = 0.25
ERASED_MIN, ERASED_MAX = 0.02, 0.2
"""Range of the erased area, as a share of the image."""
ERASED_ASPECT = 0.9
"""Range of the logarithm of the aspect ratio of the erased box."""


def augment(images: Tensor, size: int) -> Tensor:
    """Change images at random and resize them.

    Args:
        images: Shape (n, 1, height, width), uint8 or float.
        size: Side of the result.

    Returns:
        Shape (n, 1, size, size).
    """
    found = _moved(images.float(), size)
    found = _with_other_light(found)
    found = _partly_blurred(found)
    return _partly_erased(found)


def resize(images: Tensor, size: int) -> Tensor:
    """Resize images without a change."""
    images = images.float()
    if images.shape[-1] == size:
        return images
    return functional.interpolate(images, (size, size), mode="bilinear", align_corners=False)


def shift(images: Tensor, pixels: int) -> Tensor:
    """Shift each image by up to a number of pixels; its border is continued."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (pixels,) * 4, mode="replicate")
    top, left = torch.randint(0, 2 * pixels + 1, (2, count), device=images.device)
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    number = torch.arange(count, device=images.device)[:, None, None]
    return padded[number, 0, rows[:, :, None], columns[:, None, :]][:, None]


def mirror_half(images: Tensor) -> Tensor:
    """Mirror each image with a probability of one half."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def to_input(images: Tensor, network: FaceNetwork) -> Tensor:
    """Convert images to a network's input: its size, its channels, -1..1."""
    found = resize(images, network.size) / 127.5 - 1
    found = found.expand(-1, network.channels, -1, -1)
    return found.contiguous(memory_format=torch.channels_last)


def _uniform(images: Tensor, limit: float) -> Tensor:
    """One number from -limit to limit for each image, shape (n,)."""
    return (2 * torch.rand(len(images), device=images.device) - 1) * limit


def _moved(images: Tensor, size: int) -> Tensor:
    """Rotate, shear, scale, shift and mirror."""
    angle = _uniform(images, ROTATION)
    shear = torch.tan(_uniform(images, SHEAR))
    scale = torch.exp(_uniform(images, ZOOM))
    side = torch.where(_uniform(images, 1) < 0, -1.0, 1.0)
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    matrix = torch.stack(
        [
            torch.stack([side * cosine, side * (shear * cosine - sine)], 1),
            torch.stack([sine, shear * sine + cosine], 1),
        ],
        1,
    )
    offset = torch.stack([_uniform(images, SHIFT), _uniform(images, SHIFT)], 1)
    affine = torch.cat([matrix, offset[:, :, None]], 2)
    grid = functional.affine_grid(affine, [len(images), 1, size, size], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _with_other_light(images: Tensor) -> Tensor:
    """Change contrast around the image's mean, and brightness."""
    mean = images.mean((2, 3), keepdim=True)
    gain = 1 + _uniform(images, CONTRAST).view(-1, 1, 1, 1)
    offset = 255 * _uniform(images, BRIGHTNESS).view(-1, 1, 1, 1)
    return ((images - mean) * gain + mean + offset).clamp(0, 255)


def _partly_blurred(images: Tensor) -> Tensor:
    """Blur some images by reducing and enlarging them, all of a batch by the same scale."""
    size = images.shape[-1]
    scale = BLUR_MIN + (1 - BLUR_MIN) * float(torch.rand(()))
    reduced = functional.interpolate(images, (max(8, int(scale * size)),) * 2, mode="area")
    blurred = torch.rand(len(images), device=images.device) < BLUR_SHARE
    return torch.where(blurred[:, None, None, None], resize(reduced, size), images)


def _partly_erased(images: Tensor) -> Tensor:
    """Fill a box of some images with noise."""
    count, size = len(images), images.shape[-1]
    random = torch.rand(4, count, device=images.device)
    area = (ERASED_MIN + (ERASED_MAX - ERASED_MIN) * random[0]) * size**2
    aspect = torch.exp(_uniform(images, ERASED_ASPECT))
    place = torch.arange(size, device=images.device)
    rows = (place - size * random[1, :, None]).abs() < (area * aspect).sqrt()[:, None] / 2
    columns = (place - size * random[2, :, None]).abs() < (area / aspect).sqrt()[:, None] / 2
    erased = (random[3] < ERASED_SHARE)[:, None, None]
    box = rows[:, :, None] & columns[:, None, :] & erased
    return torch.where(box[:, None], 255 * torch.rand_like(images), images)
