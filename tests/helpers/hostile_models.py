"""Hostile ONNX and .keras files: each asks for much memory or time, or breaks a parser."""

import io
import itertools
import json
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from emorec import resources
from emorec.metadata import METADATA_KEY
from helpers.onnx_models import METADATA, set_metadata, tiny_model

LARGE = 2**40


def _with_nodes(nodes: list[onnx.NodeProto], result: str = "", **constants: Any) -> onnx.ModelProto:
    """Add nodes in front of a tiny model, and a result of theirs to its logits."""
    model = tiny_model()
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    own = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *own])
    if result:
        (product,) = [node for node in model.graph.node if "logits" in node.output]
        product.output[0] = "product"
        last = list(model.graph.node)[-2:]
        del model.graph.node[-2:]
        axes = {"keepdims": 0}
        model.graph.node.append(helper.make_node("ReduceMax", [result], ["extra"], **axes))
        model.graph.node.append(helper.make_node("Add", ["product", "extra"], ["logits"]))
        model.graph.node.extend(last)
    return model


def _loop() -> onnx.ModelProto:
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["flag"], ["again"])],
        "body",
        [helper.make_tensor_value_info("trip", TensorProto.INT64, []), flag],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, [])],
    )
    node = helper.make_node("Loop", ["trips", "go"], [], body=body)
    return _with_nodes([node], trips=np.int64(2**62), go=np.bool_(True))


def _if() -> onnx.ModelProto:
    output = helper.make_tensor_value_info("o", TensorProto.FLOAT, [])
    branch = helper.make_graph([helper.make_node("Identity", ["one"], ["o"])], "b", [], [output])
    node = helper.make_node("If", ["go"], ["x"], then_branch=branch, else_branch=branch)
    return _with_nodes([node], "x", go=np.bool_(True), one=np.float32(1))


def _doubling() -> onnx.ModelProto:
    names = ["one", *(f"x{n}" for n in range(40))]
    nodes = [
        helper.make_node("Concat", [old, old], [new], axis=0)
        for old, new in itertools.pairwise(names)
    ]
    return _with_nodes(nodes, "x39", one=np.float32([1]))


def _products() -> onnx.ModelProto:
    nodes = [helper.make_node("MatMul", ["column", "row"], ["x0"])]
    nodes += [helper.make_node("MatMul", [f"x{n}", "x0"], [f"x{n + 1}"]) for n in range(30)]
    ones = np.ones((3000, 1), np.float32)
    return _with_nodes(nodes, "x30", column=ones, row=ones.T.copy())


def _kernels() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "kernel"], ["wide"]),
    ]
    return _with_nodes(nodes, "wide", kernel=np.ones((100_000, 1, 1, 1), np.float32))


def _window() -> onnx.ModelProto:
    size = 10**9
    pool = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[size, size], pads=[size - 1] * 4)
    return _with_nodes(
        [helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2]), pool], "y"
    )


def _stated_shape() -> onnx.ModelProto:
    """A free dimension is stated to be long; ONNX Runtime computes constants from that."""
    nodes = [
        helper.make_node("Identity", ["image"], ["same"]),
        helper.make_node("Shape", ["same"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
    ]
    model = _with_nodes(nodes, "zeros")
    model.graph.value_info.append(
        helper.make_tensor_value_info("same", TensorProto.FLOAT, [2**20, 48, 48, 1])
    )
    return model


def _changed(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    model = tiny_model()
    change(model)
    return model


def _external(model: onnx.ModelProto) -> None:
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def _function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Identity", ["a"], ["b"])
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], opset))


def _sparse(model: onnx.ModelProto) -> None:
    tensor = model.graph.sparse_initializer.add()
    tensor.dims.extend([LARGE])


def _without_numbers(model: onnx.ModelProto) -> None:
    model.graph.initializer.add(name="huge", data_type=TensorProto.FLOAT, dims=[LARGE])


def _metadata(**changes: Any) -> onnx.ModelProto:
    text = json.dumps(json.loads(METADATA.to_json()) | changes)
    return _changed(lambda model: set_metadata(model, text))


def onnx_files() -> dict[str, bytes]:
    """Make hostile emotion models by name."""
    node = helper.make_node
    long = np.int64([LARGE])
    models = {
        "loop": _loop(),
        "if": _if(),
        "custom-domain": _with_nodes([node("Own", ["image"], ["x"], domain="com.evil")], "x"),
        "unknown-operator": _with_nodes([node("NonZero", ["image"], ["x"])]),
        "constant-of-shape": _with_nodes([node("ConstantOfShape", ["n"], ["x"])], "x", n=long),
        "expand": _with_nodes([node("Expand", ["one", "n"], ["x"])], "x", one=np.ones(1), n=long),
        "tile": _with_nodes([node("Tile", ["one", "n"], ["x"])], "x", one=np.ones(1), n=long),
        "range": _with_nodes(
            [node("Range", ["a", "b", "c"], ["x"])],
            "x",
            a=np.int64(0),
            b=np.int64(LARGE),
            c=np.int64(1),
        ),
        "pad": _with_nodes(
            [node("Pad", ["one", "n"], ["x"])],
            "x",
            one=np.ones(1, np.float32),
            n=np.int64([0, LARGE]),
        ),
        "resize": _with_nodes(
            [node("Resize", ["image", "", "s"], ["x"])], "x", s=np.float32([1, 1e4, 1e4, 1])
        ),
        "doubling": _doubling(),
        "products": _products(),
        "kernels": _kernels(),
        "window": _window(),
        "stated-shape": _stated_shape(),
        "cast-to-text": _with_nodes([node("Cast", ["image"], ["x"], to=TensorProto.STRING)]),
        "many-nodes": _with_nodes([node("Identity", ["image"], [f"x{n}"]) for n in range(20_000)]),
        "external-data": _changed(_external),
        "function": _changed(_function),
        "sparse": _changed(_sparse),
        "without-numbers": _changed(_without_numbers),
        "temperature": _metadata(temperature=5e-324),
        "surrogate-name": _metadata(name="a\ud800"),
        "infinite-margin": _metadata(crop_margin=float("inf")),
    }
    files = {name: model.SerializeToString() for name, model in models.items()}
    whole = tiny_model().SerializeToString()
    two = tiny_model()
    two.ClearField("metadata_props")
    return {
        **files,
        "two-graphs": whole + two.SerializeToString(),
        "cut": whole[:-50] if METADATA_KEY.encode() in whole[:-50] else whole[:200],
        "long-varint": whole + b"\x08" + b"\xff" * 30,
    }


def foreign_files() -> dict[str, bytes]:
    """Make hostile models without metadata of emorec by name."""
    of_metadata = ("temperature", "surrogate-name", "infinite-margin")
    key = METADATA_KEY.encode()
    return {
        name: content.replace(key, key[::-1])
        for name, content in onnx_files().items()
        if name not in of_metadata
    }


def detector_files() -> dict[str, bytes]:
    """Make hostile face detectors by name."""
    every = onnx_files()
    return {name: every[name] for name in ("loop", "expand", "resize", "kernels", "cut")}


def _members() -> dict[str, bytes]:
    with zipfile.ZipFile(resources.shipped_keras_model()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _large_weights(members: dict[str, bytes]) -> bytes:
    """Return a file whose weights unpack to 576 MiB of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            if name != "model.weights.h5":
                archive.writestr(name, data)
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(36):
                member.write(bytes(2**24))
    return buffer.getvalue()


def _weights(fill: Callable[[h5py.File], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path.read_bytes()


def _bomb_of_zeros(size: int) -> tuple[bytes, int]:
    """Return a deflate stream of `size` zeros and their CRC, made of one repeated block."""
    block = bytes(2**24)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + repeated * (size // len(block) - 1) + b"\x03\x00", 0


def _zip_of_stream(name: str, stream: bytes, stated: int) -> bytes:
    """Make a zip file of one deflated member whose stated size may be wrong."""
    raw = name.encode()
    common = struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, 0, len(stream), stated, len(raw), 0)
    local = b"PK\x03\x04" + common + raw + stream
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common
    central += struct.pack("<HHHLL", 0, 0, 0, 0, 0) + raw
    return (
        local
        + central
        + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)
    )


def _layer(config: dict[str, Any], number: int) -> dict[str, Any]:
    return config["config"]["layers"][number]


def _one_layer(kind: str, **settings: Any) -> bytes:
    """Return the configuration of a model of one layer."""
    layers = [
        {
            "module": "keras.layers",
            "class_name": "InputLayer",
            "config": {"batch_shape": [None, 48, 48, 1], "dtype": "float32", "name": "image"},
            "name": "image",
            "inbound_nodes": [],
        },
        {
            "module": "keras.layers",
            "class_name": kind,
            "config": {"name": "x", **settings},
            "name": "x",
            "inbound_nodes": [
                {
                    "args": [
                        {
                            "class_name": "__keras_tensor__",
                            "config": {
                                "shape": [None, 48, 48, 1],
                                "dtype": "float32",
                                "keras_history": ["image", 0, 0],
                            },
                        }
                    ],
                    "kwargs": {},
                }
            ],
        },
    ]
    return json.dumps(
        {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": {
                "name": "m",
                "layers": layers,
                "input_layers": [["image", 0, 0]],
                "output_layers": [["x", 0, 0]],
            },
            "registered_name": "Functional",
        }
    ).encode()


def keras_files() -> dict[str, bytes]:
    """Make hostile .keras files by name."""
    members = _members()
    config = json.loads(members["config.json"])

    def changed(**parts: bytes) -> bytes:
        names = {"config": "config.json", "weights": "model.weights.h5", "metadata": "emorec.json"}
        return _archive(members | {names[key]: data for key, data in parts.items()})

    def planted(value: Any) -> bytes:
        own = json.loads(members["config.json"])
        _layer(own, 1)["config"]["deep"] = [value]
        return changed(config=json.dumps(own).encode())

    compressed = {"chunks": (2**20,), "compression": "gzip"}
    two_gb = 2**29
    zeros, _ = _bomb_of_zeros(2**30)
    deflated = _archive(members, zipfile.ZIP_DEFLATED)
    at = deflated.index(b"config.json") + 300
    entry = b"PK\x01\x02\x14\x03\x14\x00"
    nested = config
    for _ in range(40):
        nested = {"a": [nested]}
    return {
        "large-weights": _large_weights(members),
        "large-config": _zip_of_stream("config.json", zeros, 2**30),
        "unpacks-to-more-than-stated": _zip_of_stream("config.json", zeros, 1000),
        "gzip-data-set": changed(
            weights=_weights(lambda f: f.create_dataset("a", (two_gb,), "f4", **compressed))
        ),
        "empty-data-set": changed(
            weights=_weights(lambda f: f.create_dataset("a", (two_gb,), "f4"))
        ),
        "text-data-set": changed(
            weights=_weights(lambda f: f.create_dataset("a", (3,), h5py.string_dtype()))
        ),
        "external-link": changed(
            weights=_weights(lambda f: f.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/")))
        ),
        "cycle": changed(weights=_weights(lambda f: f.create_group("a").__setitem__("b", f["/"]))),
        "no-hdf5": changed(weights=b"hello"),
        "class-name-list": planted({"module": "keras.layers", "class_name": ["Dense"]}),
        "class-name-dict": planted({"module": "keras.layers", "class_name": {"a": 1}}),
        "lambda": planted({"module": "keras.layers", "class_name": "Lambda", "config": {}}),
        "recurrent": planted({"module": "keras.layers", "class_name": "GRU", "config": {}}),
        "nested": changed(config=json.dumps(nested).encode()),
        "many-brackets": changed(config=b"[" * 10**6),
        "config-list": changed(config=b"[1, 2]"),
        "huge-dense": changed(config=_one_layer("Dense", units=10**10)),
        "huge-padding": changed(config=_one_layer("ZeroPadding2D", padding=10**6)),
        "huge-kernel": changed(config=_one_layer("Conv2D", filters=10**6, kernel_size=40)),
        "huge-upsampling": changed(config=_one_layer("UpSampling2D", size=10**5)),
        "many-layers": changed(
            config=json.dumps(
                [{"module": "keras.layers", "class_name": "ReLU", "config": {}}] * 5000
            ).encode()
        ),
        "other-member": _archive(members | {"assets/a.txt": b"x"}),
        "many-members": _archive(members | {f"{n}": b"" for n in range(30_000)}),
        "broken-deflate": deflated[:at] + b"\xff" * 100 + deflated[at + 100 :],
        "encrypted": _archive(members).replace(entry + b"\x00", entry + b"\x01"),
        "temperature": changed(
            metadata=json.dumps(
                json.loads(members["emorec.json"]) | {"temperature": 5e-324}
            ).encode()
        ),
    }
