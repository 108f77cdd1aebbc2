import numpy as np
import pytest

from pg_quantize import arrays, pack_bits, unpack_bits

BITS = np.array([1, 0, 0, 1, 1, 0, 1, 0, 1, 1], dtype=bool)
CODES = np.array([-128, -1, 0, 127], dtype=np.int8)


def test_bits_go_over_the_wire_and_back():
    assert arrays.binvec_to_bytes(BITS) == b"\x0a\x00" + bytes([0b10011010, 0b11000000])
    np.testing.assert_array_equal(arrays.binvec_from_bytes(arrays.binvec_to_bytes(BITS)), BITS)
    np.testing.assert_array_equal(arrays.binvec_from_text(arrays.binvec_to_text(BITS)), BITS)


def test_codes_go_over_the_wire_and_back():
    for array in (CODES, CODES.view(np.uint8)):
        np.testing.assert_array_equal(_back(array), array)
        assert _back(array).dtype == array.dtype


def _back(array):
    kind = arrays.kind_of(array)
    decode = {"int8vec": arrays.int8vec_from_bytes, "uint8vec": arrays.uint8vec_from_bytes}[kind]
    read = {"int8vec": arrays.int8vec_from_text, "uint8vec": arrays.uint8vec_from_text}[kind]
    np.testing.assert_array_equal(read(arrays.to_text(array)), array)
    return decode(arrays.to_bytes(array))


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 1, 4), (1, 1)])
def test_floats_go_over_the_wire_and_back(shape):
    array = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(arrays.real_from_bytes(arrays.real_to_bytes(array)), array)
    np.testing.assert_array_equal(arrays.real_from_text(arrays.real_to_text(array)), array)


def test_odd_arrays():
    assert arrays.real_from_text("{}").shape == (0,)
    assert arrays.real_from_bytes(arrays.real_to_bytes([])).shape == (0,)
    np.testing.assert_array_equal(arrays.real_from_text("[5:6]={1,NULL}"), [1, np.nan])
    np.testing.assert_array_equal(arrays.real_from_text("{NaN,-Infinity}"), [np.nan, -np.inf])


def test_packed_bits_of_both_precisions():
    packed = pack_bits(BITS)
    signed = (packed.astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(unpack_bits(packed, 10), BITS)
    np.testing.assert_array_equal(unpack_bits(signed, 10), BITS)
    with pytest.raises(TypeError):
        unpack_bits(packed.astype(np.int32))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one axis"):
        arrays.binvec_to_bytes(BITS.reshape(2, 5))
    with pytest.raises(ValueError, match="65535"):
        arrays.int8vec_to_bytes(np.zeros(70000, dtype=np.int8))
    with pytest.raises(TypeError, match="int64"):
        arrays.kind_of(np.arange(3))
