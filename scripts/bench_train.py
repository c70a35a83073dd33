"""Compares the input pipeline of `emorec train` with its upper bound and with Keras's pipelines.

For `compact` and mobilenetv3small (at 96) it prints images per second, medians of alternating runs:
  (a) the pipeline of `emorec train` with the augmentation of the architecture's own configuration,
  (b) the upper bound: the same compiled model on batches in memory, without augmentation,
  (c) image_dataset_from_directory, prefetch, and Keras's random layers inside the model,
  (d) Keras 2's ImageDataGenerator, which decodes and augments one image after the other,
  (e) as (a), with Keras's random layers over whole batches instead of OpenCV,
and, for a frozen vgg16 at 48, epochs per second with and without the feature cache, including the
pass that computes the features. (c), (d) and (e) augment less than (a): no blur and no erasing. (d)
needs SciPy. (a), (b) and (e) train with the fast layers of `emorec train`, and in the precision of
the architecture's configuration (for `compact`, bfloat16 if the processor has it); (c) and (d) are
Keras alone, in float32.

A training is timed from the call of `fit` to the end of its last epoch: after that, TensorFlow
takes up to five seconds to close the iterator of a `fit`.

Example: python scripts/bench_train.py FER-2013 --images 6400 --runs 5
"""

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np
from keras import layers

from emorec.datasets.manifest import Examples, read_prepared
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config import TrainConfig, load_config
from emorec.training.config_groups import NO_AUGMENTATION, AugmentationConfig
from emorec.training.fast_layers import fast_layers
from emorec.training.fitting import make_fitting
from emorec.training.learning_rate import learning_rate
from emorec.training.optimizer import make_optimizer
from emorec.training.precision import resolve_precision
from emorec.training.run_data import RunData, load
from emorec.training.run_model import build

TARGETS = {"a/b": 0.90, "a/d": 1.5, "a/c": 1.0}
CACHE_TARGET = 8.0
SIZES = {"compact": 48, "mobilenetv3small": 96}
CACHE_EPOCHS = 20


def random_layers(config: AugmentationConfig) -> list[Any]:
    """Keras's layers for those parts of an augmentation that Keras has."""
    rotation, shift, zoom = config.rotation / 360, config.shift, config.zoom
    found: list[Any] = [layers.RandomFlip("horizontal")] if config.horizontal_flip else []
    if rotation:
        found.append(layers.RandomRotation(rotation, fill_mode="nearest"))
    if zoom:
        found.append(layers.RandomZoom((-zoom, zoom), fill_mode="nearest"))
    if shift:
        found.append(layers.RandomTranslation(shift, shift, fill_mode="nearest"))
    if config.brightness:
        found.append(layers.RandomBrightness(config.brightness, (0, 255)))
    if config.contrast:
        found.append(layers.RandomContrast(config.contrast))
    return found


class LayeredBatches(AugmentedBatches):
    """Batches augmented by Keras's layers."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._layers = keras.Sequential(random_layers(self._settings.augmentation))

    def _inputs(self, chosen: Any, *_: Any) -> Any:
        return np.asarray(self._layers(self._images[chosen].astype(np.float32), training=True))


def compiled(model: keras.Model, config: TrainConfig, steps: int) -> keras.Model:
    rate = learning_rate(config, config.learning_rate, 1000, steps)
    model.compile(
        optimizer=make_optimizer(config, model, rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return model


def tree_of(examples: Examples, folder: Path) -> Path:
    """Make a folder tree of links to the images of the examples."""
    for number, path in enumerate(examples.paths):
        place = folder / examples.class_names[examples.targets[number].argmax()]
        place.mkdir(exist_ok=True)
        (place / f"{number}{path.suffix}").symlink_to(path.resolve())
    return folder


class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Records the time at the end of a training."""

    def on_train_end(self, logs: Any = None) -> None:
        self.ended = time.perf_counter()


def timed(work: Callable[[Clock], object]) -> float:
    """Measure the seconds to the end of the training that `work` runs with the clock."""
    clock = Clock()
    start = time.perf_counter()
    work(clock)
    return clock.ended - start


def pipelines_of(
    config: TrainConfig, data: RunData, tree: Path
) -> dict[str, Callable[[Clock], object]]:
    """Make a function for each pipeline that trains one epoch."""
    targets, size = data.train.targets, data.train_images.shape[1]
    batch, classes = config.batch_size, targets.shape[1]
    steps = len(targets) // batch
    settings = BatchSettings(
        batch_size=batch,
        augmentation=config.augmentation,
        label_smoothing=config.label_smoothing,
        mixup=config.mixup,
    )
    keras_config = config.model_copy(update={"precision": "float32"})
    model, plain = (
        compiled(build(each, classes, seed=0), each, steps) for each in (config, keras_config)
    )
    augmented, layered = (
        kind(data.train_images, targets, settings) for kind in (AugmentedBatches, LayeredBatches)
    )
    in_memory = data.train_images.astype(np.float32)

    image = keras.Input(model.input_shape[1:])
    x: Any = image
    for layer in random_layers(config.augmentation):
        x = layer(x)
    with_layers = keras.Model(image, build(keras_config, classes, seed=0)(x))
    compiled(with_layers, keras_config, steps)
    options: dict[str, Any] = {"label_mode": "categorical", "color_mode": "grayscale"}
    files = keras.utils.image_dataset_from_directory(
        tree, image_size=(size, size), batch_size=batch, verbose=False, **options
    ).prefetch(8)

    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    changes = config.augmentation
    generator = ImageDataGenerator(
        rotation_range=changes.rotation,
        zoom_range=changes.zoom,
        shear_range=changes.shear,
        width_shift_range=changes.shift,
        height_shift_range=changes.shift,
        horizontal_flip=changes.horizontal_flip,
        brightness_range=(1 - changes.brightness, 1 + changes.brightness)
        if changes.brightness
        else None,
    )

    def fit(model: keras.Model, clock: Clock, *data: Any, **options: Any) -> None:
        model.fit(*data, callbacks=[clock], verbose=0, **options)

    def fit_fast(clock: Clock, *data: Any, **options: Any) -> None:
        with fast_layers(model):
            fit(model, clock, *data, shuffle=False, **options)

    def with_generator(clock: Clock) -> None:
        flow = generator.flow_from_directory(
            tree, target_size=(size, size), color_mode="grayscale", batch_size=batch
        )
        fit(plain, clock, flow)

    return {
        "a": lambda clock: fit_fast(clock, augmented),
        "b": lambda clock: fit_fast(clock, in_memory, targets, batch_size=batch),
        "c": lambda clock: fit(with_layers, clock, files),
        "d": with_generator,
        "e": lambda clock: fit_fast(clock, layered),
    }


def print_ratio(name: str, ratio: float, target: float) -> None:
    result = "met" if ratio >= target else "MISSED"
    print(f"  {name} {ratio:.2f}, target {target:.2f}: {result}")


def compare_pipelines(arch: str, examples: Examples, runs: int) -> None:
    settings = {"arch": arch, "image_size": SIZES[arch], "weights": "none"}
    config = load_config(None, settings)
    precision = resolve_precision(config.precision)
    config = config.model_copy(update={"precision": precision})
    # Whole batches only: a smaller one at the end would be compiled again.
    examples = examples.limited(len(examples.paths) // config.batch_size * config.batch_size)
    data = load(examples, examples.limited(1), SIZES[arch])
    count = len(examples.paths)
    print(
        f"{arch} at {SIZES[arch]}, {count} images, batches of {config.batch_size}, "
        f"{config.precision}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        pipelines = pipelines_of(config, data, tree_of(examples, Path(folder)))
        rates: dict[str, list[float]] = {name: [] for name in pipelines}
        for run in range(runs + 1):
            for name, pipeline in pipelines.items():
                seconds = timed(pipeline)
                if run:  # the first run compiles, and fills the file cache
                    rates[name].append(count / seconds)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, median in medians.items():
        spread = f"{min(rates[name]):.0f} to {max(rates[name]):.0f}"
        print(f"  ({name}) {median:7.0f} images/s, median of {runs} ({spread})")
    for pair, target in TARGETS.items():
        one, other = pair.split("/")
        print_ratio(f"({one})/({other})", medians[one] / medians[other], target)
    print(f"  (a)/(e) {medians['a'] / medians['e']:.2f}: above 1, OpenCV is faster", flush=True)


def compare_feature_cache(examples: Examples, plain_epochs: int) -> None:
    overrides = {"arch": "vgg16", "image_size": 48, "weights": "none", "trainable_layers": 0}
    data = load(examples, examples.limited(1), 48)
    print(f"frozen vgg16 at 48, {len(examples.paths)} images, {CACHE_EPOCHS} epochs", flush=True)
    rates = {}
    for cached, epochs in ((True, CACHE_EPOCHS), (False, plain_epochs)):
        settings = {**overrides, "augmentation": NO_AUGMENTATION, "feature_cache": cached}
        config = load_config(None, settings)
        # One epoch before, so that compiling is not timed.
        small = load(examples.limited(config.batch_size), examples.limited(1), 48)
        model = build(config, examples.targets.shape[1], seed=0)

        def train(
            data: RunData, epochs: int, clock: Clock, config: Any = config, model: Any = model
        ) -> None:
            fitting = make_fitting(config, model, data, BatchSettings(config.batch_size))
            compiled(fitting.model, config, len(fitting.batches))
            fitting.model.fit(
                fitting.batches, epochs=epochs, shuffle=False, callbacks=[clock], verbose=0
            )

        timed(functools.partial(train, small, 1))
        rates[cached] = epochs / timed(functools.partial(train, data, epochs))
        name = "with the cache" if cached else "without"
        print(f"  {name:15} {rates[cached]:.3f} epochs/s over {epochs} epochs", flush=True)
    print_ratio("with the cache / without", rates[True] / rates[False], CACHE_TARGET)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a prepared data set")
    parser.add_argument("--images", type=int, help="number of training images; default: all")
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each pipeline")
    parser.add_argument("--only", choices=[*SIZES, "cache"], help="run only this part")
    parser.add_argument(
        "--plain-epochs", type=int, default=3, help="epochs timed without the feature cache"
    )
    arguments = parser.parse_args()
    # As `emorec train` does.
    cv2.setNumThreads(1)
    examples = read_prepared(arguments.data).examples("train").limited(arguments.images)
    for arch in SIZES:
        if arguments.only in (None, arch):
            compare_pipelines(arch, examples, arguments.runs)
    if arguments.only in (None, "cache"):
        compare_feature_cache(examples, arguments.plain_epochs)


if __name__ == "__main__":
    main()
