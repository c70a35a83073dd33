from pathlib import Path

import numpy as np
import pytest

from emorec.cli.export import export
from emorec.errors import ModelError
from emorec.export.graph import NEEDED
from emorec.export.runtimes import RUNTIME_FORMATS, ExportFormat


def test_every_format_has_an_exporter_and_a_choice_of_the_command() -> None:
    names = {"onnx", *RUNTIME_FORMATS}
    (option,) = (entry for entry in export.params if entry.name == "export_format")
    assert names == set(NEEDED) == set(option.type.choices)  # type: ignore[attr-defined]


def test_failures_of_a_runtime_become_model_errors() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("several\nlines")

    path, images = Path("model"), np.zeros((1, 2, 2, 1), np.float32)
    with pytest.raises(ModelError, match=r"^Test cannot load the exported model: several lines$"):
        ExportFormat("test", "Test", "", fail).open(path)  # type: ignore[arg-type]
    run = ExportFormat("test", "Test", "", lambda _: fail).open(path)  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelError, match=r"^Test cannot run the exported model: several lines$"):
        run(images)
