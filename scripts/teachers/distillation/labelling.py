"""The step between teachers and students: labels of all views, by teachers or by a student."""

from collections.abc import Sequence
from pathlib import Path

import torch

from distillation.networks.base import FaceNetwork
from distillation.networks.student import student_from_weights
from distillation.npz_arrays import read_arrays
from distillation.scoring import scores
from distillation.soft_labels import label_views, read_plain, save_probabilities, save_views
from distillation.teachers import find_teachers, load_teacher
from distillation.training_data import TrainingData


def label_by_teachers(
    data: TrainingData,
    folder: Path,
    target: Path,
    views: int,
    views_file: Path,
    seed: int,
    folds: int | None,
    names: Sequence[str],
) -> None:
    """Label views by the mean of all teachers, or by those that did not see the image.

    Args:
        data: The data, on the training device.
        folder: Folder of the teachers.
        target: File of the probabilities, see `soft_labels.save_probabilities`.
        views: Number of views.
        views_file: File of the views, for the students.
        seed: Seed of the augmentation.
        folds: Number of folds, for teachers that left one out each; None for those that saw all.
        names: Teachers to use alone; empty uses all.

    Raises:
        ModelError: A teacher is missing or damaged.
    """
    device = data.images.device
    networks: dict[int, list[FaceNetwork]] = {}
    validation = []
    for file in find_teachers(folder, folds, names):
        network, logits = load_teacher(file, device)
        networks.setdefault(file.fold or 0, []).append(network)
        validation.append(torch.softmax(logits, 1))
        print(f"{file.path.name}: PublicTest {scores(logits, data)}", flush=True)
    mean = torch.stack(validation).mean(0)
    print(f"mean of {len(validation)}: PublicTest {scores(mean.log(), data)}", flush=True)
    fold = data.folds(folds or 1)
    labelled = label_views(data, networks, fold, views, seed=seed)
    agreed = labelled.plain.float().argmax(1) == data.targets.argmax(1)
    share = 100 * float(agreed[data.kept].float().mean())
    print(f"the labels agree with the largest vote of {share:.2f} % of Training", flush=True)
    save_views(labelled, views_file)
    save_probabilities(data, labelled, mean, fold if folds else None, target)


def label_by_student(
    data: TrainingData, student: Path, plain: Path, views: int, views_file: Path, seed: int
) -> None:
    """Label views by a student, for a smaller one.

    Args:
        data: The data, on the training device.
        student: Weights of the student.
        plain: Probabilities of the teachers, see `soft_labels.save_probabilities`.
        views: Number of views.
        views_file: File of the views.
        seed: Seed of the augmentation.

    Raises:
        DataError: A file cannot be read.
        ModelError: The weights are not those of a student.
    """
    device = data.images.device
    network = student_from_weights(read_arrays(student)).to(device).eval()
    teachers = read_plain(plain, data.names).to(device)
    labelled = label_views(data, {0: [network]}, data.folds(1), views, plain=teachers, seed=seed)
    save_views(labelled, views_file)
