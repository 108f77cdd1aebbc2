"""The example runs, and its methods rank as they should."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples"))

import embedding_quantization


def test_embedding_quantization():
    recall = embedding_quantization.main()
    assert recall["float32, exact"] > 0.99
    assert recall["binary, Hamming"] < recall["binary, float query"] < recall["binary, rescored"]
    assert recall["int8, rescored"] > 0.98
    assert recall["index"] > 0.9
