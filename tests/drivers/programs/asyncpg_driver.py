"""asyncpg: what a query may look like in Python, statement by statement."""

import asyncio

import asyncpg

from report import RUNS, elements, report


async def outcome(connection, form, statement):
    try:
        for _ in range(RUNS):
            found = await connection.fetch(statement["runs"], form)
            if [row[0] for row in found] != statement["ids"]:
                return "other rows"
        plan = await connection.fetch(statement["explains"], form)
    except asyncpg.PostgresError as error:
        # Its own refusals borrow the server's classes, but have no severity.
        return f"error {error.sqlstate}" if error.severity else "refused by the driver"
    return "index" if any(statement["index_name"] in line[0] for line in plan) else "no index"


async def main():
    connection = await asyncpg.connect()
    statements = await connection.fetch("SELECT * FROM statements ORDER BY position")
    embedding = await connection.fetchval("SELECT f FROM items WHERE id = 42")
    forms = {
        "list of float": embedding,
        "str '{…}'": "{" + elements(embedding) + "}",
        "str '[…]'": "[" + elements(embedding) + "]",
    }
    for name, form in forms.items():
        for statement in statements:
            report(name, statement["written"], await outcome(connection, form, statement))
    await connection.close()


asyncio.run(main())
