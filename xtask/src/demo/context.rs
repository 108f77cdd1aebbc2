//! Retrieval for a language model: meaning and words fused, the prompt's context assembled, in one SQL statement.

use anyhow::Result;
use postgres::Client;

use super::paint::{bold, chapter, dim};

/// `$1` is the question, `$2` its embedding. Reciprocal rank fusion needs no common scale of scores. The filter on the
/// package's name stands for an application's own metadata.
const CONTEXT: &str = "\
WITH semantic AS (
    SELECT (doc).package, row_number() OVER (ORDER BY score DESC) AS rank
    FROM semantic_search(NULL::docs, $2::real[], 10, quantized => 'embedding_bin', filter => 'package NOT LIKE ''lib%''')
), keyword AS (
    SELECT package, row_number() OVER (ORDER BY ts_rank_cd(words, query) DESC, package) AS rank
    FROM (SELECT package, to_tsvector('english', text) AS words FROM docs WHERE package NOT LIKE 'lib%') AS d,
         (SELECT string_agg(quote_literal(word), ' | ')::tsquery
          FROM unnest(tsvector_to_array(to_tsvector('english', $1::text))) AS word) AS any_word(query)
    WHERE words @@ query ORDER BY rank LIMIT 10
), fused AS (
    SELECT package, sum(1.0 / (60 + rank)) AS score
    FROM (TABLE semantic UNION ALL TABLE keyword) AS ranks GROUP BY package
), chosen AS (
    SELECT text, row_number() OVER (ORDER BY score DESC, package) AS n FROM fused JOIN docs USING (package)
)
SELECT string_agg(format('[%s] %s', n, left(text, 110)), E'\\n' ORDER BY n) FROM chosen WHERE n <= 3";

/// Assembles the context for one question and shows the statement that did.
pub fn for_a_question(client: &mut Client) -> Result<()> {
    chapter("6  Context for a language model");
    CONTEXT.lines().for_each(|line| println!("  {}", dim(line)));
    let question =
        "SELECT text, embedding FROM queries WHERE kind = 'question' ORDER BY id LIMIT 1";
    let question = client.query_one(question, &[])?;
    let (text, embedding): (String, Vec<f32>) = (question.get(0), question.get(1));
    let context: String = client.query_one(CONTEXT, &[&text, &embedding])?.get(0);
    println!("\n  {}", bold(&text));
    context.lines().for_each(|line| println!("    {line}"));
    println!();
    Ok(())
}
