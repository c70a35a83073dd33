"""Trains teachers, lets them label augmented images, and trains students on these labels.

The four commands, in this order; scripts/teachers/README.md describes the run:

  pack     write the images and votes of a prepared data set to one file
  teacher  train one teacher
  label    draw views of all training images and label them by the teachers or by a student
  student  train a student on the labelled views

Only `pack` needs emorec's packages; the others need PyTorch and NumPy, and emorec's checkout.

Example: python scripts/teachers/distill.py pack FER-2013 WORK/data.npz
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from distillation.command import run

from emorec.errors import ConfigError

if TYPE_CHECKING:
    from distillation.training_data import TrainingData

DATA, VIEWS = "data.npz", "views.npz"
"""Files of the work folder."""


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)

    pack = commands.add_parser("pack", help="write the data to one file")
    pack.add_argument("data", type=Path, help="folder of emorec prepare-data, with votes")
    pack.add_argument("target", type=Path, help=f"file to write: WORK/{DATA}")
    pack.add_argument("--fer2013", type=Path, help="fer2013.csv, for FER-2013's own labels")
    pack.add_argument("--ferplus", type=Path, help="fer2013new.csv, which names its images")

    teacher = commands.add_parser("teacher", help="train one teacher")
    teacher.add_argument("name", help="vgg, se-resnet, lite0 or dlib")
    teacher.add_argument("--pretrained", type=Path, help="folder of the pretrained weights")
    teacher.add_argument(
        "--random-weights", action="store_true", help="train lite0 or dlib without pretrained ones"
    )
    teacher.add_argument("--fold", type=int, help="fold of images to leave out, from 0")

    label = commands.add_parser("label", help="label views of the training images")
    label.add_argument("--views", type=count, default=40, help="number of views (default: 40)")
    label.add_argument("--teachers", help="names to use alone, separated by commas")
    label.add_argument("--out", type=Path, help="file to write: teacher_probabilities.npz")
    label.add_argument("--student", type=Path, help="label by this student, not by teachers")
    label.add_argument("--plain", type=Path, help="with --student: teacher_probabilities.npz")

    student = commands.add_parser("student", help="train one student")
    student.add_argument("name", help="compact, compact-held-out or nano")
    student.add_argument("target", type=Path, help="file to write: STUDENT.npz")

    for command in (teacher, label, student):
        command.add_argument(
            "--work", type=Path, required=True, help=f"folder with {DATA}, the teachers and views"
        )
        command.add_argument("--device", help="cpu or cuda (default: cuda if present)")
        command.add_argument("--seed", type=int, help="default: 0 for teachers, 7 for students")
    for command in (teacher, label):
        command.add_argument("--folds", type=count, help="number of folds (default: no folds)")
    for command in (teacher, student):
        command.add_argument("--epochs", type=positive, help="default: those of the table")
        command.add_argument("--seconds", type=positive, help="train for this time instead")
        command.add_argument("--batch", type=count, help="default: that of the table")
    return parser.parse_args()


def require_known(what: str, name: str, table: dict[str, object]) -> None:
    if name not in table:
        raise ConfigError(f"unknown {what} {name!r:.40}; known: {', '.join(table)}")


def read(options: argparse.Namespace) -> "TrainingData":
    import torch
    from distillation.training_data import read_data

    # Matrix products in TensorFloat-32; the teachers compute in bfloat16 anyway.
    torch.set_float32_matmul_precision("high")
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ConfigError(f"--device must be cpu, or cuda where PyTorch has it; received {device}")
    return read_data(options.work / DATA, device)


def pack(options: argparse.Namespace) -> None:
    from distillation import packing

    if options.target.suffix != ".npz":
        raise ConfigError(f"the file to write must end in .npz; received {options.target}")
    if (options.fer2013 is None) != (options.ferplus is None):
        raise ConfigError("--fer2013 and --ferplus are needed together; received one of them")
    counts = packing.pack(options.data, options.target, options.fer2013, options.ferplus)
    print(", ".join(f"{name}: {number}" for name, number in counts.items()))


def teacher(options: argparse.Namespace) -> None:
    from distillation.teachers import BATCH, TEACHERS, train_teacher

    require_known("teacher", options.name, dict(TEACHERS))
    folds = options.folds
    if (options.fold is None) != (folds is None) or (folds and not 0 <= options.fold < folds):
        raise ConfigError(
            "a teacher that leaves out a fold needs --folds, at least 2, and --fold, from 0 to one "
            f"less; received --folds {folds} --fold {options.fold}"
        )
    wanted = TEACHERS[options.name].is_pretrained and not options.random_weights
    if wanted and options.pretrained is None:
        raise ConfigError(f"{options.name} needs --pretrained FOLDER, or --random-weights")
    path = train_teacher(
        options.name,
        read(options),
        options.work,
        pretrained=options.pretrained if wanted else None,
        epochs=options.epochs,
        seconds=options.seconds,
        seed=options.seed or 0,
        batch=options.batch or BATCH,
        fold=options.fold,
        folds=folds or 1,
    )
    print(path)


def label(options: argparse.Namespace) -> None:
    from distillation import labelling
    from distillation.teachers import TEACHERS

    seed, views = options.seed or 0, options.work / VIEWS
    if options.student is not None:
        if options.plain is None or options.out or options.folds or options.teachers:
            raise ConfigError("--student needs --plain, and excludes --out, --folds and --teachers")
        labelling.label_by_student(
            read(options), options.student, options.plain, options.views, views, seed
        )
        return
    if options.out is None or options.out.suffix != ".npz":
        raise ConfigError(f"--out must name a file that ends in .npz; received {options.out}")
    names = tuple(options.teachers.split(",")) if options.teachers else ()
    for name in names:
        require_known("teacher", name, dict(TEACHERS))
    labelling.label_by_teachers(
        read(options), options.work, options.out, options.views, views, seed, options.folds, names
    )


def student(options: argparse.Namespace) -> None:
    from distillation.soft_labels import load_views
    from distillation.students import RECIPES, train_student

    require_known("student", options.name, dict(RECIPES))
    if options.target.suffix != ".npz":
        raise ConfigError(f"the file to write must end in .npz; received {options.target}")
    data = read(options)
    train_student(
        options.name,
        data,
        load_views(options.work / VIEWS, data),
        options.target,
        epochs=options.epochs,
        seconds=options.seconds,
        seed=7 if options.seed is None else options.seed,
        batch=options.batch,
    )


def main() -> None:
    options = parsed()
    {"pack": pack, "teacher": teacher, "label": label, "student": student}[options.command](options)


if __name__ == "__main__":
    run(main)
