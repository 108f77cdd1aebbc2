"""What goes in through each driver comes out again, and equals what sentence-transformers returns."""

from __future__ import annotations

import asyncio
import os

import asyncpg
import numpy as np
import psycopg
import psycopg2
import pytest

import pg_quantize.asyncpg
import pg_quantize.psycopg
import pg_quantize.psycopg2
from pg_quantize import pack_bits

RNG = np.random.default_rng(7)
VALUES = {
    "binvec": RNG.random(20) < 0.5,
    "int8vec": RNG.integers(-128, 128, 20, dtype=np.int8),
    "uint8vec": RNG.integers(0, 256, 20, dtype=np.uint8),
    "real[]": RNG.normal(size=20).astype(np.float32),
}


def same(got, sent):
    assert got.dtype == sent.dtype
    np.testing.assert_array_equal(got, sent)


@pytest.fixture()
def connection():
    with psycopg.connect("", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_quantize")
        pg_quantize.psycopg.register(connection)
        yield connection


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("placeholder", ["%s", "%b", "%t"])
@pytest.mark.parametrize("kind", VALUES)
def test_psycopg(connection, kind, placeholder, binary):
    cursor = connection.cursor(binary=binary)
    sent = VALUES[kind]
    cursor.execute(f"SELECT {placeholder}, pg_typeof({placeholder})::text", [sent, sent])
    got, typed = cursor.fetchone()
    assert typed == kind
    same(got, sent)


def test_psycopg_batches_and_nulls(connection):
    batch = RNG.normal(size=(3, 4)).astype(np.float32)
    same(connection.execute("SELECT %s", [batch]).fetchone()[0], batch)
    assert connection.execute("SELECT NULL::binvec, NULL::real[]").fetchone() == (None, None)


@pytest.mark.parametrize("form", ["TEXT", "BINARY"])
def test_psycopg_copy(connection, table, form):
    connection.execute(f"CREATE TEMP TABLE {table} (b binvec, c int8vec, u uint8vec, e real[])")
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT {form})") as copy:
            if form == "BINARY":
                copy.set_types(["binvec", "int8vec", "uint8vec", "float4[]"])
            for _ in range(3):
                copy.write_row(list(VALUES.values()))
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    assert len(rows) == 3
    for row in rows:
        for got, sent in zip(row, VALUES.values()):
            same(got, sent)


def test_psycopg_async():
    async def run():
        async with await psycopg.AsyncConnection.connect("", autocommit=True) as connection:
            await pg_quantize.psycopg.register_async(connection)
            for sent in VALUES.values():
                cursor = await connection.execute("SELECT %s", [sent])
                same((await cursor.fetchone())[0], sent)

    asyncio.run(run())


def test_arrays_are_queries(connection, table):
    """An array as the query finds the index, and the nearest row."""
    rows = RNG.normal(size=(200, 16)).astype(np.float32)
    connection.execute(f"CREATE TEMP TABLE {table} (id int, e real[], b binvec)")
    for i, row in enumerate(rows):
        connection.execute(f"INSERT INTO {table} VALUES (%s, %s, %s)", [i, row, row > 0])
    connection.execute(f"CREATE INDEX ON {table} USING qivf (e)")
    connection.execute("SET enable_seqscan = off")
    nearest = f"SELECT id FROM {table} ORDER BY e <=> %s LIMIT 1"
    assert connection.execute(nearest, [rows[17]]).fetchone() == (17,)
    plan = connection.execute("EXPLAIN " + nearest, [rows[17]]).fetchall()
    assert any("Index Scan" in line for (line,) in plan)
    by_bits = f"SELECT id FROM {table} ORDER BY b <~> %s LIMIT 1"
    assert connection.execute(by_bits, [rows[17] > 0]).fetchone() == (17,)


def quantize_embeddings(embeddings, precision, ranges):
    """The formula of sentence-transformers 5.7 and later, in float32."""
    if precision in ("binary", "ubinary"):
        packed = np.packbits(embeddings > 0, axis=-1)
        return packed if precision == "ubinary" else (packed.astype(np.int16) - 128).astype(np.int8)
    starts, steps = ranges[0], (ranges[1] - ranges[0]) / np.float32(255)
    codes = np.clip(np.floor((embeddings - starts) / steps), 0, 255)
    return codes.astype(np.uint8) if precision == "uint8" else (codes - 128).astype(np.int8)


@pytest.mark.parametrize("precision", ["float32", "int8", "uint8", "binary", "ubinary"])
@pytest.mark.parametrize("binary", [False, True])
def test_quantized_is_what_sentence_transformers_returns(connection, precision, binary):
    embeddings = RNG.normal(size=(50, 24)).astype(np.float32)
    ranges = np.stack([embeddings.min(axis=0), embeddings.max(axis=0)])
    cursor = connection.cursor(binary=binary)
    for embedding in embeddings:
        cursor.execute("SELECT quantize_embeddings(%s, %s, %s)", [embedding, precision, ranges])
        expected = embedding if precision == "float32" else quantize_embeddings(embedding, precision, ranges)
        same(cursor.fetchone()[0], expected)


def test_packed_bits_are_ubinary(connection):
    embedding = VALUES["real[]"]
    (bits,) = connection.execute("SELECT quantize_binary(%s)", [embedding]).fetchone()
    (ubinary,) = connection.execute("SELECT quantize_embeddings(%s, 'ubinary')", [embedding]).fetchone()
    np.testing.assert_array_equal(pack_bits(bits), ubinary)


def test_psycopg_says_that_the_extension_is_missing():
    with psycopg.connect("", dbname="template1") as connection:
        with pytest.raises(psycopg.ProgrammingError, match="CREATE EXTENSION"):
            pg_quantize.psycopg.register(connection)


@pytest.mark.parametrize("kind", VALUES)
def test_psycopg2(connection, kind):
    with psycopg2.connect("") as other:
        pg_quantize.psycopg2.register(other)
        with other.cursor() as cursor:
            sent = VALUES[kind]
            cursor.execute("SELECT %s, pg_typeof(%s)::text", [sent, sent])
            got, typed = cursor.fetchone()
            assert typed == kind
            same(got, sent)


def test_asyncpg(connection):
    async def run():
        other = await asyncpg.connect(host=os.environ["PGHOST"])
        try:
            await pg_quantize.asyncpg.register(other)
            for kind, sent in VALUES.items():
                got = await other.fetchval(f"SELECT $1::{kind}", sent)
                same(np.asarray(got, dtype=sent.dtype), sent)
            (copied,) = await copy(other)
            same(copied["b"], VALUES["binvec"])
            embedding = VALUES["real[]"]
            quantized = await other.fetchval("SELECT quantize_embeddings($1, 'ubinary')", embedding)
            same(quantized, np.packbits(embedding > 0))
        finally:
            await other.close()

    async def copy(other):
        await other.execute("CREATE TEMP TABLE copied (b binvec, e real[])")
        record = (VALUES["binvec"], VALUES["real[]"])
        await other.copy_records_to_table("copied", records=[record])
        return await other.fetch("SELECT * FROM copied")

    asyncio.run(run())
