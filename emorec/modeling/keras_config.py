"""Check of a Keras configuration, and building of the model without memory for its weights."""

import math
from typing import Any

import keras

from emorec.errors import ModelError

MAX_OBJECTS = 20_000
"""Most layers, initializers and so on; DenseNet121 has 3500."""

MAX_LAYERS = 1000

MAX_DEPTH = 60

MAX_TENSOR = 2**24
"""Most values of the output of a layer, for one image."""

MAX_WORK = 2 * 10**11
"""Most multiply-adds for one image."""

_LAYERS = (
    "Activation Add Average AveragePooling2D BatchNormalization Concatenate Conv2D Cropping2D "
    "Dense DepthwiseConv2D Dropout ELU Flatten GaussianNoise GlobalAveragePooling2D "
    "GlobalMaxPooling2D InputLayer LayerNormalization LeakyReLU MaxPooling2D Maximum Multiply "
    "PReLU Permute ReLU "
    "Rescaling Reshape SeparableConv2D Softmax SpatialDropout2D Subtract UpSampling2D ZeroPadding2D"
)
_INITIALIZERS = (
    "Constant GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Ones "
    "RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"
)
_ALLOWED = {
    None: frozenset({"__ellipsis__", "__keras_tensor__", "__slice__"}),
    "keras": frozenset({"DTypePolicy", "Functional"}),
    "keras.constraints": frozenset({"MaxNorm", "NonNeg", "UnitNorm"}),
    "keras.initializers": frozenset(_INITIALIZERS.split(" ")),
    "keras.layers": frozenset(_LAYERS.split(" ")),
    "keras.regularizers": frozenset({"L1", "L1L2", "L2"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.src.ops.numpy": frozenset({"Add", "Flip", "GetItem", "Multiply", "Repeat", "Subtract"}),
}
"""What the architectures consist of, by module. None of it runs code from the file."""


def refuse_code(config: Any, source: str) -> None:
    """Check that a configuration consists of Keras's own plain layers and contains no code.

    Args:
        config: The parsed JSON.
        source: Name of the file, for messages.

    Raises:
        ModelError: It contains another object, or too many.
    """
    objects = layers = 0
    pending = [(config, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ModelError(f"{source}: refused, because its configuration is nested too deeply")
        if isinstance(value, list):
            pending += [(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            continue
        pending += [(item, depth + 1) for item in value.values()]
        name, module = value.get("class_name"), value.get("module")
        if name is None:
            continue
        known = isinstance(name, str) and isinstance(module, str | None)
        # The special values have a name and, in some versions of Keras, a module.
        if known and name.startswith("__"):
            module = None
        if not known or name not in _ALLOWED.get(module, ()):
            raise ModelError(
                f"{source}: refused, because it contains custom code or objects "
                f"({str(module)[:60]}.{str(name)[:60]}); only the layers of emorec's "
                "architectures are loaded"
            )
        objects += 1
        layers += module == "keras.layers"
    if objects > MAX_OBJECTS or layers > MAX_LAYERS:
        raise ModelError(f"{source}: refused, because it has {layers} layers; at most {MAX_LAYERS}")


def build(config: dict[str, Any], stored: int, source: str) -> keras.Model:
    """Build a model whose size is checked before memory is taken.

    Args:
        config: A configuration that passed `refuse_code`.
        stored: Number of weights that the file holds.
        source: Name of the file, for messages.

    Returns:
        The model with initial weights.

    Raises:
        ModelError: Keras cannot build it, it has more weights than the file, or it needs too much
            memory or time for an image.
    """
    try:
        # In this scope variables have a shape and no memory yet.
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(
                {**config, "compile_config": None}, safe_mode=True
            )
            _check_size(model, stored)
        with keras.StatelessScope():
            pass  # takes the memory at its end
    # For a hostile or damaged file Keras raises exceptions of many types.
    except Exception as error:
        keras.utils.clear_session()  # forgets the variables, or the next scope would take memory
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(f"{source}: Keras cannot load the model: {reason:.200}") from error
    return model


def _check_size(model: Any, stored: int) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(f"it is a {type(model).__name__}, not a model")
    weights = sum(math.prod(variable.shape) for variable in model.weights)
    if weights > stored:
        raise ValueError(f"it has {weights} weights, and the file holds {stored}")
    if _work(model) > MAX_WORK:
        raise ValueError(f"it needs more than {MAX_WORK:.0e} multiply-adds for one image")


def _work(model: keras.Model) -> int:
    """Estimate the multiply-adds for one image.

    Raises:
        ValueError: The output of a layer is too large.
    """
    work = 0
    for operation in model.operations:
        if isinstance(operation, keras.Model):
            work += _work(operation) * max(len(operation._inbound_nodes), 1)
            continue
        kernels = 1
        if isinstance(operation, keras.layers.Layer):
            kernels += sum(math.prod(w.shape) for w in operation.weights if len(w.shape) > 1)
            kernels += math.prod(getattr(operation, "pool_size", ()))
        for node in operation._inbound_nodes:
            for tensor in node.output_tensors:
                shape = [1 if length is None else length for length in tensor.shape]
                if math.prod(shape) > MAX_TENSOR:
                    raise ValueError(f"the layer {operation.name:.40} has the output {shape}")
                work += math.prod(shape) + kernels * math.prod(shape[:-1])
    return work
