"""Compares the input pipeline of `emorec train` with its ceiling and with the usual ways.

For `compact` and mobilenetv3small (at 96) it prints images a second, medians of runs in turn, of
  (a) the pipeline of `emorec train` with the augmentation of the architecture's own configuration,
  (b) the ceiling: the same compiled model on ready batches in memory, without augmentation,
  (c) image_dataset_from_directory, prefetch, and Keras's random layers inside the model,
  (d) Keras 2's ImageDataGenerator, which decodes and changes one image after the other,
  (e) as (a), with Keras's random layers over whole batches in the place of OpenCV,
and, for a frozen vgg16 at 48, epochs a second with and without the feature cache, whose own pass
counts. (c), (d) and (e) change images less than (a) does: no blur and no erasing. (d) needs SciPy.
(a), (b) and (e) train with the fast layers of `emorec train`, and in the precision of the
architecture's configuration (for `compact`, bfloat16 where the processor has it); (c) and (d) are
Keras alone, in float32.

A training is timed from the call of `fit` to the end of its last epoch: TensorFlow then takes up to
five seconds, in whole five seconds since the start, to close the iterator of a `fit`.

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
from emorec.training.config import NO_AUGMENTATION, AugmentationConfig, TrainConfig, load_config
from emorec.training.fast_layers import fast_layers
from emorec.training.features import make_fitting
from emorec.training.optimizer import make_optimizer
from emorec.training.setup import RunData, build, load, resolve_precision

WANTED = {"a/b": 0.90, "a/d": 1.5, "a/c": 1.0}
WANTED_CACHE = 8.0
SIZES = {"compact": 48, "mobilenetv3small": 96}
CACHE_EPOCHS = 20


def random_layers(config: AugmentationConfig) -> list[Any]:
    """Keras's layers for the changes of a configuration, as far as it has the same."""
    turn, shift, zoom = config.rotation / 360, config.shift, config.zoom
    found: list[Any] = [layers.RandomFlip("horizontal")] if config.horizontal_flip else []
    if turn:
        found.append(layers.RandomRotation(turn, fill_mode="nearest"))
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
    """Batches changed by Keras's layers."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._layers = keras.Sequential(random_layers(self._augmentation))

    def _inputs(self, chosen: Any, *_: Any) -> Any:
        return np.asarray(self._layers(self._images[chosen].astype(np.float32), training=True))


def compiled(model: keras.Model, config: TrainConfig, steps: int) -> keras.Model:
    model.compile(
        optimizer=make_optimizer(config, model, config.learning_rate, 1000, steps),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return model


def tree_of(examples: Examples, folder: Path) -> Path:
    """A folder tree of links to the images of the examples."""
    for number, path in enumerate(examples.paths):
        place = folder / examples.class_names[examples.targets[number].argmax()]
        place.mkdir(exist_ok=True)
        (place / f"{number}{path.suffix}").symlink_to(path.resolve())
    return folder


class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Takes the time at the end of a training."""

    def on_train_end(self, logs: Any = None) -> None:
        self.ended = time.perf_counter()


def timed(work: Callable[[Clock], object]) -> float:
    """Seconds from now to the end of the training that work does with the clock."""
    clock = Clock()
    start = time.perf_counter()
    work(clock)
    return clock.ended - start


def contenders(
    config: TrainConfig, datasets: RunData, tree: Path
) -> dict[str, Callable[[Clock], object]]:
    """For each way, a function that trains one epoch."""
    targets, size = datasets.train.targets, datasets.train_images.shape[1]
    batch, classes = config.batch_size, targets.shape[1]
    steps = len(targets) // batch
    treatment = BatchSettings(label_smoothing=config.label_smoothing, mixup=config.mixup)
    usual_config = config.model_copy(update={"precision": "float32"})
    model, plain = (compiled(build(each, classes), each, steps) for each in (config, usual_config))
    given = (datasets.train_images, targets, batch, config.augmentation, 0, treatment)
    ours, layered = AugmentedBatches(*given), LayeredBatches(*given)
    ready = datasets.train_images.astype(np.float32)

    image = keras.Input(model.input_shape[1:])
    x: Any = image
    for layer in random_layers(config.augmentation):
        x = layer(x)
    usual = compiled(keras.Model(image, build(usual_config, classes)(x)), usual_config, steps)
    reading: dict[str, Any] = {"label_mode": "categorical", "color_mode": "grayscale"}
    files = keras.utils.image_dataset_from_directory(
        tree, image_size=(size, size), batch_size=batch, verbose=False, **reading
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

    def fit_fused(clock: Clock, *data: Any, **options: Any) -> None:
        with fast_layers(model):
            fit(model, clock, *data, shuffle=False, **options)

    def one_by_one(clock: Clock) -> None:
        flow = generator.flow_from_directory(
            tree, target_size=(size, size), color_mode="grayscale", batch_size=batch
        )
        fit(plain, clock, flow)

    return {
        "a": lambda clock: fit_fused(clock, ours),
        "b": lambda clock: fit_fused(clock, ready, targets, batch_size=batch),
        "c": lambda clock: fit(usual, clock, files),
        "d": one_by_one,
        "e": lambda clock: fit_fused(clock, layered),
    }


def verdict(name: str, ratio: float, wanted: float) -> None:
    print(f"  {name} {ratio:.2f}, wanted {wanted:.2f}: {'yes' if ratio >= wanted else 'NO'}")


def pipelines(arch: str, examples: Examples, runs: int) -> None:
    settings = {"arch": arch, "image_size": SIZES[arch], "weights": "none"}
    config = resolve_precision(load_config(None, settings))
    # Whole batches only: a smaller one at the end would be compiled anew.
    examples = examples.limited(len(examples.paths) // config.batch_size * config.batch_size)
    datasets = load(examples, examples.limited(1), SIZES[arch])
    count = len(examples.paths)
    print(
        f"{arch} at {SIZES[arch]}, {count} images, batches of {config.batch_size}, "
        f"{config.precision}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        ways = contenders(config, datasets, tree_of(examples, Path(folder)))
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(runs + 1):
            for name, way in ways.items():
                seconds = timed(way)
                if turn:  # the first turn compiles, and fills the file cache
                    rates[name].append(count / seconds)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, median in medians.items():
        spread = f"{min(rates[name]):.0f} to {max(rates[name]):.0f}"
        print(f"  ({name}) {median:7.0f} images/s, median of {runs} ({spread})")
    for pair, wanted in WANTED.items():
        one, other = pair.split("/")
        verdict(f"({one})/({other})", medians[one] / medians[other], wanted)
    print(f"  (a)/(e) {medians['a'] / medians['e']:.2f}: above 1, OpenCV is the faster", flush=True)


def feature_cache(examples: Examples, plain_epochs: int) -> None:
    overrides = {"arch": "vgg16", "image_size": 48, "weights": "none", "trainable_layers": 0}
    datasets = load(examples, examples.limited(1), 48)
    print(f"frozen vgg16 at 48, {len(examples.paths)} images, {CACHE_EPOCHS} epochs", flush=True)
    rates = {}
    for cached, epochs in ((True, CACHE_EPOCHS), (False, plain_epochs)):
        settings = {**overrides, "augmentation": NO_AUGMENTATION, "feature_cache": cached}
        config = load_config(None, settings)
        # One epoch of the way before, so that compiling counts for neither.
        small = load(examples.limited(config.batch_size), examples.limited(1), 48)
        model = build(config, examples.targets.shape[1])

        def train(
            given: RunData, rounds: int, clock: Clock, config: Any = config, model: Any = model
        ) -> None:
            fitting = make_fitting(config, model, given, BatchSettings())
            compiled(fitting.model, config, len(fitting.batches))
            fitting.model.fit(
                fitting.batches, epochs=rounds, shuffle=False, callbacks=[clock], verbose=0
            )

        timed(functools.partial(train, small, 1))
        rates[cached] = epochs / timed(functools.partial(train, datasets, epochs))
        how = "with the cache" if cached else "plain"
        print(f"  {how:15} {rates[cached]:.3f} epochs/s over {epochs} epochs", flush=True)
    verdict("with the cache / plain", rates[True] / rates[False], WANTED_CACHE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a prepared data set")
    parser.add_argument("--images", type=int, help="train on that many; default: all")
    parser.add_argument("--runs", type=int, default=5, help="runs of each way, in turn")
    parser.add_argument("--only", choices=[*SIZES, "cache"], help="this part only")
    parser.add_argument(
        "--plain-epochs", type=int, default=3, help="epochs timed without the feature cache"
    )
    arguments = parser.parse_args()
    # As `emorec train` does.
    cv2.setNumThreads(1)
    examples = read_prepared(arguments.data).examples("train").limited(arguments.images)
    for arch in SIZES:
        if arguments.only in (None, arch):
            pipelines(arch, examples, arguments.runs)
    if arguments.only in (None, "cache"):
        feature_cache(examples, arguments.plain_epochs)


if __name__ == "__main__":
    main()
