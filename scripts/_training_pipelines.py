"""The training pipelines that scripts/bench_train.py compares, timed in a process of their own.

scripts/_training_process.py starts this file with a `Work` as JSON. It answers the name of a
pipeline on standard input with the seconds of one epoch and those of the processor.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np
from _training_process import Work
from keras import layers

from emorec.datasets.manifest import Examples, read_prepared
from emorec.labels import EMOTIONS_8
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config import TrainConfig, load_config
from emorec.training.config_groups import AugmentationConfig
from emorec.training.fast_layers import fast_layers
from emorec.training.learning_rate import learning_rate
from emorec.training.optimizer import make_optimizer
from emorec.training.run_data import RunData, load
from emorec.training.run_model import build


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
    """Make a folder tree of links to the images of the examples, with all classes."""
    for name in examples.class_names:
        (folder / name).mkdir()
    for number, path in enumerate(examples.paths):
        place = folder / examples.class_names[examples.targets[number].argmax()]
        (place / f"{number}{path.suffix}").symlink_to(path.resolve())
    return folder


class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Records the time at the end of a training.

    After that, TensorFlow takes up to five seconds to close the iterator of a `fit`.
    """

    def on_train_end(self, logs: Any = None) -> None:
        self.ended = time.perf_counter(), time.process_time()


def timed(work: Callable[[Clock], object]) -> tuple[float, float]:
    """Measure the seconds, and those of the processor, to the end of the training of `work`."""
    clock = Clock()
    start = time.perf_counter(), time.process_time()
    work(clock)
    return clock.ended[0] - start[0], clock.ended[1] - start[1]


class Pipelines:
    """The pipelines of one architecture; each model is built when a pipeline first needs it."""

    def __init__(self, config: TrainConfig, data: RunData, folder: Path) -> None:
        self._config, self._data, self._folder = config, data, folder
        self._keras_config = config.model_copy(update={"precision": "float32"})
        self._steps = len(data.train.targets) // config.batch_size

    def train(self, name: str, clock: Clock) -> None:
        """Train one epoch with a pipeline."""
        getattr(self, f"_{name}")(clock)

    def _emorec(self, clock: Clock) -> None:
        self._fit_fast(clock, self._batches(AugmentedBatches))

    def _ceiling(self, clock: Clock) -> None:
        self._fit_fast(clock, *self._in_memory, batch_size=self._config.batch_size)

    def _keras(self, clock: Clock) -> None:
        batch = self._config.batch_size
        self._fit(self._plain, clock, *self._in_memory, batch_size=batch, shuffle=False)

    def _layers(self, clock: Clock) -> None:
        self._fit(self._with_layers, clock, self._files)

    def _generator(self, clock: Clock) -> None:
        size = self._data.train_images.shape[1]
        flow = self._image_data_generator.flow_from_directory(
            self._tree,
            target_size=(size, size),
            color_mode="grayscale",
            batch_size=self._config.batch_size,
        )
        self._fit(self._plain, clock, flow)

    def _layered(self, clock: Clock) -> None:
        self._fit_fast(clock, self._batches(LayeredBatches))

    def _fit(self, model: keras.Model, clock: Clock, *data: Any, **options: Any) -> None:
        model.fit(*data, callbacks=[clock], verbose=0, **options)

    def _fit_fast(self, clock: Clock, *data: Any, **options: Any) -> None:
        with fast_layers(self._model):
            self._fit(self._model, clock, *data, shuffle=False, **options)

    def _built(self, config: TrainConfig) -> keras.Model:
        return build(config, self._data.train.targets.shape[1], seed=0)

    @cached_property
    def _model(self) -> keras.Model:
        return compiled(self._built(self._config), self._config, self._steps)

    @cached_property
    def _plain(self) -> keras.Model:
        return compiled(self._built(self._keras_config), self._keras_config, self._steps)

    @cached_property
    def _with_layers(self) -> keras.Model:
        network = self._built(self._keras_config)
        image = keras.Input(network.input_shape[1:])
        x: Any = image
        for layer in random_layers(self._config.augmentation):
            x = layer(x)
        return compiled(keras.Model(image, network(x)), self._keras_config, self._steps)

    @cached_property
    def _in_memory(self) -> tuple[Any, Any]:
        return self._data.train_images.astype(np.float32), self._data.train.targets

    def _batches(self, kind: type[AugmentedBatches]) -> AugmentedBatches:
        config = self._config
        settings = BatchSettings(
            batch_size=config.batch_size,
            augmentation=config.augmentation,
            label_smoothing=config.label_smoothing,
            mixup=config.mixup,
        )
        return kind(self._data.train_images, self._data.train.targets, settings)

    @cached_property
    def _tree(self) -> Path:
        return tree_of(self._data.train, self._folder)

    @cached_property
    def _files(self) -> Any:
        size = self._data.train_images.shape[1]
        return keras.utils.image_dataset_from_directory(
            self._tree,
            image_size=(size, size),
            batch_size=self._config.batch_size,
            label_mode="categorical",
            color_mode="grayscale",
            verbose=False,
        ).prefetch(8)

    @cached_property
    def _image_data_generator(self) -> Any:
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        changes = self._config.augmentation
        brightness = (1 - changes.brightness, 1 + changes.brightness)
        return ImageDataGenerator(
            rotation_range=changes.rotation,
            zoom_range=changes.zoom,
            shear_range=changes.shear,
            width_shift_range=changes.shift,
            height_shift_range=changes.shift,
            horizontal_flip=changes.horizontal_flip,
            brightness_range=brightness if changes.brightness else None,
        )


def random_data(count: int, size: int) -> RunData:
    """Make images and targets that no file holds; the speed does not depend on their values."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, size, size, 1), dtype=np.uint8)
    classes = len(EMOTIONS_8)
    targets = np.eye(classes, dtype=np.float32)[generator.integers(0, classes, count)]
    examples = Examples([], targets, EMOTIONS_8)
    return RunData(examples, images, examples, images[:0])


def main() -> None:
    work = Work(**json.loads(sys.argv[1]))
    # As `emorec train` does.
    cv2.setNumThreads(1)
    config = load_config(None, {"arch": work.arch, "image_size": work.size, "weights": "none"})
    config = config.model_copy(update={"precision": work.precision})
    if work.data is None:
        data = random_data(work.images, work.size)
    else:
        examples = read_prepared(Path(work.data)).examples("train").limited(work.images)
        data = load(examples, examples.limited(1), work.size)
    with tempfile.TemporaryDirectory() as folder:
        pipelines = Pipelines(config, data, Path(folder))
        for line in sys.stdin:
            name = line.strip()
            seconds = timed(lambda clock, name=name: pipelines.train(name, clock))  # type: ignore[misc]
            print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
