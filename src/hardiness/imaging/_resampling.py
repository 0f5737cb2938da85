"""Two-pass resampling of 8-bit images in fixed point, bit for bit as Pillow computes it.

The innermost sums are written as vector instructions, which numba's own vectoriser does not find. All of it stands in
one file because numba's cache of machine code notices changes in the file of the kernel that is called, and only there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from hardiness.imaging._compile import compiled

BOX, BILINEAR, HAMMING, BICUBIC, LANCZOS = range(5)

CHANNELS = 3

Taps = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]
"""For each output pixel of an axis: first input pixel, number of input pixels, their weights in fixed point."""

BYTE, INT32, INT64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)

FRACTION_BITS = 22
"""Bits behind the point of a weight: 32, less 8 for a pixel, less 2 for the sign and filters that overshoot."""


def _weighted_bytes(lanes: int) -> Any:
    """An operation ``(target, source, step, weights, where)`` for kernels, on ``lanes`` bytes at once.

    Writes ``target[to + i] = clip(round(sum_k weights[at + k] * source[start + i + k * step]), 0, 255)`` for ``k <
    taps`` and every ``i < lanes``, where ``(to, start, at, taps) = where``. All arrays are flat, ``uint8`` or, for the
    weights, ``int32`` in units of ``2**-FRACTION_BITS``. There must be at least one tap. All lanes are read and
    written, so both buffers must reach that far: nothing is checked. (Slices would say the same, at twice the time for
    a pixel.)
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def operation(_: Any, target: Any, source: Any, step: Any, weights: Any, where: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            to, start, at, taps = (builder.extract_value(values[4], i) for i in range(4))
            into, pixels, factors = (
                builder.gep(context.make_array(signature.args[i])(context, builder, values[i]).data, [offset])
                for i, offset in ((0, to), (1, start), (3, at))
            )
            sums = _sum_of_taps(builder, (pixels, values[2], factors, taps), lanes)
            chunk = _clipped(builder, sums, lanes)
            builder.store(chunk, builder.bitcast(into, chunk.type.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(target, source, types.intp, weights, types.UniTuple(types.intp, 4)), generate

    return operation


def _sum_of_taps(builder: Any, operands: tuple[Any, Any, Any, Any], lanes: int) -> Any:
    """A loop over the weights; its accumulators stay in one vector register."""
    source, step, weights, count = operands
    vector = ir.VectorType(INT32, lanes)
    before = builder.block
    loop, after = builder.append_basic_block("taps"), builder.append_basic_block("summed")
    builder.branch(loop)

    builder.position_at_end(loop)
    tap, total = builder.phi(INT64), builder.phi(vector)
    tap.add_incoming(INT64(0), before)
    total.add_incoming(vector([1 << (FRACTION_BITS - 1)] * lanes), before)  # one half, so that the shift rounds
    address = builder.bitcast(builder.gep(source, [builder.mul(tap, step)]), ir.VectorType(BYTE, lanes).as_pointer())
    pixels = builder.zext(builder.load(address, align=1), vector)
    undefined = vector(ir.Undefined)
    weight = builder.insert_element(undefined, builder.load(builder.gep(weights, [tap])), INT32(0))
    spread = builder.shuffle_vector(weight, undefined, vector([0] * lanes))
    next_total, next_tap = builder.add(total, builder.mul(pixels, spread)), builder.add(tap, INT64(1))
    tap.add_incoming(next_tap, loop)
    total.add_incoming(next_total, loop)
    builder.cbranch(builder.icmp_signed("<", next_tap, count), loop, after)

    builder.position_at_end(after)
    return next_total


def _clipped(builder: Any, sums: Any, lanes: int) -> Any:
    vector = ir.VectorType(INT32, lanes)
    low, high = vector([0] * lanes), vector([255] * lanes)
    whole = builder.ashr(sums, vector([FRACTION_BITS] * lanes))
    whole = builder.select(builder.icmp_signed("<", whole, low), low, whole)
    whole = builder.select(builder.icmp_signed(">", whole, high), high, whole)
    return builder.trunc(whole, ir.VectorType(BYTE, lanes))


weigh_pixel = _weighted_bytes(4)
"""For one pixel: its three channels and a byte that the next pixel overwrites."""

ROW_LANES = 16
weigh_row = _weighted_bytes(ROW_LANES)
"""For a stretch of a row, whatever its channels."""


@compiled
def _filter(kind: int, x: float) -> float:
    """The filter's weight at a distance of ``x`` pixels of the coarser grid."""
    if kind == BOX:
        return 1.0 if -0.5 < x <= 0.5 else 0.0
    x = abs(x)
    if kind == BILINEAR:
        return max(1.0 - x, 0.0)
    if kind == BICUBIC:  # Keys' cubic, a = -1/2
        if x < 1.0:
            return (1.5 * x - 2.5) * x * x + 1.0
        return (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5 if x < 2.0 else 0.0
    if x == 0.0:
        return 1.0
    angle = x * math.pi
    if kind == HAMMING:  # the two constants are single precision in Pillow
        window = np.float64(np.float32(0.54)) + np.float64(np.float32(0.46)) * math.cos(angle)
        return math.sin(angle) / angle * window if x < 1.0 else 0.0
    third = x / 3.0 * math.pi
    return math.sin(angle) / angle * (math.sin(third) / third) if x < 3.0 else 0.0


@compiled
def _support(kind: int) -> float:
    """Half the filter's width, in pixels of the coarser grid."""
    if kind == BOX:
        return 0.5
    if kind == BICUBIC:
        return 2.0
    return 3.0 if kind == LANCZOS else 1.0


@compiled
def _taps(old: int, new: int, first: int, count: int, kind: int) -> Taps:
    """The taps of the outputs ``first … first + count`` of an axis of ``old`` pixels resampled to ``new``."""
    scale = old / new
    stretch = max(scale, 1.0)
    support = _support(kind) * stretch
    starts, lengths = np.empty(count, np.int64), np.empty(count, np.int64)
    widest = math.ceil(support) * 2 + 1
    weights = np.zeros((count, widest), np.int32)
    exact = np.empty(widest)
    inverse = 1.0 / stretch
    for i in range(count):
        centre = (first + i + 0.5) * scale
        start = max(int(centre - support + 0.5), 0)
        length = min(int(centre + support + 0.5), old) - start
        total = 0.0
        for k in range(length):
            exact[k] = _filter(kind, (k + start - centre + 0.5) * inverse)
            total += exact[k]
        for k in range(length):
            share = exact[k] / total if total != 0.0 else exact[k]
            weights[i, k] = int(share * (1 << FRACTION_BITS) + (0.5 if share >= 0 else -0.5))
        starts[i], lengths[i] = start, length
    return starts, lengths, weights


@compiled
def _horizontal(rows: NDArray[np.uint8], first: int, taps: Taps) -> NDArray[np.uint8]:
    """Every row ``(N, old width * 3)`` at its new width, one after the other, and `ROW_LANES` unused bytes.

    ``first`` is the column at which the rows start.
    """
    starts, lengths, weights = taps
    factors, widest = weights.reshape(-1), weights.shape[1]
    count, old_bytes = rows.shape
    row_bytes = starts.size * CHANNELS
    result = np.empty(count * row_bytes + ROW_LANES, np.uint8)
    row = np.empty(old_bytes + 1, np.uint8)  # one byte more than a row, since pixels are read by fours
    for r in range(count):
        for i in range(old_bytes):
            row[i] = rows[r, i]
        for x in range(starts.size):
            to, start = r * row_bytes + x * CHANNELS, (starts[x] - first) * CHANNELS
            weigh_pixel(result, row, CHANNELS, factors, (to, start, x * widest, lengths[x]))
    return result


@compiled
def _vertical(rows: NDArray[np.uint8], row_bytes: int, first: int, taps: Taps) -> NDArray[np.uint8]:
    """The rows (flat, and `ROW_LANES` unused bytes) reduced or spread to the new height, in the same form.

    ``first`` is the number of the first row. What is read and written past a row's end is the start of the next row,
    which is written later, or the unused bytes.
    """
    starts, lengths, weights = taps
    factors, widest = weights.reshape(-1), weights.shape[1]
    result = np.empty(starts.size * row_bytes + ROW_LANES, np.uint8)
    for y in range(starts.size):
        source = (starts[y] - first) * row_bytes
        for at in range(0, row_bytes, ROW_LANES):
            weigh_row(result, rows, row_bytes, factors, (y * row_bytes + at, source + at, y * widest, lengths[y]))
    return result


@compiled
def resample(
    image: NDArray[np.uint8],
    size: tuple[int, int],
    window: tuple[int, int, int, int],
    kind: int,
    vertical_first: bool,
) -> NDArray[np.uint8]:
    """A window ``(top, left, height, width)`` of the image resampled to ``size`` (height, width).

    Only the rows and columns that the window needs are resampled; the result of the first pass is rounded to 8 bits,
    as Pillow's is, so the order of the passes matters.
    """
    old_height, old_width, _ = image.shape
    top, left, height, width = window
    x_taps = _taps(old_width, size[1], left, width, kind)
    y_taps = _taps(old_height, size[0], top, height, kind)
    first_row, last_row = y_taps[0][0], y_taps[0][-1] + y_taps[1][-1]
    first_column, last_column = x_taps[0][0], x_taps[0][-1] + x_taps[1][-1]
    if vertical_first:
        row_bytes = (last_column - first_column) * CHANNELS
        used = np.empty((last_row - first_row) * row_bytes + ROW_LANES, np.uint8)
        at = 0
        for y in range(first_row, last_row):
            for x in range(first_column, last_column):
                for c in range(CHANNELS):
                    used[at + c] = image[y, x, c]
                at += CHANNELS
        short = _vertical(used, row_bytes, first_row, y_taps)
        result = _horizontal(short[:-ROW_LANES].reshape(height, row_bytes), first_column, x_taps)
    else:
        rows = image[first_row:last_row].reshape(last_row - first_row, old_width * CHANNELS)
        result = _vertical(_horizontal(rows, 0, x_taps), width * CHANNELS, first_row, y_taps)
    return result[:-ROW_LANES].reshape(height, width, CHANNELS)
