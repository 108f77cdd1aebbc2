"""The server to test on comes from the environment: PGHOST, PGPORT, PGUSER, PGDATABASE."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "src"))


@pytest.fixture()
def table(request: pytest.FixtureRequest) -> str:
    """A name for a table that no other test uses."""
    return "t_" + "".join(c if c.isalnum() else "_" for c in request.node.name).lower()[:50]
