#!/usr/bin/env python3
"""Writes a language model for tests: a llama with one small layer of random weights, as a GGUF file of
150 kB that is the same wherever it is made.

usage: tiny_model.py OUT.gguf

scripts/test-llm serves it with llama.cpp, so that the client of the program meets a server that nobody
here wrote. What the model says is noise. But it is noise that ends: quotes and brackets are likely to be
closed and the end of the text is never far, so an answer that the server holds to a JSON Schema is
whole after some dozen tokens, and one that it does not is over soon.

A token is a letter, or a byte of one that the vocabulary lacks, so tokens can be counted by looking at a
text. Needs the PyPI packages gguf and numpy.
"""
import pathlib
import string
import sys

import numpy
from gguf import MODEL_TENSOR, TENSOR_NAMES, GGUFWriter, TokenType

SEED = 2026
WIDTH, HEADS, LAYERS, INNER = 32, 2, 1, 64
CONTEXT = 16_384
TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}[assistant] "
)

# How much likelier than others some tokens are, as a difference of logits. Bytes are rare, so that the
# noise is mostly of letters, and a list or a text is rather ended than gone on with.
BYTE, CONTROL, LETTER, END = -5.0, -20.0, 0.0, 3.0
FAVOURED = {'"': 3.5, "]": 3.0, "}": 3.5, "{": 4.0, ",": -1.0, "\\": -3.0}


def vocabulary():
    """Every token with its kind and its favour; the end of the text is the third."""
    yield "<unk>", TokenType.UNKNOWN, CONTROL
    yield "<s>", TokenType.CONTROL, CONTROL
    yield "</s>", TokenType.CONTROL, END
    for byte in range(256):
        yield f"<0x{byte:02X}>", TokenType.BYTE, BYTE
    # The vocabulary spells a space as this mark.
    yield "\N{LOWER ONE EIGHTH BLOCK}", TokenType.NORMAL, LETTER
    for letter in string.ascii_letters + string.digits + string.punctuation + "áâãàçéêíóôõú":
        yield letter, TokenType.NORMAL, FAVOURED.get(letter, LETTER)


class Weights:
    """Random matrices from one seed. The first number of every token's vector is one and no layer changes
    it, so the first column of the last matrix favours tokens whatever was said before."""

    def __init__(self, writer):
        self.writer = writer
        self.random = numpy.random.default_rng(SEED)

    def put(self, kind, values, layer=None):
        name = TENSOR_NAMES[kind].format(bid=layer) + ".weight"
        self.writer.add_tensor(name, numpy.ascontiguousarray(values, dtype=numpy.float32))

    def noise(self, rows, columns, size=1.0):
        return self.random.standard_normal((rows, columns)) * size / columns**0.5

    def ends(self, favours):
        """What goes in and what comes out."""
        into = self.noise(len(favours), WIDTH, size=4.0)
        into[:, 0] = 1.0
        out = self.noise(len(favours), WIDTH, size=0.6)
        out[:, 0] = numpy.array(favours) / 1.5
        self.put(MODEL_TENSOR.TOKEN_EMBD, into)
        self.put(MODEL_TENSOR.OUTPUT_NORM, numpy.ones(WIDTH))
        self.put(MODEL_TENSOR.OUTPUT, out)

    def layer(self, number):
        wide, narrow = (INNER, WIDTH), (WIDTH, INNER)
        for kind, shape in (
            (MODEL_TENSOR.ATTN_Q, (WIDTH, WIDTH)),
            (MODEL_TENSOR.ATTN_K, (WIDTH, WIDTH)),
            (MODEL_TENSOR.ATTN_V, (WIDTH, WIDTH)),
            (MODEL_TENSOR.FFN_GATE, wide),
            (MODEL_TENSOR.FFN_UP, wide),
        ):
            self.put(kind, self.noise(*shape), number)
        for kind, shape in ((MODEL_TENSOR.ATTN_OUT, (WIDTH, WIDTH)), (MODEL_TENSOR.FFN_DOWN, narrow)):
            matrix = self.noise(*shape)
            matrix[0] = 0.0
            self.put(kind, matrix, number)
        for kind in (MODEL_TENSOR.ATTN_NORM, MODEL_TENSOR.FFN_NORM):
            self.put(kind, numpy.ones(WIDTH), number)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    unfinished = target.with_name(target.name + ".part")
    tokens, kinds, favours = zip(*vocabulary())

    writer = GGUFWriter(unfinished, "llama")
    writer.add_name("noise")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(tokens))
    writer.add_token_types(list(kinds))
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)

    weights = Weights(writer)
    weights.ends(favours)
    for number in range(LAYERS):
        weights.layer(number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    # Under its name last: whoever finds it finds all of it.
    unfinished.rename(target)


if __name__ == "__main__":
    main()
