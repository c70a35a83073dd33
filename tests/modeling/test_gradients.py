import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import backends

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, keras, numpy as np
from emorec.modeling.gradients import output_gradients

image = keras.Input((3,))
hidden = keras.layers.Dense(2, activation="relu", name="hidden")(image)
# In training, the dropout would change the result.
output = keras.layers.Dense(2, name="output")(keras.layers.Dropout(0.5)(hidden))
model = keras.Model(image, output)
model.get_layer("hidden").set_weights([np.array([[1, 2], [3, -4], [0, 5.0]]), np.zeros(2)])
model.get_layer("output").set_weights([np.array([[1, 10], [1, 100.0]]), np.zeros(2)])
inputs = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
found = [output_gradients(model, inputs, column) for column in range(2)]
assert all(gradients.dtype == np.float32 for gradients in found)
print(json.dumps([gradients.tolist() for gradients in found]))
"""

EXPECTED = [[[3, -1, 5], [1, 3, 0]], [[210, -370, 500], [10, 30, 0]]]
"""The second hidden unit of the second row is negative, so it has no gradient."""


@pytest.mark.parametrize(
    "backend",
    [
        "tensorflow",
        pytest.param("jax", marks=pytest.mark.slow),
        pytest.param("torch", marks=pytest.mark.slow),
    ],
)
def test_gradients_by_the_chain_rule(backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    backends.needs(backend)
    if backend == os.environ["KERAS_BACKEND"]:
        exec(compile(PROGRAM, "program", "exec"), {})
        printed = capsys.readouterr().out
    else:
        printed = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    np.testing.assert_allclose(json.loads(printed), EXPECTED)
