"""Compares the input pipeline of `emorec train` with its upper bound and with Keras's pipelines.

For `compact` and mobilenetv3small (at 96) it prints images per second, medians of alternating runs:
  (a) the pipeline of `emorec train` with the augmentation of the architecture's own configuration,
  (b) the upper bound: the same compiled model on batches in memory, without augmentation, with the
      better of both settings of oneDNN,
  (c) image_dataset_from_directory, prefetch, and Keras's random layers inside the model,
  (d) Keras 2's ImageDataGenerator, which decodes and augments one image after the other,
  (e) as (a), with Keras's random layers over whole batches instead of OpenCV,
  (k) Keras as it comes: as (b), but with Keras's own layers, in float32, with TensorFlow's default,
and, for a frozen vgg16 at 48, epochs per second with and without the feature cache, including the
pass that computes the features. (c), (d) and (e) augment less than (a): no blur and no erasing. (d)
needs SciPy. (a), (b) and (e) train with the fast layers of `emorec train`, and in the precision of
the architecture's configuration (for `compact`, bfloat16 if the processor has it); (c), (d) and (k)
are Keras alone, in float32 and with TensorFlow's default of oneDNN. (a) and (e) use oneDNN as
`emorec train` does; a setting of the environment is ignored.

`--only networks` prints (a) and (k) and their ratio for every architecture.

`--avx2` limits oneDNN, which also computes TensorFlow's matrix products without it, to AVX2, and
takes the settings for such a processor: float32, and oneDNN off by default.

Each setting of oneDNN has its own process. A training is timed from the call of `fit` to the end of
its last epoch.

Examples: python scripts/bench_train.py FER-2013 --images 6400 --runs 5
          python scripts/bench_train.py FER-2013 --images 1280 --only networks --avx2
"""

import argparse
import os
import statistics
from collections.abc import Iterable, Sequence, Set
from contextlib import ExitStack
from pathlib import Path

from _training_process import LIMIT, TrainingProcess, Work, alternate

from emorec.datasets.manifest import read_prepared
from emorec.modeling.architecture_summary import architecture_summaries
from emorec.training.config import TrainConfig, load_config
from emorec.training.onednn import chosen_onednn, configure_onednn, default_onednn
from emorec.training.processor import processor_flags

TARGETS = {"a/b": 0.95, "a/d": 1.5, "a/c": 1.0, "a/k": 1.0}
COMPACT_TARGET = 1.6
"""Of (a)/(k), where TensorFlow's default leaves oneDNN off."""

CACHE_TARGET = 8.0
SIZES = {"compact": 48, "mobilenetv3small": 96}

PIPELINES = {
    "a": "emorec",
    "b": "ceiling",
    "c": "layers",
    "d": "generator",
    "e": "layered",
    "k": "keras",
}

Rates = dict[str, list[float]]


def print_ratio(name: str, ratio: float, target: float) -> None:
    result = "met" if ratio >= target else "MISSED"
    print(f"  {name} {ratio:.2f}, target {target:.2f}: {result}")


def configuration(arch: str, image_size: int | None, avx2: bool) -> TrainConfig:
    """Return the configuration of an architecture, with its precision on this processor."""
    overrides = {"arch": arch, "weights": "none"}
    config = load_config(None, overrides | ({"image_size": image_size} if image_size else {}))
    if avx2:
        precision = "float32"
    else:
        from emorec.training.precision import resolve_precision

        precision = resolve_precision(config.precision)
    size = config.image_size or architecture_summaries()[arch].default_size
    return config.model_copy(update={"precision": precision, "image_size": size})


def rates_of(
    names: Iterable[str], config: TrainConfig, work: Work, runs: int, flags: Set[str]
) -> Rates:
    """Measure images per second of some pipelines, in turn, each with its setting of oneDNN.

    Args:
        names: Keys of `PIPELINES`.
        config: Configuration of the architecture.
        work: What the processes train.
        runs: Number of timed epochs of each.
        flags: Instruction sets of the processor.

    Returns:
        The rates by name; those of (b) are of the better setting.
    """
    default, chosen = default_onednn(flags), chosen_onednn(config.arch, flags)
    settings: list[tuple[str, bool | None]] = []
    for name in names:
        if name == "b":
            # Only oneDNN computes bfloat16 fast.
            both = (True,) if config.precision == "bfloat16" else (True, False)
            settings += [(name, setting) for setting in both]
        else:
            settings.append((name, chosen if name in "ae" else default))
    with ExitStack() as stack:
        processes = {
            setting: stack.enter_context(TrainingProcess(work, setting))
            for setting in dict.fromkeys(setting for _, setting in settings)
        }
        times = alternate(
            runs, [(PIPELINES[name], processes[setting]) for name, setting in settings]
        )
    found: Rates = {}
    for (name, setting), seconds in zip(settings, times, strict=True):
        rates = [work.images / elapsed for elapsed, _ in seconds]
        print_rate(f"({name}){_ONEDNN[setting]}", rates)
        if name not in found or statistics.median(rates) > statistics.median(found[name]):
            found[name] = rates
    return found


_ONEDNN = {True: " with oneDNN", False: " without oneDNN", None: ""}


def print_rate(name: str, rates: Sequence[float]) -> None:
    spread = f"{min(rates):.0f} to {max(rates):.0f}"
    print(
        f"  {name:18} {statistics.median(rates):7.0f} images/s, median of {len(rates)} ({spread})"
    )


def print_ratios(rates: Rates, arch: str, flags: Set[str]) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for pair, target in TARGETS.items():
        one, other = pair.split("/")
        if other not in medians:
            continue
        if pair == "a/k" and arch == "compact" and default_onednn(flags) is False:
            target = COMPACT_TARGET
        print_ratio(f"({one})/({other})", medians[one] / medians[other], target)
    if "e" in medians:
        print(f"  (a)/(e) {medians['a'] / medians['e']:.2f}: above 1, OpenCV is faster")


def compare(
    arch: str,
    names: Iterable[str],
    arguments: argparse.Namespace,
    images: int,
    image_size: int | None = None,
) -> None:
    """Measure some pipelines of an architecture, and print the rates and their ratios."""
    config = configuration(arch, image_size, arguments.avx2)
    # Whole batches only: a smaller one at the end would be compiled again.
    count = images // config.batch_size * config.batch_size
    if not count:
        raise SystemExit(f"{arch} needs {config.batch_size} images or more; received {images}")
    size, flags = config.image_size, {"avx2"} if arguments.avx2 else processor_flags()
    assert size is not None
    print(
        f"{arch} at {size}, {count} images, batches of {config.batch_size}, {config.precision}, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    work = Work(arch, size, count, config.precision, str(arguments.data))
    print_ratios(rates_of(names, config, work, arguments.runs, flags), arch, flags)


def compare_feature_cache(arguments: argparse.Namespace) -> None:
    configure_onednn("vgg16")
    from _feature_cache_speed import feature_cache_rates

    examples = read_prepared(arguments.data).examples("train").limited(arguments.images)
    rates = feature_cache_rates(examples, arguments.plain_epochs)
    print_ratio("with the cache / without", rates[True] / rates[False], CACHE_TARGET)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a prepared data set")
    parser.add_argument("--images", type=int, help="number of training images; default: all")
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each pipeline")
    parser.add_argument("--only", choices=[*SIZES, "networks", "cache"], help="run only this part")
    parser.add_argument("--names", nargs="+", help="architectures of --only networks")
    parser.add_argument("--avx2", action="store_true", help="as on a processor with AVX2 alone")
    parser.add_argument(
        "--plain-epochs", type=int, default=3, help="epochs timed without the feature cache"
    )
    arguments = parser.parse_args()
    if arguments.avx2:
        os.environ[LIMIT] = "AVX2"
    available = len(read_prepared(arguments.data).examples("train").paths)
    images = min(arguments.images or available, available)
    # First: the others may import TensorFlow, which keeps its setting of oneDNN.
    if arguments.only in (None, "cache"):
        compare_feature_cache(arguments)
    if arguments.only == "networks":
        for arch in arguments.names or architecture_summaries():
            compare(arch, "ak", arguments, images)
    for arch in SIZES:
        if arguments.only in (None, arch):
            compare(arch, PIPELINES, arguments, images, SIZES[arch])


if __name__ == "__main__":
    main()
