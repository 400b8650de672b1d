"""Sixteen shocks side by side: one row of a table, one vector register, one cache line of float32.

A kernel that carries sixteen shocks reads each link once for all of them. What is written here as
`line(sent, i)`, `plus(total, part, a)` or `larger(a, b)` becomes one vector instruction under
numba (LLVM's own vectoriser was 4 times slower on these loops); without numba the same names work
on rows of numpy arrays, with the same numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.jit import HAVE_NUMBA

LANES = 16
Row = NDArray[np.floating[Any]]


def line(table: Row, row: int) -> Row:
    """The sixteen values of a row.

    >>> line(np.ones((2, 16)), 0).sum()
    np.float64(16.0)
    """
    return np.array(table[row])


def put(table: Row, row: int, values: Row) -> None:
    """Writes the sixteen values of a row.

    >>> table = np.zeros((1, 16))
    >>> put(table, 0, np.full(16, 0.5)); table.sum()
    np.float64(8.0)
    """
    table[row] = values


def level(like: Row, value: float) -> Row:
    """The value in each lane, of the kind of the table.

    >>> level(np.zeros((1, 16), np.float32), 0.5).dtype
    dtype('float32')
    """
    return np.full(LANES, value, dtype=like.dtype)


def larger(a: Row, b: Row) -> Row:
    """The larger in each lane.

    >>> larger(np.zeros(16), np.ones(16)).min()
    np.float64(1.0)
    """
    return np.maximum(a, b)


def smaller(a: Row, b: Row) -> Row:
    """The smaller in each lane.

    >>> smaller(np.zeros(16), np.ones(16)).max()
    np.float64(0.0)
    """
    return np.minimum(a, b)


def above(a: Row, threshold: float) -> bool:
    """Whether any lane is above the threshold.

    >>> above(np.arange(16.0), 14.5), above(np.arange(16.0), 15.0)
    (True, False)
    """
    return bool((a > threshold).any())


def minus(a: Row, b: Row) -> Row:
    """a - b in each lane.

    >>> minus(np.ones(16), np.ones(16)).any()
    np.False_
    """
    return a - b


def times(a: Row, b: Row) -> Row:
    """a * b in each lane.

    >>> times(np.ones(16), np.full(16, 0.5)).sum()
    np.float64(8.0)
    """
    return a * b


def over(a: Row, b: Row) -> Row:
    """a / b in each lane.

    >>> over(np.ones(16), np.full(16, 2.0)).sum()
    np.float64(8.0)
    """
    return a / b


def plus(total: Row, part: float, values: Row) -> Row:
    """total + part * values in each lane.

    >>> plus(np.ones(16), 0.5, np.ones(16)).sum()
    np.float64(24.0)
    """
    return total + part * values


def double(a: Row) -> Row:
    """The lanes as float64.

    >>> double(np.ones(16, np.float32)).dtype
    dtype('float64')
    """
    return a.astype(np.float64)


if HAVE_NUMBA:
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import types
    from numba.extending import intrinsic, models, overload, register_model

    FUSED = ("contract",)  # a product and a sum may be one instruction; nothing else is reordered
    _I32, _I64 = ir.IntType(32), ir.IntType(64)

    class _Lanes(types.Type):
        def __init__(self, dtype: Any) -> None:
            self.dtype = dtype
            super().__init__(name=f"Lanes({dtype})")

    @register_model(_Lanes)
    class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _vector(kind.dtype))

    def _vector(dtype: Any) -> Any:
        scalar = ir.FloatType() if dtype == types.float32 else ir.DoubleType()
        return ir.VectorType(scalar, LANES)

    def _address(context: Any, builder: Any, table: Any, value: Any, row: Any) -> Any:
        """Of the first lane of a row, as the address of a vector. Tables are C-contiguous."""
        data = context.make_array(table)(context, builder, value).data
        first = builder.gep(data, [builder.mul(row, ir.Constant(_I64, LANES))])
        return builder.bitcast(first, _vector(table.dtype).as_pointer())

    def _same(builder: Any, scalar: Any, vector: Any) -> Any:
        empty = ir.Constant(vector, ir.Undefined)
        one = builder.insert_element(empty, scalar, ir.Constant(_I32, 0))
        return builder.shuffle_vector(
            one, empty, ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
        )

    def _line(typing: Any, table: Any, row: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            at = _address(context, builder, table, *args)
            return builder.load(at, align=table.dtype.bitwidth // 8)

        return _Lanes(table.dtype)(table, types.uintp), code

    def _put(typing: Any, table: Any, row: Any, values: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            at = _address(context, builder, table, *args[:2])
            wide = args[2].type != at.type.pointee
            kept = builder.fptrunc(args[2], at.type.pointee) if wide else args[2]
            builder.store(kept, at, align=table.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.void(table, types.uintp, values), code

    def _level(typing: Any, like: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _same(builder, args[1], _vector(like.dtype))

        return _Lanes(like.dtype)(like, like.dtype), code

    def _each(name: str, order: str = "") -> Any:
        """An intrinsic of two lanes: by the name of LLVM's instruction, or the one `order`ed so."""

        def typed(typing: Any, a: Any, b: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                if order:
                    return builder.select(builder.fcmp_ordered(order, *args), *args)
                return getattr(builder, name)(*args, flags=FUSED)

            return a(a, a), code

        return intrinsic(typed)

    def _above(typing: Any, a: Any, threshold: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            over = builder.fcmp_ordered(">", args[0], _same(builder, args[1], args[0].type))
            lanes = builder.bitcast(over, ir.IntType(LANES))
            return builder.icmp_unsigned("!=", lanes, ir.Constant(lanes.type, 0))

        return types.boolean(a, a.dtype), code

    def _double(typing: Any, a: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            wide = _vector(types.float64)
            return args[0] if args[0].type == wide else builder.fpext(args[0], wide)

        return _Lanes(types.float64)(a), code

    def _plus(typing: Any, total: Any, part: Any, values: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            part = _same(builder, args[1], args[2].type)
            return builder.fadd(args[0], builder.fmul(part, args[2], flags=FUSED), flags=FUSED)

        return total(total, total.dtype, total), code

    _lines, _puts, _levels = intrinsic(_line), intrinsic(_put), intrinsic(_level)
    _aboves, _doubles, _pluses = intrinsic(_above), intrinsic(_double), intrinsic(_plus)
    _largest, _smallest = _each("", ">"), _each("", "<")
    _minuses, _products, _quotients = _each("fsub"), _each("fmul"), _each("fdiv")

    overload(line)(lambda table, row: lambda table, row: _lines(table, row))
    overload(put)(lambda table, row, values: lambda table, row, values: _puts(table, row, values))
    overload(level)(lambda like, value: lambda like, value: _levels(like, value))
    overload(larger)(lambda a, b: lambda a, b: _largest(a, b))
    overload(smaller)(lambda a, b: lambda a, b: _smallest(a, b))
    overload(above)(lambda a, threshold: lambda a, threshold: _aboves(a, threshold))
    overload(minus)(lambda a, b: lambda a, b: _minuses(a, b))
    overload(times)(lambda a, b: lambda a, b: _products(a, b))
    overload(over)(lambda a, b: lambda a, b: _quotients(a, b))
    overload(plus)(
        lambda total, part, values: lambda total, part, values: _pluses(total, part, values)
    )
    overload(double)(lambda a: lambda a: _doubles(a))
