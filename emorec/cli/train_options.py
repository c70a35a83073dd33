"""The options of `emorec train` that set the settings of a run."""

from collections.abc import Callable
from typing import Any

import click

from emorec.cli.parameters import Choice
from emorec.datasets.choices import GROUP_BY_HELP
from emorec.labels import POLICIES

# Written out, not made from the fields of TrainConfig: `emorec train --help` works without
# pydantic, which is not part of the base install. A test compares the two.
_OPTIONS = (
    click.option(
        "--arch",
        help="Architecture; `emorec architectures` lists all.  [default: that of the weights, or "
        "compact]",
    ),
    click.option(
        "--weights",
        help="Initial weights: none, imagenet, emorec (the shipped model of the architecture), a "
        "run folder or its unique beginning, a name of `emorec models list`, or a .keras, "
        ".weights.h5 or .h5 file. Layers that do not fit are initialised at random; the head of a "
        "model keeps the labels that both sides have.",
    ),
    click.option(
        "--label-map",
        metavar="FILE",
        help="YAML file for labels with other names than those of --weights; each line is 'label "
        "of the data set: label of the weights', such as 'smile: happy'.",
    ),
    click.option(
        "--trainable-layers",
        type=int,
        help="Number of the backbone's last layers to train: 0 freezes it, -1 trains all of it; "
        "the head is always trained.  [default: 0 if weights fill the whole backbone and there are "
        "no head epochs, else -1]",
    ),
    click.option(
        "--freeze-norm-statistics/--no-freeze-norm-statistics",
        default=None,
        help="Keep the statistics of batch normalisation that the weights have, which suits few "
        "images.",
    ),
    click.option("--image-size", type=int, help="Side of the model's input in pixels."),
    click.option("--dropout", type=float, help="Rate of dropout before the head, 0 to below 1."),
    click.option(
        "--flip-average/--no-flip-average",
        default=None,
        help="Average the logits of the saved model over an image and its mirror image.",
    ),
    click.option(
        "--half-weights/--no-half-weights",
        default=None,
        help="Store the weights of the ONNX file in float16, in half the size.",
    ),
    click.option(
        "--feature-cache/--no-feature-cache",
        default=None,
        help="Compute the outputs of frozen layers only once.  [default: if the result is equal]",
    ),
    click.option(
        "--feature-views",
        type=int,
        help="Fixed views of each image for --feature-cache: the first unchanged, the others "
        "augmented.",
    ),
    click.option(
        "--labels",
        type=Choice(["auto", "hard", "soft"]),
        help="Train on one-hot labels or on vote distributions; auto: on distributions where the "
        "data set has votes.",
    ),
    click.option(
        "--policy",
        type=Choice(POLICIES),
        help="Vote policy.  [default: as in the data set]",
    ),
    click.option("--classes", type=Choice([7, 8]), help="Number of emotions; 8: with contempt."),
    click.option("--limit", type=int, help="Largest number of images per split, for trials."),
    click.option("--group-by", metavar="RULE", help=GROUP_BY_HELP),
    click.option(
        "--head-epochs",
        type=int,
        help="First epochs, which train only the head on a frozen, pretrained backbone.",
    ),
    click.option("--head-learning-rate", type=float, help="Peak learning rate of the head epochs."),
    click.option("--epochs", type=int, help="Largest number of epochs after the head epochs."),
    click.option("--batch-size", type=int, help="Images per step, over all devices."),
    click.option("--optimizer", type=Choice(["sgd", "adamw"]), help="Optimizer."),
    click.option("--learning-rate", type=float, help="Peak learning rate."),
    click.option(
        "--layer-decay",
        type=float,
        help="Factor of the learning rate from each block of the backbone to the block before it, "
        "e.g. 0.7; needs pretrained weights.",
    ),
    click.option("--momentum", type=float, help="Momentum of SGD, 0 to below 1."),
    click.option("--nesterov/--no-nesterov", default=None, help="Nesterov momentum of SGD."),
    click.option(
        "--weight-decay", type=float, help="Decoupled weight decay; biases and norms excluded."
    ),
    click.option(
        "--schedule",
        type=Choice(["constant", "cosine", "step"]),
        help="Schedule of the learning rate.",
    ),
    click.option("--warmup-epochs", type=float, help="Epochs of linear learning-rate warm-up."),
    click.option("--clip-norm", type=float, help="Largest global norm of the gradient."),
    click.option(
        "--ema",
        type=float,
        help="Decay of the exponential moving average of the weights, e.g. 0.998. The average is "
        "validated and saved.",
    ),
    click.option(
        "--label-smoothing",
        type=float,
        help="Weight of the uniform distribution in the targets, 0 to below 1.",
    ),
    click.option("--mixup", type=float, help="Alpha of mixup, e.g. 0.2."),
    click.option("--cutmix", type=float, help="Alpha of cutmix, e.g. 1."),
    click.option("--mix-off-epochs", type=int, help="Last epochs, without mixup, cutmix, erasing."),
    click.option(
        "--balance",
        type=Choice(["none", "weights", "sampling"]),
        help="Compensate class imbalance with loss weights or resampling.",
    ),
    click.option(
        "--logit-adjustment",
        type=float,
        help="Logit adjustment in the loss with strength tau, e.g. 1 (Menon et al. 2021).",
    ),
    click.option(
        "--teacher",
        multiple=True,
        help="A model whose soft labels are added to the targets: a .onnx or .keras file, a run "
        "folder or its unique beginning, or a name of `emorec models list`; repeatable.",
    ),
    click.option(
        "--teacher-probabilities",
        metavar="FILE",
        help="CSV file of teachers' probabilities of the training images: the column image (file "
        "name) and one column for each label; emorec: the included ones, of FERPlus Training.",
    ),
    click.option(
        "--teacher-weight",
        type=float,
        help="Weight of the teachers' soft labels in the targets, 0 to 1.",
    ),
    click.option(
        "--patience",
        type=int,
        help="Stop after this many epochs without a better validation accuracy.",
    ),
    click.option(
        "--precision",
        type=Choice(["auto", "float32", "bfloat16"]),
        help="Arithmetic of the training; auto: bfloat16 if the processor has instructions for it.",
    ),
    click.option(
        "--model-name",
        metavar="NAME",
        help="Name of the model in its metadata.  [default: that of the run folder]",
    ),
    click.option("--augment/--no-augment", default=None, help="Augment the training images."),
    click.option("--seed", type=int, help="Seed of initial weights, order and augmentation."),
    click.option(
        "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set any other setting."
    ),
)


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the settings to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
