"""Model fields whose values are NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import models

from pg_quantize import arrays


class _VectorField(models.Field):
    """A column of one of the extension's types; ``dimensions`` becomes its type modifier."""

    _type: str
    _dtype: Any
    _read: Any

    def __init__(self, *args: Any, dimensions: int | None = None, **kwargs: Any):
        self.dimensions = dimensions
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.dimensions is not None:
            kwargs["dimensions"] = self.dimensions
        return name, path.replace("pg_quantize.django.fields", "pg_quantize.django"), args, kwargs

    def db_type(self, connection: Any) -> str:
        return self._type if self.dimensions is None else f"{self._type}({self.dimensions})"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return self.to_python(value)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, np.ndarray):
            return value
        if isinstance(value, str):
            return type(self)._read(value)
        return np.asarray(value, dtype=self._dtype)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return arrays.to_text(np.asarray(value, dtype=self._dtype))

    def value_to_string(self, obj: Any) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        # Said explicitly, so that neither driver takes the text for anything else.
        return f"%s::{self._type}"


class BinvecField(_VectorField):
    """``binvec(dimensions)``: a ``bool`` array."""

    _type, _dtype, _read = "binvec", np.bool_, staticmethod(arrays.binvec_from_text)


class Int8vecField(_VectorField):
    """``int8vec(dimensions)``: an ``int8`` array."""

    _type, _dtype, _read = "int8vec", np.int8, staticmethod(arrays.int8vec_from_text)


class Uint8vecField(_VectorField):
    """``uint8vec(dimensions)``: a ``uint8`` array."""

    _type, _dtype, _read = "uint8vec", np.uint8, staticmethod(arrays.uint8vec_from_text)


class EmbeddingField(_VectorField):
    """``real[]``: a ``float32`` array. The number of dimensions is checked here; the database does not store it."""

    _type, _dtype, _read = "real[]", np.float32, staticmethod(arrays.real_from_text)

    def db_type(self, connection: Any) -> str:
        return "real[]"

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        array = np.asarray(value, dtype=np.float32)
        if self.dimensions is not None and array.shape[-1] != self.dimensions:
            raise ValueError(f"expected {self.dimensions} dimensions, not {array.shape[-1]}")
        return arrays.real_to_text(array)
