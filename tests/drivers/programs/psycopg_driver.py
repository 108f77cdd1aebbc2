"""psycopg 3: what a query may look like in Python, statement by statement."""

import psycopg
from psycopg.types.numeric import Float4

from report import RUNS, elements, report


def outcome(connection, form, statement):
    _, runs, explains, index, ids = statement
    try:
        for _ in range(RUNS):
            found = connection.execute(runs.replace("$1", "%s"), [form]).fetchall()
            if [row[0] for row in found] != ids:
                return "other rows"
        plan = connection.execute(explains.replace("$1", "%s"), [form]).fetchall()
    except psycopg.Error as error:
        return f"error {error.sqlstate}" if error.sqlstate else "refused by the driver"
    return "index" if any(index in line for (line,) in plan) else "no index"


with psycopg.connect(autocommit=True) as connection:
    statements = connection.execute(
        "SELECT written, runs, explains, index_name, ids FROM statements ORDER BY position"
    ).fetchall()
    (embedding,) = connection.execute("SELECT f FROM items WHERE id = 42").fetchone()
    forms = {
        "list of float": embedding,
        "list of Float4": [Float4(x) for x in embedding],
        "str '{…}'": "{" + elements(embedding) + "}",
        "str '[…]'": "[" + elements(embedding) + "]",
    }
    for name, form in forms.items():
        for statement in statements:
            report(name, statement[0], outcome(connection, form, statement))
