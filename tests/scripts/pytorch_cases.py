"""Cases of the modules in PyTorch; test_distillation.py runs them in a process of their own."""

import math
from pathlib import Path
from typing import Any

import convert_student
import numpy as np
import pytest
import torch
from distillation import augmentation
from distillation.fitting import Budget, Optimization, WeightAverage, fit, learning_rate_factor
from distillation.networks.base import FaceNetwork
from distillation.networks.dlib_resnet import BLOCKS as DLIB_BLOCKS
from distillation.networks.dlib_resnet import DlibResNet
from distillation.networks.efficientnet_lite import EfficientNetLite0
from distillation.networks.student import BLOCKS, STEM_FILTERS, Student, student_from_weights
from distillation.pretrained import read_dlib, read_lite0
from distillation.scoring import predict, scores
from distillation.soft_labels import label_views
from distillation.students import RECIPES, sharpened
from distillation.teachers import TEACHERS
from distillation.training_data import DROPPED_WEIGHT, TrainingData

from emorec.errors import EmorecError, ModelError
from emorec.labels import EMOTIONS_8
from emorec.modeling import compact
from emorec.modeling.build import build_classifier

torch.set_num_threads(1)


def small_data(**changes: Any) -> TrainingData:
    """Four images of three classes, the last two near duplicates."""
    fields = {
        "names": ["a", "b", "c", "d"],
        "images": torch.zeros(4, 1, 48, 48, dtype=torch.uint8),
        "targets": torch.eye(8)[[0, 0, 1, 2]],
        "kept": torch.tensor([True, True, True, False]),
        "own": torch.tensor([-1, 0, 1, 2]),
        "groups": torch.tensor([0, 1, 2, 2]),
        "validation_names": ["v", "w"],
        "validation_images": torch.zeros(2, 1, 48, 48, dtype=torch.uint8),
        "validation_labels": torch.tensor([0, 1]),
        "labels": EMOTIONS_8,
    }
    return TrainingData(**{**fields, **changes})


def test_weights_prior_and_folds() -> None:
    data = small_data()
    np.testing.assert_allclose(data.prior, np.array([2, 1, 1, 1, 1, 1, 1, 1]) / 9, atol=1e-6)
    ratio = data.class_weights[2] / data.class_weights[0]
    assert float(ratio) == pytest.approx(2**0.2)
    assert float(data.class_weights.mean()) == pytest.approx(1)
    assert float(data.vote_weights[3] / data.class_weights[3]) == pytest.approx(DROPPED_WEIGHT)
    fold = data.folds(3)
    assert fold[2] == fold[3]
    assert sorted(fold[:3].tolist()) == [0, 1, 2]
    assert data.folds(1).tolist() == [0, 0, 0, 0]


def test_scores_are_of_the_classes_that_occur() -> None:
    logits = torch.eye(8)[[0, 0]]
    assert scores(logits, small_data(targets=torch.full((4, 8), 0.125))) == ", ".join(
        f"tau {strength}: 50.00 / 50.0" for strength in ("0", "0.2", "0.3", "0.5")
    )


@pytest.mark.parametrize("size", [48, 128])
def test_augmentation_keeps_range_and_shape_and_is_seeded(size: int) -> None:
    images = torch.randint(0, 256, (64, 1, 48, 48), dtype=torch.uint8)
    torch.manual_seed(0)
    first = augmentation.augment(images, size)
    assert first.shape == (64, 1, size, size)
    assert 0 <= float(first.min()) <= float(first.max()) <= 255
    torch.manual_seed(0)
    assert torch.equal(augmentation.augment(images, size), first)


def test_shifts_continue_the_border_and_mirroring_reverses_columns() -> None:
    images = torch.arange(9.0).view(1, 1, 3, 3).expand(200, -1, -1, -1)
    shifted = augmentation.shift(images, 1)
    assert len(torch.unique(shifted[:, 0], dim=0)) == 9
    assert {0.0, 1.0, 3.0, 4.0} == set(shifted[:, 0, 0, 0].tolist())
    mirrored = augmentation.mirror_half(images)
    rows = {tuple(row) for row in mirrored[:, 0, 0].tolist()}
    assert rows == {(0.0, 1.0, 2.0), (2.0, 1.0, 0.0)}


def random_student(width: float) -> Student:
    """A student whose norms are not the identity."""
    student = Student(width)
    for norm in (m for m in student.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            assert values is not None
            torch.nn.init.uniform_(values, 0.5, 1)
    return student.eval()


@pytest.mark.parametrize(("arch", "width"), [("compact", 1), ("nano", 0.5)])
def test_the_student_computes_what_keras_does(arch: str, width: float) -> None:
    assert (compact.STEM_FILTERS, compact.BLOCKS) == (STEM_FILTERS, BLOCKS)
    student = random_student(width)
    model = build_classifier(arch, 8)
    convert_student.copied(model, student.keras_weights(), Path("student.npz"))
    images = torch.randint(0, 256, (4, 1, 48, 48), dtype=torch.uint8)
    found = model(images.permute(0, 2, 3, 1).float()).detach()
    expected, _ = predict(student, images, mirrored=False)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_student_is_built_from_its_weights() -> None:
    student = random_student(0.5)
    weights = student.keras_weights()
    again = student_from_weights({k: v for k, v in weights.items() if not k.startswith("aux/")})
    images = torch.rand(2, 1, 48, 48)
    assert torch.equal(again.eval()(images)[0], student(images)[0])
    with pytest.raises(ModelError, match="not those of a student: 'stem_1_norm/gamma'"):
        student_from_weights({})


@pytest.mark.parametrize("name", list(TEACHERS))
def test_teachers_have_both_heads(name: str) -> None:
    network = TEACHERS[name].build(None).eval()
    images = torch.zeros(2, network.channels, network.size, network.size)
    logits, own = network(images)
    assert (logits.shape, own.shape) == ((2, 8), (2, 7))


def test_pretrained_weights_must_be_the_known_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read: No such file.*README"):
        read_lite0(tmp_path)
    (tmp_path / "efficientnet-lite0-57934424.pth").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"SHA-256 2d71.* differs from the expected 5793"):
        read_lite0(tmp_path)
    with pytest.raises(ModelError, match="cannot read"):
        read_dlib(tmp_path)


def test_weights_of_another_network_are_errors() -> None:
    with pytest.raises(ModelError, match="not those of EfficientNet-Lite0: 0 tensors"):
        EfficientNetLite0().load_imagenet({})
    with pytest.raises(ModelError, match=r"not those of dlib's .*: 'conv32_down/scale/weights'"):
        DlibResNet().load_published({})


def test_affine_layers_are_folded_into_the_convolutions() -> None:
    network = DlibResNet()
    names = [f"{name}/{part}" for name, *_ in DLIB_BLOCKS for part in ("conv1", "conv2")]
    weights = {}
    for name, conv in zip(["conv32_down", *names], _convolutions(network), strict=True):
        filters, inputs, kernel, _ = conv.weight.shape
        weights[f"{name}/conv/filters"] = torch.ones(kernel, kernel, inputs, filters)
        weights[f"{name}/conv/bias"] = torch.full((filters,), 3.0)
        weights[f"{name}/scale/weights"] = torch.full((filters,), 2.0)
        weights[f"{name}/scale/biases"] = torch.full((filters,), 5.0)
    network.load_published(weights)
    for conv in _convolutions(network):
        assert conv.bias is not None
        assert conv.weight.unique().tolist() == [2]
        assert conv.bias.unique().tolist() == [11]


def _convolutions(network: FaceNetwork) -> list[torch.nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]


def test_the_learning_rate_rises_and_falls() -> None:
    assert learning_rate_factor(0) == 1e-3
    assert learning_rate_factor(0.02) == pytest.approx(0.5)
    assert learning_rate_factor(0.04) == pytest.approx(1)
    assert learning_rate_factor(0.52) == pytest.approx(0.5)
    assert learning_rate_factor(1) == 1e-3


def test_the_average_follows_the_weights() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    average = WeightAverage(layer, 0.9)
    torch.nn.init.ones_(layer.weight)
    average.update()
    average.copy_to_network()
    assert float(layer.weight.detach()) == pytest.approx(1 - 2 / 11)


def test_a_budget_counts_steps_or_seconds() -> None:
    assert Budget(10).progress(5, 99) == 0.5
    assert Budget(10, seconds=4).progress(99, 1) == 0.25


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    student = Student(0.25)
    how = Optimization("adamw", 1e-3, 0.01, ema_decay=0.9, clip_norm=1)

    def loss() -> torch.Tensor:
        return student.logits.bias.sum() * math.nan

    with pytest.raises(EmorecError, match="s: the loss is nan at step 50"):
        fit("s", student, loss, how, Budget(60), lambda _: None)


def test_targets_of_the_students() -> None:
    view, plain, votes = torch.tensor([[0.8, 0.2]]), torch.tensor([[0.6, 0.4]]), torch.eye(2)[:1]
    np.testing.assert_allclose(sharpened(view, 2), [[16 / 17, 1 / 17]], rtol=1e-6)
    for recipe in RECIPES.values():
        targets = recipe.targets(view, plain, votes)
        assert float(targets.sum()) == pytest.approx(1)
        assert float(targets[0, 0]) > 0.8


def test_views_are_labelled_by_the_networks_of_their_fold() -> None:
    data = small_data(images=torch.randint(0, 256, (4, 1, 48, 48), dtype=torch.uint8))
    networks = [Student(0.25), Student(0.25)]
    for number, network in enumerate(networks):
        torch.nn.init.zeros_(network.logits.weight)
        network.logits.bias.data = 10 * torch.eye(8)[number]
    fold = torch.tensor([0, 1, 1, 0])
    views = label_views(data, {0: networks[:1], 1: networks[1:]}, fold, 2)
    assert views.probabilities.argmax(2).tolist() == [[0, 1, 1, 0]] * 2
