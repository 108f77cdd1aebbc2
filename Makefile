# For PGXN's client, which calls make and make install. People use cargo xtask.
PG_CONFIG ?= pg_config

all:
	cargo xtask setup --check || true

install:
	cargo xtask install $(PG_CONFIG)

.PHONY: all install
