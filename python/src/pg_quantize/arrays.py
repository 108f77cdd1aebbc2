"""The text and the wire format of every type, to and from NumPy arrays.

On the wire a typed vector is its number of dimensions as 16 bits, little-endian, then the payload: packed bits (most
significant bit first, as :func:`numpy.packbits` has it), or one byte per dimension. A ``quantized`` value has one byte for its
precision before that. See the page on the wire format in the documentation of the extension.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
Int8 = npt.NDArray[np.int8]
Uint8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

#: OID of ``real`` and of ``real[]``, the same in every PostgreSQL.
FLOAT4_OID = 700
FLOAT4_ARRAY_OID = 1021

#: Precisions of a ``quantized`` value, by the first byte on the wire.
PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")

_ELEMENT = np.dtype([("length", ">i4"), ("value", ">f4")])


def pack_bits(bits: npt.ArrayLike) -> Uint8:
    """Packs a ``bool`` array as sentence-transformers' precision ``ubinary`` does."""
    return np.packbits(np.asarray(bits, dtype=np.bool_), axis=-1)


def unpack_bits(packed: npt.ArrayLike, dimensions: int | None = None) -> Bits:
    """Makes a ``bool`` array of packed bits.

    ``uint8`` is sentence-transformers' precision ``ubinary``; ``int8`` is its precision ``binary``, whose bytes are those of
    ``ubinary`` less 128. ``dimensions`` cuts off the unused bits of the last byte.

    :raises TypeError: for any other dtype.
    """
    array = np.asarray(packed)
    if array.dtype == np.int8:
        array = (array.astype(np.int16) + 128).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise TypeError(f"packed bits are uint8 (ubinary) or int8 (binary), not {array.dtype}")
    return np.unpackbits(array, axis=-1, count=dimensions).astype(np.bool_)


def _vector(array: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    if array.ndim != 1:
        raise ValueError(f"{kind} takes an array of one axis, not of {array.ndim}")
    if not 1 <= array.size <= 65535:
        raise ValueError(f"{kind} takes 1 to 65535 dimensions, not {array.size}")
    return array


def binvec_to_bytes(bits: Bits) -> bytes:
    """The wire format of a ``binvec``."""
    bits = _vector(np.asarray(bits, dtype=np.bool_), "binvec")
    return struct.pack("<H", bits.size) + np.packbits(bits).tobytes()


def binvec_from_bytes(data: bytes) -> Bits:
    """Reads the wire format of a ``binvec``."""
    (dimensions,) = struct.unpack_from("<H", data)
    packed = np.frombuffer(data, np.uint8, offset=2)
    return np.unpackbits(packed, count=dimensions).astype(np.bool_)


def binvec_to_text(bits: Bits) -> str:
    """The text form of a ``binvec``: ``0110…``."""
    bits = _vector(np.asarray(bits, dtype=np.bool_), "binvec")
    return (bits.astype(np.uint8) + ord("0")).tobytes().decode("ascii")


def binvec_from_text(text: str) -> Bits:
    """Reads the text form of a ``binvec``."""
    bits: Bits = np.frombuffer(text.encode("ascii"), np.uint8) == ord("1")
    return bits


def int8vec_to_bytes(codes: Int8) -> bytes:
    """The wire format of an ``int8vec``."""
    codes = _vector(np.asarray(codes, dtype=np.int8), "int8vec")
    return struct.pack("<H", codes.size) + codes.tobytes()


def int8vec_from_bytes(data: bytes) -> Int8:
    """Reads the wire format of an ``int8vec``."""
    return np.frombuffer(data, np.int8, offset=2).copy()


def uint8vec_to_bytes(codes: Uint8) -> bytes:
    """The wire format of a ``uint8vec``."""
    codes = _vector(np.asarray(codes, dtype=np.uint8), "uint8vec")
    return struct.pack("<H", codes.size) + codes.tobytes()


def uint8vec_from_bytes(data: bytes) -> Uint8:
    """Reads the wire format of a ``uint8vec``."""
    return np.frombuffer(data, np.uint8, offset=2).copy()


def codes_to_text(codes: Int8 | Uint8) -> str:
    """The text form of an ``int8vec`` or ``uint8vec``: ``[1,-2,3]``."""
    return "[" + ",".join(map(str, _vector(np.asarray(codes), "a vector of codes").tolist())) + "]"


def int8vec_from_text(text: str) -> Int8:
    """Reads the text form of an ``int8vec``."""
    return np.array(text.strip("[]").split(","), dtype=np.int64).astype(np.int8)


def uint8vec_from_text(text: str) -> Uint8:
    """Reads the text form of a ``uint8vec``."""
    return np.array(text.strip("[]").split(","), dtype=np.int64).astype(np.uint8)


def quantized_from_bytes(data: bytes) -> npt.NDArray[Any]:
    """Reads the wire format of a ``quantized`` value: the array that sentence-transformers returns."""
    precision = PRECISIONS[data[0]]
    payload = data[3:]
    if precision == "float32":
        return np.frombuffer(payload, "<f4").astype(np.float32)
    if precision == "int8":
        return np.frombuffer(payload, np.int8).copy()
    packed = np.frombuffer(payload, np.uint8)
    if precision == "binary":
        return (packed.astype(np.int16) - 128).astype(np.int8)
    return packed.copy()


def quantized_from_text(text: str) -> npt.NDArray[Any]:
    """Reads the text form of a ``quantized`` value, such as ``int8[-3,0,127]`` or ``ubinary[0110]``."""
    precision, _, rest = text.partition("[")
    values = rest.rstrip("]")
    if precision == "float32":
        return np.array(values.split(","), dtype=np.float32)
    if precision == "int8":
        return int8vec_from_text(values)
    if precision == "uint8":
        return uint8vec_from_text(values)
    packed = np.packbits(binvec_from_text(values))
    if precision == "binary":
        return (packed.astype(np.int16) - 128).astype(np.int8)
    return packed


def real_to_bytes(array: npt.ArrayLike) -> bytes:
    """The wire format of ``real[]``: an array of up to six axes."""
    array = np.ascontiguousarray(array, dtype=np.float32)
    if array.size == 0:
        return struct.pack(">iiI", 0, 0, FLOAT4_OID)
    head = struct.pack(">iiI", array.ndim, 0, FLOAT4_OID)
    axes = b"".join(struct.pack(">ii", axis, 1) for axis in array.shape)
    elements = np.empty(array.size, dtype=_ELEMENT)
    elements["length"] = 4
    elements["value"] = array.reshape(-1)
    return head + axes + elements.tobytes()


def real_from_bytes(data: bytes) -> Float32:
    """Reads the wire format of ``real[]``; a NULL among the elements becomes NaN."""
    axes, has_null, _ = struct.unpack_from(">iiI", data)
    if axes == 0:
        return np.empty(0, dtype=np.float32)
    shape = [struct.unpack_from(">i", data, 12 + 8 * axis)[0] for axis in range(axes)]
    start = 12 + 8 * axes
    if has_null:
        return _with_nulls(data, start, shape)
    elements = np.frombuffer(data, dtype=_ELEMENT, offset=start)
    return elements["value"].astype(np.float32).reshape(shape)


def _with_nulls(data: bytes, start: int, shape: list[int]) -> Float32:
    values = np.full(int(np.prod(shape)), np.nan, dtype=np.float32)
    at = start
    for i in range(values.size):
        (length,) = struct.unpack_from(">i", data, at)
        at += 4
        if length == 4:
            (values[i],) = struct.unpack_from(">f", data, at)
            at += 4
    return values.reshape(shape)


def real_to_text(array: npt.ArrayLike) -> str:
    """The text form of ``real[]``: ``{1,2}`` or ``{{1,2},{3,4}}``; nine digits, so that no bit is lost."""
    array = np.asarray(array, dtype=np.float32)
    if array.size == 0:
        return "{}"
    if array.ndim > 1:
        return "{" + ",".join(real_to_text(row) for row in array) + "}"
    return "{" + ",".join(format(float(value), ".9g") for value in array) + "}"


def real_from_text(text: str) -> Float32:
    """Reads the text form of ``real[]``; a NULL among the elements becomes NaN."""
    if text.startswith("["):
        # Bounds that do not begin at 1, as in [5:6]={1,2}.
        text = text[text.index("=") + 1 :]
    nested = text.translate(str.maketrans("{}", "[]")).replace("NULL", "NaN")
    return np.array(json.loads(nested), dtype=np.float32)


def kind_of(array: npt.NDArray[Any]) -> str:
    """The SQL type that an array is sent as, by its dtype.

    :raises TypeError: for a dtype that stands for none.
    """
    kinds = {"b1": "binvec", "i1": "int8vec", "u1": "uint8vec", "f2": "real[]", "f4": "real[]", "f8": "real[]"}
    try:
        return kinds[array.dtype.kind + str(array.dtype.itemsize)]
    except KeyError:
        raise TypeError(
            f"an array of {array.dtype} stands for no type of PostgreSQL: use float32 (real[]), bool (binvec), "
            "int8 (int8vec) or uint8 (uint8vec)"
        ) from None


def to_bytes(array: npt.NDArray[Any]) -> bytes:
    """The wire format of an array, as the type that :func:`kind_of` names."""
    encoders: dict[str, Any] = {
        "binvec": binvec_to_bytes,
        "int8vec": int8vec_to_bytes,
        "uint8vec": uint8vec_to_bytes,
        "real[]": real_to_bytes,
    }
    encoded: bytes = encoders[kind_of(array)](array)
    return encoded


def to_text(array: npt.NDArray[Any]) -> str:
    """The text form of an array, as the type that :func:`kind_of` names."""
    kind = kind_of(array)
    if kind == "real[]":
        return real_to_text(array)
    return binvec_to_text(array) if kind == "binvec" else codes_to_text(array)
