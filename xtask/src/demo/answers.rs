//! Questions in words, answered in two stages: candidates from sign bits, scores from floats.

use anyhow::{Context, Result};
use postgres::Client;

use super::paint::{bold, chapter, dim, shortened};

/// How many answers are shown.
const SHOWN: usize = 3;

/// How many questions are asked.
const QUESTIONS: usize = 3;

/// `$1` is the question's embedding.
const TWO_STAGES: &str = "\
SELECT (doc).package, (doc).text, score::float8
FROM semantic_search(NULL::docs, $1::real[], 3, quantized => 'embedding_bin')
ORDER BY score DESC";

/// What the answers should be.
const EXACT: &str = "SELECT package FROM docs ORDER BY embedding <=> $1::real[] LIMIT 3";

/// Answers every question, and says how many answers an exact search gives too.
pub fn questions(client: &mut Client) -> Result<()> {
    chapter("3  Questions and answers");
    TWO_STAGES
        .lines()
        .for_each(|line| println!("  {}", dim(line)));
    let questions =
        "SELECT text, embedding FROM queries WHERE kind = 'question' ORDER BY id LIMIT $1";
    let (mut same, mut all) = (0, 0);
    for question in client.query(questions, &[&(QUESTIONS as i64)])? {
        let (text, embedding): (String, Vec<f32>) = (question.get(0), question.get(1));
        println!("\n  {}", bold(&text));
        let exact = client.query(EXACT, &[&embedding])?;
        let answers = client.query(TWO_STAGES, &[&embedding])?;
        for answer in &answers {
            let package: String = answer.get(0);
            let summary = summary(answer.get(1)).context("a document without a summary")?;
            let similarity: f64 = answer.get(2);
            let summary = shortened(&summary, 58);
            println!(
                "    {:<24} {summary:<58} {similarity:.2}",
                shortened(&package, 24)
            );
            same += usize::from(exact.iter().any(|row| row.get::<_, String>(0) == package));
        }
        all += SHOWN;
    }
    println!("\n  {same} of these {all} answers are those of an exact search over the floats.");
    Ok(())
}

/// The one-line summary of `package: summary. Long description …`.
fn summary(text: &str) -> Option<String> {
    let rest = text.split_once(": ")?.1;
    Some(
        rest.split_once(". ")
            .map_or(rest, |(summary, _)| summary)
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_summary_out_of_a_description() {
        let text = "2048: Slide and add puzzle game for text mode. The 2048 game is …";
        assert_eq!(
            summary(text).unwrap(),
            "Slide and add puzzle game for text mode"
        );
        assert_eq!(summary("x: no full stop").unwrap(), "no full stop");
        assert_eq!(summary("nothing"), None);
    }
}
