"""Embedding quantization in PostgreSQL, step by step as in the documentation of sentence-transformers.

There, embeddings are quantized and searched in memory. Here they stay where they are stored: binary and int8 with calibration,
rescoring, and the index. The data are real: embeddings of package descriptions that the project carries in `demo/`.

    python examples/embedding_quantization.py          # the server is the one that PGHOST and so on name
"""

from __future__ import annotations

import pathlib
import time

import numpy as np
import psycopg

import pg_quantize.psycopg

DATA = pathlib.Path(__file__).parents[2] / "demo"
TOP_K = 10


def recall(found: list[list[int]], truth: np.ndarray) -> float:
    """The share of the true neighbours that were found."""
    return float(np.mean([len(set(ids) & set(true)) / TOP_K for ids, true in zip(found, truth)]))


def search(connection: psycopg.Connection, statement: str, queries: np.ndarray) -> tuple[list[list[int]], float]:
    """The rows that a statement finds for each query, and the milliseconds that a query takes."""
    start = time.perf_counter()
    found = [[row[0] for row in connection.execute(statement, {"query": query}).fetchall()] for query in queries]
    return found, (time.perf_counter() - start) / len(queries) * 1000


def main() -> dict[str, float]:
    corpus = np.load(DATA / "documents.f16.npy").astype(np.float32)
    queries = np.load(DATA / "queries.f16.npy").astype(np.float32)[:100]
    similarity = queries @ corpus.T / np.linalg.norm(corpus, axis=1)
    truth = np.argsort(-similarity, axis=1)[:, :TOP_K]

    with psycopg.connect(autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_quantize")
        pg_quantize.psycopg.register(connection)

        # 1. The embeddings, as float32.
        connection.execute("DROP TABLE IF EXISTS quantization_example")
        connection.execute("CREATE TABLE quantization_example (id int PRIMARY KEY, embedding real[])")
        with connection.cursor().copy("COPY quantization_example FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "float4[]"])
            for i, embedding in enumerate(corpus):
                copy.write_row([i, embedding])

        # 2. Quantize: sign bits, and int8 codes whose ranges are calibrated on the table. Both stay current by triggers.
        connection.execute("CALL quantize_column('quantization_example', 'embedding', 'binary')")
        connection.execute("CALL quantize_column('quantization_example', 'embedding', 'int8')")
        connection.execute("ANALYZE quantization_example")

        # 3. Search. The query stays float32: that costs no space and finds more.
        statements = {
            "float32, exact": "SELECT id FROM quantization_example ORDER BY embedding <=> %(query)s LIMIT 10",
            "binary, Hamming": "SELECT id FROM quantization_example ORDER BY embedding_bin <~> quantize_binary(%(query)s) LIMIT 10",
            "binary, float query": "SELECT id FROM quantization_example ORDER BY embedding_bin <#> %(query)s LIMIT 10",
            "binary, rescored": "SELECT (doc).id FROM semantic_search(NULL::quantization_example, %(query)s, 10, quantized => 'embedding_bin')",
            "int8, rescored": "SELECT (doc).id FROM semantic_search(NULL::quantization_example, %(query)s, 10, quantized => 'embedding_int8')",
        }
        results = {name: search(connection, statement, queries) for name, statement in statements.items()}

        # 4. Or let the index do it all: codes, candidates and rescoring behind the plain statement.
        connection.execute("CREATE INDEX ON quantization_example USING qivf (embedding)")
        results["index"] = search(connection, statements["float32, exact"], queries)

        print(f"{len(corpus)} embeddings of {corpus.shape[1]} dimensions, {len(queries)} queries")
        print(f"{'method':<22}{'recall@10':>10}{'ms a query':>12}")
        for name, (found, milliseconds) in results.items():
            print(f"{name:<22}{recall(found, truth):>10.3f}{milliseconds:>12.2f}")
        connection.execute("DROP TABLE quantization_example")
        return {name: recall(found, truth) for name, (found, _) in results.items()}


if __name__ == "__main__":
    main()
