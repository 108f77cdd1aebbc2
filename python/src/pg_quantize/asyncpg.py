"""asyncpg: ``await register(connection)``, once per connection (or as ``init=register`` of a pool).

Afterwards ``binvec``, ``int8vec``, ``uint8vec`` and ``quantized`` come as NumPy arrays, and arrays may be parameters. asyncpg lets
nobody replace how it reads arrays, so ``real[]`` comes as a list of floats: ``numpy.asarray(value, dtype="float32")``. As a
parameter a NumPy array is taken for ``real[]`` as it is.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import numpy as np

from pg_quantize import arrays

__all__ = ["register"]

_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname = 'pg_quantize'
"""

_CODECS: dict[str, tuple[Any, Any]] = {
    "binvec": (arrays.binvec_to_bytes, arrays.binvec_from_bytes),
    "int8vec": (arrays.int8vec_to_bytes, arrays.int8vec_from_bytes),
    "uint8vec": (arrays.uint8vec_to_bytes, arrays.uint8vec_from_bytes),
}


async def register(connection: Any) -> None:
    """Teaches a connection the extension's types.

    :raises asyncpg.UndefinedObjectError: when the database lacks the extension.
    """
    schema = await connection.fetchval(_SCHEMA)
    if schema is None:
        raise asyncpg.UndefinedObjectError("this database lacks the extension: CREATE EXTENSION pg_quantize")
    for name, (encode, decode) in _CODECS.items():
        await connection.set_type_codec(
            name, schema=schema, encoder=_array(encode), decoder=decode, format="binary"
        )
    await connection.set_type_codec(
        "quantized", schema=schema, encoder=bytes, decoder=arrays.quantized_from_bytes, format="binary"
    )


def _array(encode: Any) -> Any:
    def encoder(value: Any) -> bytes:
        encoded: bytes = encode(np.asarray(value))
        return encoded

    return encoder
