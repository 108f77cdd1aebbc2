"""``USING qivf``."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import PostgresIndex


class QivfIndex(PostgresIndex):
    """An index of access method ``qivf``.

    :param lists: the number of lists; 0 (the default) lets the index choose. ``opclasses`` chooses the distance.
    """

    suffix = "qivf"

    def __init__(self, *expressions: Any, lists: int | None = None, **kwargs: Any):
        self.lists = lists
        super().__init__(*expressions, **kwargs)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        if self.lists is not None:
            kwargs["lists"] = self.lists
        return path.replace("pg_quantize.django.indexes", "pg_quantize.django"), args, kwargs

    def get_with_params(self) -> list[str]:
        return [] if self.lists is None else [f"lists = {int(self.lists)}"]
