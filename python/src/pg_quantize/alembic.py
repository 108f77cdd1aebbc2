"""Alembic: quantized columns as operations of a migration, and an autogenerate that leaves them alone.

In ``env.py``::

    import pg_quantize.alembic
    context.configure(
        ...,
        include_object=pg_quantize.alembic.include_object,
        render_item=pg_quantize.alembic.render_item,
        transaction_per_migration=True,
    )

In a migration::

    def upgrade():
        op.quantize_column("documents", "embedding", "int8")

    def downgrade():
        op.drop_quantized_column("documents", "embedding_int8")

Both run outside the migration's transaction, since the procedures commit batch by batch.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.operations import MigrateOperation, Operations

from pg_quantize.sqlalchemy import Binvec, Int8vec, Quantized, Uint8vec, _Vector

__all__ = ["DropQuantizedColumnOp", "QuantizeColumnOp", "include_object", "render_item"]

#: The schema that the extension keeps its own tables in.
INTERNAL_SCHEMA = "quantize"


@Operations.register_operation("quantize_column")
class QuantizeColumnOp(MigrateOperation):
    """``CALL quantize_column(table, embedding, precision, …)``."""

    def __init__(self, table: str, embedding: str, precision: str, schema: str | None, options: dict[str, Any]):
        self.table, self.embedding, self.precision = table, embedding, precision
        self.schema, self.options = schema, options

    @classmethod
    def quantize_column(
        cls, operations: Operations, table: str, embedding: str, precision: str, *, schema: str | None = None, **options: Any
    ) -> Any:
        """Adds a quantized column to a live table, fills it in batches and keeps it current.

        :param precision: ``int8``, ``uint8``, ``binary`` or ``ubinary``.
        :param options: further arguments of the SQL procedure, such as ``quantized_column``, ``quantile``, ``batch_rows``,
            ``learn_thresholds`` or ``mode``.
        """
        return operations.invoke(cls(table, embedding, precision, schema, options))

    def reverse(self) -> MigrateOperation:
        column = self.options.get("quantized_column")
        if column is None:
            raise NotImplementedError("say quantized_column => … in quantize_column to make it reversible")
        return DropQuantizedColumnOp(self.table, column, self.schema)


@Operations.register_operation("drop_quantized_column")
class DropQuantizedColumnOp(MigrateOperation):
    """``CALL drop_quantized_column(table, quantized_column)``."""

    def __init__(self, table: str, quantized_column: str, schema: str | None):
        self.table, self.quantized_column, self.schema = table, quantized_column, schema

    @classmethod
    def drop_quantized_column(
        cls, operations: Operations, table: str, quantized_column: str, *, schema: str | None = None
    ) -> Any:
        """Drops a quantized column with its trigger and its record."""
        return operations.invoke(cls(table, quantized_column, schema))


def _relation(operations: Operations, table: str, schema: str | None) -> str:
    preparer = operations.get_bind().dialect.identifier_preparer
    name = preparer.quote(table)
    return f"{preparer.quote(schema)}.{name}" if schema else name


def _call(operations: Operations, procedure: str, arguments: dict[str, Any]) -> None:
    """Runs ``CALL procedure(name => value, …)`` outside the migration's transaction."""
    notation = ", ".join(f'"{name}" => :{name}' for name in arguments)
    statement = sa.text(f"CALL {procedure}({notation})").bindparams(
        *(sa.bindparam(name, value, type_=_type_of(value)) for name, value in arguments.items())
    )
    with operations.get_context().autocommit_block():
        operations.get_bind().execute(statement)


def _type_of(value: Any) -> Any:
    if isinstance(value, bool):
        return sa.Boolean()
    if isinstance(value, int):
        return sa.Integer()
    return sa.Double() if isinstance(value, float) else None


@Operations.implementation_for(QuantizeColumnOp)
def _quantize_column(operations: Operations, operation: QuantizeColumnOp) -> None:
    relation = _relation(operations, operation.table, operation.schema)
    arguments = {"relation": relation, "source_column": operation.embedding, "precision": operation.precision}
    _call(operations, "quantize_column", arguments | operation.options)


@Operations.implementation_for(DropQuantizedColumnOp)
def _drop_quantized_column(operations: Operations, operation: DropQuantizedColumnOp) -> None:
    relation = _relation(operations, operation.table, operation.schema)
    _call(operations, "drop_quantized_column", {"relation": relation, "quantized_column": operation.quantized_column})


@renderers.dispatch_for(QuantizeColumnOp)
def _render_quantize(context: Any, operation: QuantizeColumnOp) -> str:
    options = "".join(f", {name}={value!r}" for name, value in operation.options.items())
    return f"op.quantize_column({operation.table!r}, {operation.embedding!r}, {operation.precision!r}{options})"


@renderers.dispatch_for(DropQuantizedColumnOp)
def _render_drop(context: Any, operation: DropQuantizedColumnOp) -> str:
    return f"op.drop_quantized_column({operation.table!r}, {operation.quantized_column!r})"


def include_object(object: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """What autogenerate looks at: all but the extension's own tables and the quantized columns that no model names."""
    if getattr(object, "schema", None) == INTERNAL_SCHEMA:
        return False
    quantized = (Binvec, Int8vec, Uint8vec, Quantized)
    return not (type_ == "column" and reflected and compare_to is None and isinstance(object.type, quantized))


def render_item(type_: str, obj: Any, autogen_context: Any) -> str | bool:
    """Renders the extension's types in migrations: for ``context.configure(render_item=…)``."""
    if type_ != "type" or not isinstance(obj, _Vector):
        return False
    autogen_context.imports.add("import pg_quantize.sqlalchemy")
    dimensions = "" if obj.dimensions is None else obj.dimensions
    return f"pg_quantize.sqlalchemy.{type(obj).__name__}({dimensions})"
