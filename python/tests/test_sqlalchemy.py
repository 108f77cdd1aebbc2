"""Models, distances, reflection, and migrations with Alembic."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, render_python_code
from alembic.autogenerate.api import produce_migrations
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

import pg_quantize.alembic as ours
from pg_quantize.sqlalchemy import Binvec, Embedding, Int8vec, Quantized, Uint8vec

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(100, 16)).astype(np.float32)


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(request):
    engine = sa.create_engine(f"postgresql+{request.param}://")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_quantize"))
    yield engine
    engine.dispose()


@pytest.fixture()
def documents(engine, table):
    metadata = sa.MetaData()
    documents = sa.Table(
        table,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("embedding", Embedding(16)),
        sa.Column("bits", Binvec(16)),
        sa.Column("codes", Int8vec(16)),
        sa.Column("unsigned", Uint8vec),
        sa.Index(f"{table}_embedding", "embedding", postgresql_using="qivf", postgresql_ops={"embedding": "real_l2_ops"}),
        sa.Index(f"{table}_bits", "bits", postgresql_using="qivf"),
    )
    metadata.drop_all(engine)
    metadata.create_all(engine)
    codes = np.clip(ROWS * 40, -128, 127).astype(np.int8)
    with engine.begin() as connection:
        rows = [
            {"id": i, "embedding": row, "bits": row > 0, "codes": code, "unsigned": code.view(np.uint8)}
            for i, (row, code) in enumerate(zip(ROWS, codes))
        ]
        connection.execute(documents.insert(), rows)
    yield documents
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {table} CASCADE"))


def test_rows_come_as_arrays(engine, documents):
    with engine.connect() as connection:
        row = connection.execute(sa.select(documents).where(documents.c.id == 3)).one()
    np.testing.assert_array_equal(row.embedding, ROWS[3])
    np.testing.assert_array_equal(row.bits, ROWS[3] > 0)
    assert (row.codes.dtype, row.unsigned.dtype) == (np.int8, np.uint8)


@pytest.mark.parametrize("method", ["cosine_distance", "l2_distance", "l1_distance", "max_inner_product"])
def test_distances_of_floats(engine, documents, method):
    query = ROWS[7] * 2
    distance = getattr(documents.c.embedding, method)(query)
    with engine.connect() as connection:
        # Compared with all rows in their order, which the index promises only for most of them.
        connection.execute(sa.text("SET enable_indexscan = off"))
        found = connection.scalars(sa.select(documents.c.id).order_by(distance)).all()
    floats = ROWS.astype(np.float64)
    expected = {
        "cosine_distance": 1 - floats @ query / np.linalg.norm(floats, axis=1) / np.linalg.norm(query),
        "l2_distance": np.linalg.norm(floats - query, axis=1),
        "l1_distance": np.abs(floats - query).sum(axis=1),
        "max_inner_product": -(floats @ query),
    }[method]
    assert found == np.argsort(expected).tolist()


def test_distances_of_codes(engine, documents):
    columns = documents.c
    with engine.connect() as connection:
        connection.execute(sa.text("SET enable_seqscan = off"))
        for distance in (
            columns.bits.hamming_distance(ROWS[9] > 0),
            columns.bits.jaccard_distance(ROWS[9] > 0),
            columns.codes.l2_distance(np.clip(ROWS[9] * 40, -128, 127).astype(np.int8)),
            columns.codes.cosine_distance(ROWS[9]),
        ):
            assert connection.scalar(sa.select(columns.id).order_by(distance).limit(1)) == 9
        # A float query against bits.
        statement = sa.select(columns.id).order_by(columns.bits.max_inner_product(ROWS[9])).limit(5)
        assert len(connection.scalars(statement).all()) == 5


def test_a_wrong_dimension_is_refused(engine, documents):
    with engine.connect() as connection, pytest.raises(sa.exc.StatementError, match="16 dimensions, not 3"):
        connection.execute(documents.insert(), [{"id": 1000, "embedding": [1, 2, 3]}])


def test_reflection_knows_the_types(engine, documents):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reflected = sa.Table(documents.name, sa.MetaData(), autoload_with=engine)
    assert isinstance(reflected.c.bits.type, Binvec) and reflected.c.bits.type.dimensions == 16
    assert isinstance(reflected.c.unsigned.type, Uint8vec) and reflected.c.unsigned.type.dimensions is None
    using = {index.name: index.dialect_options["postgresql"]["using"] for index in reflected.indexes}
    assert set(using.values()) == {"qivf"}


def context_of(connection):
    options = {"include_object": ours.include_object, "render_item": ours.render_item, "include_schemas": False}
    return MigrationContext.configure(connection, opts=options | {"transaction_per_migration": True})


def test_alembic_quantizes_and_leaves_it_alone(engine, documents):
    with engine.connect() as connection:
        context = context_of(connection)
        with context.begin_transaction():
            with Operations.context(context) as op:
                op.quantize_column(documents.name, "embedding", "int8", quantized_column="embedding_q", batch_rows=30)
        connection.commit()
        found = connection.scalar(sa.text(f"SELECT count(embedding_q) FROM {documents.name}"))
        assert found == len(ROWS)
        # Nothing to do: neither a column nor a table of ours is to be dropped, and nothing is made again.
        names = {table for table in sa.inspect(connection).get_table_names()} - {documents.name}
        differences = [d for d in compare_metadata(context, documents.metadata) if documents.name in repr(d) or "quantize" in repr(d)]
        assert differences == [], (differences, names)
        connection.commit()
        with context.begin_transaction():
            with Operations.context(context) as op:
                op.drop_quantized_column(documents.name, "embedding_q")
        columns = {column["name"] for column in sa.inspect(engine).get_columns(documents.name)}
        assert "embedding_q" not in columns


def test_alembic_renders_the_types(engine, documents):
    metadata = sa.MetaData()
    sa.Table(documents.name, metadata, *(column._copy() for column in documents.columns), sa.Column("more", Binvec(16)))
    with engine.connect() as connection:
        context = context_of(connection)
        upgrade = produce_migrations(context, metadata).upgrade_ops
        mine = [op for op in upgrade.ops if getattr(op, "table_name", None) == documents.name]
        code = "".join(render_python_code(type(upgrade)(ops=[op]), render_item=ours.render_item) for op in mine)
    assert "pg_quantize.sqlalchemy.Binvec(16)" in code
    assert render_python_code(type(upgrade)(ops=[ours.QuantizeColumnOp("t", "e", "int8", None, {"quantile": 0.01})])).count(
        "op.quantize_column('t', 'e', 'int8', quantile=0.01)"
    )


def test_quantized_values_come_as_arrays(engine):
    with engine.connect() as connection:
        value = connection.scalar(sa.select(sa.literal_column("quantize_embeddings('{1,-1}', 'ubinary')", Quantized())))
    np.testing.assert_array_equal(value, np.array([128], dtype=np.uint8))
