"""The table of teachers, and their training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from distillation.augmentation import augment, to_input
from distillation.fitting import Budget, Optimization, fit
from distillation.networks.base import FaceNetwork
from distillation.networks.dlib_resnet import DlibResNet
from distillation.networks.efficientnet_lite import EfficientNetLite0
from distillation.networks.se_resnet import SeResNet
from distillation.networks.vgg import Vgg
from distillation.pretrained import read_dlib, read_lite0
from distillation.scoring import autocast, predict, scores
from distillation.training_data import NO_LABEL, TrainingData
from emorec.atomic_files import written_whole
from emorec.errors import ModelError

BATCH = 512

OWN_WEIGHT = 0.2
"""Weight of the second head's loss."""

OWN_SMOOTHING = 0.1

_FROM_SCRATCH = Optimization("sgd", 0.12, weight_decay=5e-4, ema_decay=0.998)


@dataclass(frozen=True)
class Teacher:
    """How one teacher is made.

    Attributes:
        build: Builds the network; from random weights if the folder of pretrained ones is None.
        optimization: How it is optimised.
        mixup: Parameter of the beta distribution of mixup (Zhang et al. 2018).
        epochs: As many as the original run had in 230 seconds.
        is_pretrained: Whether it starts from pretrained weights.
    """

    build: Callable[[Path | None], FaceNetwork]
    optimization: Optimization
    mixup: float
    epochs: float
    is_pretrained: bool = False


def _lite0(pretrained: Path | None) -> FaceNetwork:
    network = EfficientNetLite0()
    if pretrained is not None:
        network.load_imagenet(read_lite0(pretrained))
    return network


def _dlib(pretrained: Path | None) -> FaceNetwork:
    network = DlibResNet()
    if pretrained is not None:
        network.load_published(read_dlib(pretrained))
    return network


def _fine_tuning(learning_rate: float) -> Optimization:
    return Optimization("adamw", learning_rate, 0.05, ema_decay=0.998, clip_norm=5)


TEACHERS = {
    "vgg": Teacher(lambda _: Vgg(), _FROM_SCRATCH, mixup=0.3, epochs=64),
    "se-resnet": Teacher(lambda _: SeResNet(), _FROM_SCRATCH, mixup=0.3, epochs=35),
    "lite0": Teacher(_lite0, _fine_tuning(1.5e-3), mixup=0.2, epochs=31, is_pretrained=True),
    "dlib": Teacher(_dlib, _fine_tuning(5e-4), mixup=0.2, epochs=62, is_pretrained=True),
}


@dataclass(frozen=True)
class TeacherFile:
    """The file of one trained teacher.

    Attributes:
        path: The file.
        name: A key of `TEACHERS`.
        fold: The fold of images that it did not see; None if it saw all.
    """

    path: Path
    name: str
    fold: int | None


def train_teacher(
    name: str,
    data: TrainingData,
    folder: Path,
    *,
    pretrained: Path | None,
    epochs: float | None = None,
    seconds: float | None = None,
    seed: int = 0,
    batch: int = BATCH,
    fold: int | None = None,
    folds: int = 1,
) -> Path:
    """Train a teacher and save it.

    Args:
        name: A key of `TEACHERS`.
        data: The data, on the training device.
        folder: Folder of the result.
        pretrained: Folder of pretrained weights; None starts from random ones.
        epochs: Length of the training; the default is the teacher's own.
        seconds: Length of the training in seconds, instead of epochs.
        seed: Seed of the weights and of all that is drawn.
        batch: Number of images in a batch.
        fold: A fold of the images to leave out, 0 to `folds` - 1; None trains on all.
        folds: Number of folds.

    Returns:
        The file.

    Raises:
        EmorecError: The loss is not finite, or the pretrained weights are missing.
    """
    teacher = TEACHERS[name]
    torch.manual_seed(seed)
    device = data.images.device
    network = teacher.build(pretrained).to(device, memory_format=torch.channels_last)
    if fold is None:
        rows = torch.arange(len(data.names), device=device)
    else:
        rows = (data.folds(folds) != fold).nonzero()[:, 0]
    steps = max(1, round((epochs or teacher.epochs) * len(rows) / batch))
    label = name if fold is None else f"{name}, without fold {fold}"
    fit(
        label,
        network,
        lambda: _mixed_loss(network, data, rows, teacher.mixup, batch),
        teacher.optimization,
        Budget(steps, seconds),
    )
    logits, _ = predict(network, data.validation_images)
    print(f"{label}: PublicTest {scores(logits, data)}", flush=True)
    parts = [name, f"seed{seed}", *([] if fold is None else [f"fold{fold}of{folds}"])]
    path = folder / f"teacher.{'.'.join(parts)}.pt"
    with written_whole(path) as partial:
        torch.save({"weights": network.state_dict(), "validation": logits}, partial)
    return path


def _mixed_loss(
    network: FaceNetwork, data: TrainingData, rows: Tensor, mixup: float, batch: int
) -> Tensor:
    """Return the loss on a batch of augmented images, each mixed with another one of the batch."""
    device = rows.device
    chosen = rows[torch.randint(0, len(rows), (batch,), device=device)]
    other = torch.randperm(batch, device=device)
    share = float(torch.distributions.Beta(mixup, mixup).sample())
    images = to_input(augment(data.images[chosen], network.size), network)
    images = share * images + (1 - share) * images[other]
    with autocast(device):
        logits, own_logits = network(images)
    targets = data.targets[chosen] * data.vote_weights[chosen, None]
    targets = share * targets + (1 - share) * targets[other]
    loss = functional.cross_entropy(logits.float(), targets)
    own = data.own[chosen]
    for weight, labels in ((share, own), (1 - share, own[other])):
        total = functional.cross_entropy(
            own_logits.float(),
            labels,
            ignore_index=NO_LABEL,
            reduction="sum",
            label_smoothing=OWN_SMOOTHING,
        )
        loss = loss + OWN_WEIGHT * weight * total / (labels != NO_LABEL).sum().clamp_min(1)
    return loss


def find_teachers(folder: Path, folds: int | None, names: Sequence[str] = ()) -> list[TeacherFile]:
    """List the teachers that `train_teacher` saved in a folder.

    Args:
        folder: The folder.
        folds: Number of folds of teachers that left one out each; None lists those that saw all.
        names: Keys of `TEACHERS` to list alone; empty lists all.

    Raises:
        ModelError: There is none, or a fold has none.
    """
    found = []
    for path in sorted(folder.glob("teacher.*.pt")):
        name, *rest = path.name.split(".")[1:-1]
        fold = next((part for part in rest if part.startswith("fold")), None)
        number, _, of = (fold or "").removeprefix("fold").partition("of")
        if of == str(folds or "") and name in (names or TEACHERS):
            found.append(TeacherFile(path, name, int(number) if fold else None))
    present = {file.fold for file in found}
    missing = [fold for fold in (range(folds) if folds else [None]) if fold not in present]
    if missing:
        what = f"without fold {missing[0]} of {folds}" if folds else "that saw all images"
        raise ModelError(f"{folder}: no teacher {what}; train one with distill.py teacher")
    return found


def load_teacher(file: TeacherFile, device: str | torch.device) -> tuple[FaceNetwork, Tensor]:
    """Load a teacher, and its logits of the validation images.

    Raises:
        ModelError: The file cannot be read or is of another network.
    """
    network = TEACHERS[file.name].build(None)
    try:
        saved = torch.load(file.path, map_location=device, weights_only=True)
        network.load_state_dict(saved["weights"])
        logits: Tensor = saved["validation"]
    # PyTorch raises many kinds of errors for damaged files.
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"{file.path}: cannot load the teacher: {reason:.200}") from error
    return network.to(device, memory_format=torch.channels_last).eval(), logits
