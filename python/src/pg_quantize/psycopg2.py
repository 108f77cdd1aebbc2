"""psycopg2: ``register(connection)``, once per connection.

Afterwards ``binvec``, ``int8vec``, ``uint8vec``, ``quantized`` and ``real[]`` come as NumPy arrays. Arrays may be parameters of every
connection of the program, since psycopg2 knows adapters by Python's type only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg2
import psycopg2.extensions as extensions

from pg_quantize import arrays

__all__ = ["register"]

_TYPES = """
SELECT t.typname, t.oid, pg_catalog.format('%%I.%%I', n.nspname, t.typname)
FROM pg_catalog.pg_extension x
    JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
    JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid
WHERE x.extname = 'pg_quantize' AND t.typname = ANY (%s)
"""

_DECODERS: dict[str, Any] = {
    "binvec": arrays.binvec_from_text,
    "int8vec": arrays.int8vec_from_text,
    "uint8vec": arrays.uint8vec_from_text,
    "quantized": arrays.quantized_from_text,
}


def register(connection: Any, real_arrays: bool = True) -> None:
    """Teaches a connection the extension's types.

    :param real_arrays: whether ``real[]`` comes as a ``float32`` array too, instead of a list.
    :raises psycopg2.ProgrammingError: when the database lacks the extension.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TYPES, (list(_DECODERS),))
        rows = cursor.fetchall()
    if len(rows) < len(_DECODERS):
        raise psycopg2.ProgrammingError("this database lacks the extension: CREATE EXTENSION pg_quantize")
    names = {"real[]": "pg_catalog.float4[]"}
    for name, oid, qualified in rows:
        names[name] = qualified
        _register(connection, oid, name, _DECODERS[name])
    if real_arrays:
        _register(connection, arrays.FLOAT4_ARRAY_OID, "real[]", arrays.real_from_text)
    extensions.register_adapter(np.ndarray, _adapter(names))


def _register(connection: Any, oid: int, name: str, decode: Any) -> None:
    def cast(value: str | None, cursor: Any) -> Any:
        return None if value is None else decode(value)

    extensions.register_type(extensions.new_type((oid,), name.upper(), cast), connection)


def _adapter(names: dict[str, str]) -> Any:
    def adapt(array: Any) -> Any:
        return extensions.AsIs(f"'{arrays.to_text(array)}'::{names[arrays.kind_of(array)]}")

    return adapt
