"""A hint to the processor, for compiled loops that jump about in memory.

A loop that reads short stretches in a known but scattered order waits for memory at every jump.
Naming the place a few jumps ahead lets the memory be on its way in time; nothing else changes.

Contents
--------
- :func:`prefetch`, to be called in functions compiled by numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


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
