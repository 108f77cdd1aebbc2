"""Django: fields, an index class, distances and migration operations for the extension's types (psycopg 3 or psycopg2). ::

    class Document(models.Model):
        embedding = EmbeddingField(dimensions=384)

        class Meta:
            indexes = [QivfIndex(fields=["embedding"], name="document_embedding")]

    Document.objects.order_by(CosineDistance("embedding", query))[:10]
"""

from pg_quantize.django.fields import BinvecField, EmbeddingField, Int8vecField, Uint8vecField
from pg_quantize.django.functions import (
    CosineDistance,
    HammingDistance,
    JaccardDistance,
    L1Distance,
    L2Distance,
    MaxInnerProduct,
)
from pg_quantize.django.indexes import QivfIndex
from pg_quantize.django.operations import DropQuantizedColumn, QuantizeColumn, QuantizeExtension

__all__ = [
    "BinvecField",
    "CosineDistance",
    "DropQuantizedColumn",
    "EmbeddingField",
    "HammingDistance",
    "Int8vecField",
    "JaccardDistance",
    "L1Distance",
    "L2Distance",
    "MaxInnerProduct",
    "QivfIndex",
    "QuantizeColumn",
    "QuantizeExtension",
    "Uint8vecField",
]
