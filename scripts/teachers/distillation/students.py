"""The table of students, their targets and their training."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from distillation.augmentation import mirror_half, shift, to_input
from distillation.fitting import Budget, Optimization, fit
from distillation.networks.student import Student
from distillation.scoring import autocast, predict, scores
from distillation.soft_labels import Views
from distillation.training_data import TrainingData
from emorec.atomic_files import written_whole

Mix = Callable[[Tensor, Tensor, Tensor], Tensor]


def sharpened(probabilities: Tensor, power: float) -> Tensor:
    """Raise probabilities to a power and normalise them."""
    raised = probabilities**power
    return raised / raised.sum(1, keepdim=True)


@dataclass(frozen=True)
class StudentRecipe:
    """How one student is made.

    Attributes:
        width: Multiplier of the filters of `compact`.
        targets: The targets from the label of the view, the teachers' label of the unchanged
            image and the votes, each of shape (n, 8).
        optimization: How it is optimised.
        batch: Number of images in a batch.
        own_weight: Weight of the second head's loss.
        shift: Largest shift of a view in pixels, besides mirroring.
        epochs: Length of the training.
    """

    width: float
    targets: Mix
    optimization: Optimization
    batch: int
    own_weight: float
    shift: int
    epochs: float


_COMPACT = Optimization("sgd", 0.15, weight_decay=5e-4, ema_decay=0.999)
_NANO = Optimization("sgd", 0.12, weight_decay=5e-4, ema_decay=0.999)

RECIPES = {
    "compact": StudentRecipe(
        width=1.0,
        targets=lambda view, plain, votes: 0.8 * sharpened(view, 1.25) + 0.2 * votes,
        optimization=_COMPACT,
        batch=512,
        own_weight=0.2,
        shift=0,
        epochs=195,
    ),
    # For labels by teachers that did not see the image; such labels are less certain.
    "compact-held-out": StudentRecipe(
        width=1.0,
        targets=lambda view, plain, votes: 0.7 * sharpened(view, 1.25) + 0.3 * votes,
        optimization=_COMPACT,
        batch=512,
        own_weight=0.2,
        shift=0,
        epochs=195,
    ),
    # For labels by a compact student.
    "nano": StudentRecipe(
        width=0.5,
        targets=lambda view, plain, votes: sharpened(
            0.6 * view + 0.25 * plain + 0.15 * votes, 1.15
        ),
        optimization=_NANO,
        batch=256,
        own_weight=0.1,
        shift=2,
        epochs=70,
    ),
}


def train_student(
    name: str,
    data: TrainingData,
    views: Views,
    target: Path,
    *,
    epochs: float | None = None,
    seconds: float | None = None,
    seed: int = 7,
    batch: int | None = None,
) -> Student:
    """Train a student on labelled views and save its weights as Keras names them.

    Args:
        name: A key of `RECIPES`.
        data: The data, on the training device.
        views: Views of its training images, on the same device.
        target: The .npz file.
        epochs: Length of the training, in passes over the n images; the default is the recipe's.
        seconds: Length of the training in seconds, instead of epochs.
        seed: Seed of the weights and of all that is drawn.
        batch: Number of images in a batch; the default is the recipe's.

    Raises:
        EmorecError: The loss is not finite.
        DataError: The file cannot be written.
    """
    recipe = RECIPES[name]
    batch = batch or recipe.batch
    torch.manual_seed(seed)
    student: Student = Student(recipe.width).to(
        data.images.device, memory_format=torch.channels_last
    )
    steps = max(1, round((epochs or recipe.epochs) * len(data.names) / batch))
    fit(
        name,
        student,
        lambda: _loss(student, recipe, data, views, batch),
        recipe.optimization,
        Budget(steps, seconds),
    )
    for mirrored in (False, True):
        logits, _ = predict(student, data.validation_images, mirrored)
        passes = "image and mirror image" if mirrored else "image alone"
        print(f"{name}, {passes}: PublicTest {scores(logits, data)}", flush=True)
    weights: dict[str, Any] = {**student.keras_weights()}
    with written_whole(target) as partial:
        np.savez(partial, **weights)
    return student


def _loss(
    student: Student, recipe: StudentRecipe, data: TrainingData, views: Views, batch: int
) -> Tensor:
    """Return the loss on a batch of random views of random images."""
    device = data.images.device
    view = torch.randint(0, len(views.images), (batch,), device=device)
    row = torch.randint(0, len(data.names), (batch,), device=device)
    images = mirror_half(views.images[view, row][:, None].float())
    if recipe.shift:
        images = shift(images, recipe.shift)
    label, plain = views.probabilities[view, row].float(), views.plain[row].float()
    targets = recipe.targets(label, plain, data.targets[row])
    with autocast(device):
        logits, own_logits = student(to_input(images, student))
    # Images that the vote policy drops weigh as the others: the teachers label them, too.
    loss = functional.cross_entropy(logits.float(), targets * data.class_weights[row, None])
    if data.has_own_labels:
        own = functional.cross_entropy(own_logits.float(), views.own[view, row].float())
        loss = loss + recipe.own_weight * own
    return loss
