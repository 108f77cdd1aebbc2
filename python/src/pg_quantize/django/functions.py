"""Distances to order by. Smaller is nearer; order ascending, or no index serves."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db.models import FloatField, Func, Value

from pg_quantize import arrays
from pg_quantize.django.fields import BinvecField, EmbeddingField, Int8vecField, Uint8vecField

_FIELDS: dict[str, Any] = {
    "binvec": BinvecField,
    "int8vec": Int8vecField,
    "uint8vec": Uint8vecField,
    "real[]": EmbeddingField,
}


class _Distance(Func):
    output_field = FloatField()
    template = "(%(expressions)s)"
    _query: Any = None

    def __init__(self, expression: Any, query: Any, **extra: Any):
        if not hasattr(query, "resolve_expression"):
            array = query if isinstance(query, np.ndarray) else np.asarray(query, dtype=np.float32)
            kind = self._query or arrays.kind_of(array)
            query = Value(array, output_field=_FIELDS[kind]())
        super().__init__(expression, query, **extra)


class CosineDistance(_Distance):
    """``<=>``"""

    arg_joiner = " <=> "


class L2Distance(_Distance):
    """``<->``"""

    arg_joiner = " <-> "


class L1Distance(_Distance):
    """``<+>``"""

    arg_joiner = " <+> "


class MaxInnerProduct(_Distance):
    """``<#>``: the negative inner product, so that the greatest comes first."""

    arg_joiner = " <#> "


class HammingDistance(_Distance):
    """``<~>``"""

    arg_joiner, _query = " <~> ", "binvec"


class JaccardDistance(_Distance):
    """``<%>``"""

    # Doubled, since a driver formats the statement once more.
    arg_joiner, _query = " <%%> ", "binvec"
