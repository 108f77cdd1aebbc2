"""SQLAlchemy 2: column types, distances as methods of columns, reflection.

Importing this module is enough for tables with the extension's types to be reflected without warnings. Values are NumPy arrays,
whatever the driver. ::

    class Document(Base):
        __tablename__ = "documents"
        id: Mapped[int] = mapped_column(primary_key=True)
        embedding: Mapped[np.ndarray] = mapped_column(Embedding(384))
        embedding_bin: Mapped[np.ndarray] = mapped_column(Binvec(384))
        __table_args__ = (Index("documents_embedding", "embedding", postgresql_using="qivf"),)

    select(Document).order_by(Document.embedding.cosine_distance(query)).limit(10)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

from pg_quantize import arrays

__all__ = ["Binvec", "Embedding", "Int8vec", "Quantized", "Uint8vec"]


class _Distances(UserDefinedType.Comparator[Any]):
    """The operators of the extension, by their names. Smaller is nearer; order ascending, or no index serves."""

    def _distance(self, operator: str, other: Any, as_type: Any = None) -> sa.ColumnElement[float]:
        if not isinstance(other, sa.ClauseElement) and not hasattr(other, "__clause_element__"):
            # Said explicitly: beside codes an untyped parameter would count as codes.
            kind = as_type or _type_for(other)
            other = sa.cast(sa.literal(other, kind), kind)
        return self.expr.op(operator, return_type=sa.Double())(other)

    def cosine_distance(self, other: Any) -> sa.ColumnElement[float]:
        """``<=>``"""
        return self._distance("<=>", other)

    def l2_distance(self, other: Any) -> sa.ColumnElement[float]:
        """``<->``"""
        return self._distance("<->", other)

    def l1_distance(self, other: Any) -> sa.ColumnElement[float]:
        """``<+>``"""
        return self._distance("<+>", other)

    def max_inner_product(self, other: Any) -> sa.ColumnElement[float]:
        """``<#>``: the negative inner product, so that the greatest comes first."""
        return self._distance("<#>", other)

    def hamming_distance(self, other: Any) -> sa.ColumnElement[float]:
        """``<~>``"""
        return self._distance("<~>", other, Binvec())

    def jaccard_distance(self, other: Any) -> sa.ColumnElement[float]:
        """``<%>``"""
        return self._distance("<%>", other, Binvec())


class _Vector(UserDefinedType[Any]):
    """A type of the extension: text on the way to and from the database, an array in Python."""

    cache_ok = True
    comparator_factory = _Distances
    _name: str
    _read: Any
    _dtype: Any

    def __init__(self, dimensions: int | None = None):
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:
        return self._name if self.dimensions is None else f"{self._name}({self.dimensions})"

    def bind_processor(self, dialect: Any) -> Any:
        dtype = self._dtype

        def process(value: Any) -> str | None:
            return value if value is None or isinstance(value, str) else arrays.to_text(np.asarray(value, dtype=dtype))

        return process

    def literal_processor(self, dialect: Any) -> Any:
        bind = self.bind_processor(dialect)
        return lambda value: "NULL" if value is None else f"'{bind(value)}'"

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        read = type(self)._read
        return lambda value: read(value) if isinstance(value, str) else value


class Binvec(_Vector):
    """``binvec(dimensions)``: a ``bool`` array."""

    cache_ok = True
    _name, _dtype, _read = "binvec", np.bool_, staticmethod(arrays.binvec_from_text)


class Int8vec(_Vector):
    """``int8vec(dimensions)``: an ``int8`` array."""

    cache_ok = True
    _name, _dtype, _read = "int8vec", np.int8, staticmethod(arrays.int8vec_from_text)


class Uint8vec(_Vector):
    """``uint8vec(dimensions)``: a ``uint8`` array."""

    cache_ok = True
    _name, _dtype, _read = "uint8vec", np.uint8, staticmethod(arrays.uint8vec_from_text)


class Quantized(_Vector):
    """``quantized``: what ``quantize_embeddings`` returns. It comes as an array; send the typed vectors instead."""

    cache_ok = True
    _name, _read = "quantized", staticmethod(arrays.quantized_from_text)

    def bind_processor(self, dialect: Any) -> Any:
        return None


class Embedding(_Vector):
    """``real[]``: a ``float32`` array. The database does not store the number of dimensions; it is checked here."""

    cache_ok = True
    _name, _dtype = "real[]", np.float32

    def get_col_spec(self, **_: Any) -> str:
        return "real[]"

    def bind_processor(self, dialect: Any) -> Any:
        def process(value: Any) -> str | None:
            if value is None or isinstance(value, str):
                return value
            array = np.asarray(value, dtype=np.float32)
            if self.dimensions is not None and array.shape[-1] != self.dimensions:
                raise ValueError(f"expected {self.dimensions} dimensions, not {array.shape[-1]}")
            return arrays.real_to_text(array)

        return process

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        def process(value: Any) -> Any:
            if value is None:
                return None
            return arrays.real_from_text(value) if isinstance(value, str) else np.asarray(value, dtype=np.float32)

        return process


def _type_for(value: Any) -> _Vector:
    kinds: dict[str, type[_Vector]] = {
        "binvec": Binvec,
        "int8vec": Int8vec,
        "uint8vec": Uint8vec,
        "real[]": Embedding,
    }
    array = value if isinstance(value, np.ndarray) else np.asarray(value, dtype=np.float32)
    return kinds[arrays.kind_of(array)]()


def _reflected(kind: type[_Vector]) -> Any:
    def make(*arguments: Any, **_: Any) -> _Vector:
        return kind(int(arguments[0]) if arguments and str(arguments[0]).isdigit() else None)

    return make


ischema_names.update({
    "binvec": _reflected(Binvec),
    "int8vec": _reflected(Int8vec),
    "uint8vec": _reflected(Uint8vec),
    "quantized": _reflected(Quantized),
})
