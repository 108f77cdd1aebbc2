// node-postgres: what a query may look like in JavaScript, statement by statement.

const { Client, DatabaseError } = require('pg');

// A server-side prepared statement gets a generic plan after five executions.
const RUNS = 12;

async function outcome(client, form, statement, name) {
  try {
    for (let run = 0; run < RUNS; run++) {
      // With a name, the statement is prepared on the server.
      const found = await client.query({ name, text: statement.runs, values: [form], rowMode: 'array' });
      if (String(found.rows) !== String(statement.ids)) {
        return 'other rows';
      }
    }
    const plan = await client.query({ text: statement.explains, values: [form], rowMode: 'array' });
    return plan.rows.some(([line]) => line.includes(statement.index_name)) ? 'index' : 'no index';
  } catch (error) {
    return error instanceof DatabaseError ? `error ${error.code}` : 'refused by the driver';
  }
}

async function main() {
  const client = new Client();
  await client.connect();
  const statements = (await client.query('SELECT * FROM statements ORDER BY position')).rows;
  const embedding = (await client.query('SELECT f FROM items WHERE id = 42')).rows[0].f;
  const forms = {
    'array': embedding,
    "string '{…}'": `{${embedding}}`,
    'JSON.stringify': JSON.stringify(embedding),
  };
  for (const [form, value] of Object.entries(forms)) {
    for (const statement of statements) {
      const result = await outcome(client, value, statement, `${form} ${statement.position}`);
      console.log(`${form.padEnd(16)} ${statement.written.padEnd(32)} ${result}`);
    }
  }
  await client.end();
}

main();
