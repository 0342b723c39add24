"""Bytes of one packed matrix, with its scales and zero points, by format.

Each function returns a function of rows (outputs) and columns (inputs). Formats are those that the
libraries store; the source of each is named.
"""

from __future__ import annotations

from collections.abc import Callable

Packing = Callable[[int, int], int]

HALF = 2  # bytes of a scale of 16 bits
_INT32, _FP32, _INT64, _BYTE = 4, 4, 8, 1
_BITS = 8


def _blocks(size: int, block: int | None) -> int:
    """Number of blocks that cover a size; one if the block is the whole."""
    return 1 if not block or block < 0 else -(-size // block)


def _words(values: int, bits: int) -> int:
    """Bytes of values packed into whole 32-bit words."""
    return -(-values * bits // 32) * _INT32


def plain(each: int) -> Packing:
    """Values of `each` bytes, not packed."""
    return lambda rows, columns: rows * columns * each


def mxfp4() -> Packing:
    """32 4-bit values in a row share a scale of one byte (OCP Microscaling Formats 1.0, 5.2).

    gpt-oss holds `blocks` of 16 bytes and `scales` (transformers, ``integrations/mxfp4.py``).
    """
    return lambda rows, columns: rows * _blocks(columns, 32) * (16 + 1)


def gptq(bits: int, group: int, scale: int) -> Packing:
    """Weights and zero points in 32-bit words, scales, and the group of each input (`g_idx`).

    AutoGPTQ and GPTQModel (``nn_modules/qlinear``): qweight [in x bits / 32, out], qzeros
    [groups, out x bits / 32], scales [groups, out] and g_idx [in].
    """

    def size(rows: int, columns: int) -> int:
        groups = _blocks(columns, group)
        packed = _words(columns, bits) * rows + groups * _words(rows, bits)
        return packed + groups * rows * scale + columns * _INT32

    return size


def awq(bits: int, group: int, scale: int) -> Packing:
    """As `gptq`, packed along the outputs, without `g_idx` (AutoAWQ, ``WQLinear_GEMM``)."""

    def size(rows: int, columns: int) -> int:
        groups = _blocks(columns, group)
        return (columns + groups) * _words(rows, bits) + groups * rows * scale

    return size


def scaled(
    bits: int,
    block: tuple[int | None, int | None],
    scale: int,
    *,
    scalars: int = 0,
) -> Packing:
    """Values of some bits and a scale for each block of rows x columns; None is all of them.

    Parameters
    ----------
    bits : int
        Packed into bytes along the columns.
    block : (int or None, int or None)
        (128, 128) is that of DeepSeek-V3 (arXiv 2412.19437, section 3.3.2), (1, None) a scale for
        each output, (None, None) one for the matrix, (1, 16) that of NVFP4.
    scale : int
        Bytes per scale.
    scalars : int
        Further single values of 4 bytes: a scale of activations, a second scale of NVFP4.
    """

    def size(rows: int, columns: int) -> int:
        scales = _blocks(rows, block[0]) * _blocks(columns, block[1])
        return rows * -(-columns * bits // _BITS) + scales * scale + scalars * _FP32

    return size


def bitsandbytes4(*, double: bool, block: int = 64) -> Packing:
    """4-bit values in blocks of 64, with their code of 16 floats (QLoRA, arXiv 2305.14314).

    Maxima of blocks are floats, or with double quantisation bytes, in blocks of 256 with a float
    each, an offset and a code of 256 floats (bitsandbytes, ``functional.QuantState``). The text in
    which a checkpoint keeps shape and type, 80 to 170 bytes for each matrix, is not counted.
    """

    def size(rows: int, columns: int) -> int:
        values = rows * columns
        blocks = _blocks(values, block)
        code = 16 * _FP32
        if not double:
            return -(-values // 2) + blocks * _FP32 + code
        nested = _blocks(blocks, 256) * _FP32 + 256 * _FP32
        return -(-values // 2) + blocks + nested + code

    return size


def bitsandbytes8() -> Packing:
    """8-bit values, a float for each output, and a byte that names the layout (LLM.int8())."""
    return lambda rows, columns: rows * columns + rows * _FP32 + _BYTE


def pack_quantized(
    bits: int,
    block: tuple[int | None, int | None],
    scale: int,
    *,
    zero_points: bool = False,
    index: bool = False,
) -> Packing:
    """32-bit words along the columns, scales, and the shape (compressed-tensors' format).

    Zero points are packed along the rows; the shape is two 64-bit integers; `index` is the group of
    each input (``weight_g_idx``).
    """

    def size(rows: int, columns: int) -> int:
        groups = _blocks(rows, block[0]) * _blocks(columns, block[1])
        found = rows * _words(columns, bits) + groups * scale + 2 * _INT64
        if zero_points:
            found += _words(_blocks(rows, block[0]), bits) * _blocks(columns, block[1])
        return found + (columns * _INT32 if index else 0)

    return size


def hqq(bits: int, group: int, scale: int, *, axis: int = 1) -> Packing:
    """Packed values, and a scale and a zero point for each group (hqq, ``core/quantize.py``).

    3 bits are packed by ten into a 32-bit word.
    """

    def size(rows: int, columns: int) -> int:
        values = rows * columns
        groups = _blocks(values, group) if group else (rows if axis else columns)
        packed = -(-values // 10) * _INT32 if bits == 3 else -(-values * bits // _BITS)
        return packed + 2 * groups * scale

    return size
