"""psycopg 3: ``register(connection)`` or ``await register_async(connection)``, once per connection.

Afterwards ``binvec``, ``int8vec``, ``uint8vec``, ``quantized`` and ``real[]`` come as NumPy arrays, arrays may be parameters
(the dtype chooses the type: see :mod:`pg_quantize`) and rows of ``COPY`` in text and binary format.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
from psycopg.adapt import Buffer, Dumper, Loader, PyFormat
from psycopg.pq import Format
from psycopg.types import TypeInfo

from pg_quantize import arrays

__all__ = ["register", "register_async"]

_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname = 'pg_quantize'
"""

_FROM_BYTES = {
    "binvec": arrays.binvec_from_bytes,
    "int8vec": arrays.int8vec_from_bytes,
    "uint8vec": arrays.uint8vec_from_bytes,
    "quantized": arrays.quantized_from_bytes,
}
_FROM_TEXT = {
    "binvec": arrays.binvec_from_text,
    "int8vec": arrays.int8vec_from_text,
    "uint8vec": arrays.uint8vec_from_text,
    "quantized": arrays.quantized_from_text,
}


def register(connection: psycopg.Connection[Any], real_arrays: bool = True) -> None:
    """Teaches a connection the extension's types.

    :param real_arrays: whether ``real[]`` comes as a ``float32`` array too, instead of a list.
    :raises psycopg.ProgrammingError: when the database lacks the extension.
    """
    row = connection.execute(_SCHEMA).fetchone()
    schema = _schema(row)
    infos = {name: TypeInfo.fetch(connection, f'"{schema}".{name}') for name in _FROM_BYTES}
    _register(connection, infos, real_arrays)


async def register_async(connection: psycopg.AsyncConnection[Any], real_arrays: bool = True) -> None:
    """As :func:`register`, for an asynchronous connection."""
    cursor = await connection.execute(_SCHEMA)
    schema = _schema(await cursor.fetchone())
    infos = {name: await TypeInfo.fetch(connection, f'"{schema}".{name}') for name in _FROM_BYTES}
    _register(connection, infos, real_arrays)


def _schema(row: tuple[Any, ...] | None) -> str:
    if row is None:
        raise psycopg.ProgrammingError("this database lacks the extension: CREATE EXTENSION pg_quantize")
    return str(row[0]).replace('"', '""')


def _register(connection: Any, infos: dict[str, TypeInfo | None], real_arrays: bool) -> None:
    adapters = connection.adapters
    oids = {"real[]": arrays.FLOAT4_ARRAY_OID}
    for name, info in infos.items():
        if info is None:
            raise psycopg.ProgrammingError(f"this database lacks the type {name}")
        info.register(connection)
        oids[name] = info.oid
        adapters.register_loader(info.oid, _loader(_FROM_BYTES[name], Format.BINARY))
        adapters.register_loader(info.oid, _loader(_FROM_TEXT[name], Format.TEXT))
    if real_arrays:
        adapters.register_loader(arrays.FLOAT4_ARRAY_OID, _loader(arrays.real_from_bytes, Format.BINARY))
        adapters.register_loader(arrays.FLOAT4_ARRAY_OID, _loader(arrays.real_from_text, Format.TEXT))
    for kind, oid in oids.items():
        if kind != "quantized":
            adapters.register_dumper(None, _dumper_by_type(oid, kind))
    # Of two that fit, psycopg takes the one registered last.
    adapters.register_dumper(np.ndarray, _dumper(oids, Format.TEXT))
    adapters.register_dumper(np.ndarray, _dumper(oids, Format.BINARY))


def _loader(decode: Any, wire: Format) -> type[Loader]:
    class ArrayLoader(Loader):
        format = wire

        def load(self, data: Buffer) -> Any:
            raw = bytes(data)
            return decode(raw if wire is Format.BINARY else raw.decode("ascii"))

    return ArrayLoader


def _dumper(oids: dict[str, int], wire: Format) -> type[Dumper]:
    class ArrayDumper(Dumper):
        """Sends an array as the type that its dtype stands for."""

        format = wire

        def __init__(self, cls: type, context: Any = None, kind: str = "real[]"):
            super().__init__(cls, context)
            self.oid = oids[kind]

        def get_key(self, obj: Any, format: PyFormat) -> Any:
            return (self.cls, arrays.kind_of(obj))

        def upgrade(self, obj: Any, format: PyFormat) -> Dumper:
            return type(self)(self.cls, self.connection, arrays.kind_of(obj))

        def dump(self, obj: Any) -> bytes:
            return arrays.to_bytes(obj) if wire is Format.BINARY else arrays.to_text(obj).encode("ascii")

    return ArrayDumper


def _dumper_by_type(type_oid: int, kind: str) -> type[Dumper]:
    encode = {
        "binvec": arrays.binvec_to_bytes,
        "int8vec": arrays.int8vec_to_bytes,
        "uint8vec": arrays.uint8vec_to_bytes,
        "real[]": arrays.real_to_bytes,
    }[kind]

    class TypedDumper(Dumper):
        """Sends an array or a list where the type is known: ``COPY … (FORMAT BINARY)`` after ``set_types``."""

        oid = type_oid
        format = Format.BINARY

        def dump(self, obj: Any) -> bytes:
            encoded: bytes = encode(obj)  # type: ignore[operator]
            return encoded

    return TypedDumper
