"""What the Python programs share."""

# A server-side prepared statement gets a generic plan after five executions; drivers prepare some executions later.
RUNS = 12


def elements(embedding):
    """The numbers of an embedding, without brackets."""
    return ",".join(repr(x) for x in embedding)


def report(form, statement, outcome):
    print(f"{form:<16} {statement:<32} {outcome}")
