"""NumPy arrays for the PostgreSQL extension pg_quantize.

What a value is in Python and in SQL:

==============  ==========================================================
``real[]``      ``float32`` array of any shape (a vector, or a batch of them)
``binvec``      ``bool`` array: one sign bit per dimension
``int8vec``     ``int8`` array: one code per dimension
``uint8vec``    ``uint8`` array: one code per dimension
``quantized``   what ``sentence_transformers.quantize_embeddings`` returns for
                one embedding at the same precision (binary precisions packed)
==============  ==========================================================

Call ``register`` of the module that is named like your driver once per connection:
:mod:`pg_quantize.psycopg`, :mod:`pg_quantize.asyncpg`, :mod:`pg_quantize.psycopg2`.
:mod:`pg_quantize.sqlalchemy`, :mod:`pg_quantize.alembic` and :mod:`pg_quantize.django` bring types,
operations and index classes.
"""

from pg_quantize.arrays import pack_bits, unpack_bits

__all__ = ["pack_bits", "unpack_bits"]
__version__ = "0.1.0"
