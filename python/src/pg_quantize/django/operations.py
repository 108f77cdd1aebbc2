"""Migration operations. ``QuantizeColumn`` and ``DropQuantizedColumn`` commit batch by batch: set ``atomic = False``."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import CreateExtension
from django.db import NotSupportedError
from django.db.migrations.operations.base import Operation


class QuantizeExtension(CreateExtension):
    """``CREATE EXTENSION pg_quantize``"""

    def __init__(self) -> None:
        self.name = "pg_quantize"


class _Call(Operation):
    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are; give the model a field with ``managed`` codes where the codes are to be read."""

    def _table(self, app_label: str, state: Any, name: str) -> str:
        return str(state.apps.get_model(app_label, name)._meta.db_table)

    def _call(self, schema_editor: Any, procedure: str, arguments: dict[str, Any]) -> None:
        if schema_editor.atomic_migration or schema_editor.connection.in_atomic_block:
            raise NotSupportedError(f"{procedure} commits batch by batch: set atomic = False in this migration")
        notation = ", ".join(f'"{name}" => %s' for name in arguments)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"CALL {procedure}({notation})", list(arguments.values()))


class QuantizeColumn(_Call):
    """Adds a quantized column to a model's table, fills it in batches and keeps it current.

    :param options: further arguments of the SQL procedure ``quantize_column``.
    """

    def __init__(self, model_name: str, field: str, precision: str, quantized_column: str, **options: Any):
        self.model_name, self.field, self.precision = model_name, field, precision
        self.quantized_column, self.options = quantized_column, options

    def deconstruct(self) -> Any:
        kwargs = {
            "model_name": self.model_name,
            "field": self.field,
            "precision": self.precision,
            "quantized_column": self.quantized_column,
        }
        return type(self).__qualname__, [], kwargs | self.options

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(self._table(app_label, to_state, self.model_name))
        column = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.field).column
        arguments = {
            "relation": table,
            "source_column": column,
            "precision": self.precision,
            "quantized_column": self.quantized_column,
        }
        self._call(schema_editor, "quantize_column", arguments | self.options)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(self._table(app_label, from_state, self.model_name))
        arguments = {"relation": table, "quantized_column": self.quantized_column}
        self._call(schema_editor, "drop_quantized_column", arguments)

    def describe(self) -> str:
        return f"Quantize {self.field} of {self.model_name} as {self.precision}"


class DropQuantizedColumn(_Call):
    """Drops a quantized column with its trigger and its record."""

    reversible = False

    def __init__(self, model_name: str, quantized_column: str):
        self.model_name, self.quantized_column = model_name, quantized_column

    def deconstruct(self) -> Any:
        return type(self).__qualname__, [], {"model_name": self.model_name, "quantized_column": self.quantized_column}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(self._table(app_label, to_state, self.model_name))
        self._call(
            schema_editor, "drop_quantized_column", {"relation": table, "quantized_column": self.quantized_column}
        )

    def describe(self) -> str:
        return f"Drop quantized column {self.quantized_column} of {self.model_name}"
