"""Fields, distances, the index class and migration operations of Django."""

from __future__ import annotations

import os

import numpy as np
import pytest

django = pytest.importorskip("django")

from django.conf import settings  # noqa: E402

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("PGDATABASE", "postgres"),
            "HOST": os.environ.get("PGHOST", ""),
            "PORT": os.environ.get("PGPORT", ""),
            "USER": os.environ.get("PGUSER", ""),
        }
    },
    INSTALLED_APPS=["django.contrib.postgres"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.db import NotSupportedError, connection, models  # noqa: E402
from django.db.migrations.state import ModelState, ProjectState  # noqa: E402
from django.db.migrations.writer import MigrationWriter  # noqa: E402

from pg_quantize.django import (  # noqa: E402
    BinvecField,
    CosineDistance,
    EmbeddingField,
    HammingDistance,
    Int8vecField,
    JaccardDistance,
    L2Distance,
    MaxInnerProduct,
    QivfIndex,
    QuantizeColumn,
    QuantizeExtension,
)

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(60, 16)).astype(np.float32)


class Document(models.Model):
    embedding = EmbeddingField(dimensions=16)
    bits = BinvecField(dimensions=16, null=True)
    codes = Int8vecField(null=True)

    class Meta:
        app_label = "library"
        db_table = "django_documents"
        indexes = [
            QivfIndex(fields=["embedding"], name="django_documents_e", opclasses=["real_cosine_ops"]),
            QivfIndex(fields=["bits"], name="django_documents_b", lists=1),
        ]


@pytest.fixture()
def documents():
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_quantize; DROP TABLE IF EXISTS django_documents CASCADE")
    with connection.schema_editor() as editor:
        editor.create_model(Document)
    Document.objects.bulk_create(
        Document(id=i, embedding=row, bits=row > 0, codes=np.clip(row * 40, -128, 127).astype(np.int8))
        for i, row in enumerate(ROWS)
    )
    yield Document.objects
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS django_documents CASCADE")
    connection.close()


def test_values_come_as_arrays(documents):
    document = documents.get(id=7)
    np.testing.assert_array_equal(document.embedding, ROWS[7])
    np.testing.assert_array_equal(document.bits, ROWS[7] > 0)
    assert document.codes.dtype == np.int8
    document.bits = None
    document.save()
    assert documents.get(id=7).bits is None


def test_distances(documents):
    for distance in (
        CosineDistance("embedding", ROWS[9]),
        L2Distance("embedding", ROWS[9].tolist()),
        HammingDistance("bits", ROWS[9] > 0),
        JaccardDistance("bits", ROWS[9] > 0),
        CosineDistance("codes", ROWS[9]),
        MaxInnerProduct("bits", ROWS[9]),
    ):
        ordered = documents.annotate(distance=distance).order_by("distance")
        assert len(ordered[:5]) == 5
        if not isinstance(distance, MaxInnerProduct):
            assert ordered[0].id == 9, distance


def test_the_index_is_used(documents):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    plan = documents.order_by(CosineDistance("embedding", ROWS[9]))[:5].explain()
    assert "django_documents_e" in plan


def test_a_wrong_dimension_is_refused(documents):
    with pytest.raises(ValueError, match="16 dimensions, not 2"):
        documents.create(embedding=[1, 2])


def test_operations(documents):
    state = ProjectState()
    state.add_model(ModelState.from_model(Document))
    operation = QuantizeColumn("Document", "embedding", "int8", "embedding_int8", batch_rows=20)
    with pytest.raises(NotSupportedError, match="atomic = False"), connection.schema_editor() as editor:
        operation.database_forwards("library", editor, state, state)
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("library", editor, state, state)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(embedding_int8) FROM django_documents")
            assert cursor.fetchone() == (len(ROWS),)
        operation.database_backwards("library", editor, state, state)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_attribute WHERE attname = 'embedding_int8' AND NOT attisdropped")
        assert cursor.fetchone() == (0,)


def test_migrations_are_written():
    assert QuantizeExtension().name == "pg_quantize"
    for value in (EmbeddingField(dimensions=16), QivfIndex(fields=["a"], name="a", lists=5)):
        text, imports = MigrationWriter.serialize(value)
        assert "pg_quantize.django." in text and imports
