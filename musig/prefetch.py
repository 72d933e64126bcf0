"""What a processor can do and numba has no name for, for compiled loops.

A loop that reads short stretches in a known but scattered order waits for memory at every jump.
Naming the place a few jumps ahead lets the memory be on its way in time; nothing else changes.
A loop that looks for few numbers among many is quick when it compares many in one go.

Contents
--------
- :func:`prefetch`, :func:`above` and :func:`lowest`, to be called in functions compiled by numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 64
"""How many numbers :func:`above` compares in one go."""


@intrinsic
def prefetch(typing_context: Any, array: Any, position: Any) -> Any:
    """Ask for ``array[position]`` to be brought near; a position outside is harmless.

    Parameters
    ----------
    array : ndarray, one-dimensional
    position : int64

    Notes
    -----
    LLVM's ``llvm.prefetch`` for reading, to stay in the cache.
    Notebook: 04_music_graph
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), pointer)
        builder.call(hint, [place, number(0), number(3), number(1)])  # read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def above(typing_context: Any, array: Any, position: Any, threshold: Any) -> Any:
    """Which of ``array[position:position + LANES]`` exceed `threshold`: bit ``i`` for number ``i``.

    Parameters
    ----------
    array : ndarray of unsigned integers, one-dimensional, of at least ``position + LANES`` numbers
    position : int64
    threshold : of the type of `array`

    Notes
    -----
    A comparison of LLVM vectors: one or a few instructions, whatever the processor.
    Notebook: 04_music_graph
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        element, number = context.get_value_type(signature.args[0].dtype), ir.IntType(32)
        vector = ir.VectorType(element, LANES)
        undefined = ir.Constant(vector, ir.Undefined)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), vector.as_pointer())
        numbers = builder.load(place, align=element.width // 8)
        one = builder.insert_element(undefined, arguments[2], number(0))
        first = ir.Constant(ir.VectorType(number, LANES), [0] * LANES)
        limits = builder.shuffle_vector(one, undefined, first)
        return builder.bitcast(builder.icmp_unsigned(">", numbers, limits), ir.IntType(LANES))

    return types.uint64(array, types.int64, array.dtype), generate


@intrinsic
def lowest(typing_context: Any, bits: Any) -> Any:
    """Return the position of the lowest bit that is set.

    Parameters
    ----------
    bits : uint64, not 0

    Returns
    -------
    int64

    Notes
    -----
    LLVM's ``llvm.cttz``.
    Notebook: 04_music_graph
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate
