//! Text for people: emphasis on terminals, grouped digits, aligned sizes.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// Emphasised, if somebody looks at it.
pub fn bold(text: &str) -> String {
    escape("1", text)
}

/// Unobtrusive, if somebody looks at it.
pub fn dim(text: &str) -> String {
    escape("2", text)
}

fn escape(code: &str, text: &str) -> String {
    if stdout().is_terminal() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.into()
    }
}

/// The heading of a chapter.
pub fn chapter(title: &str) {
    println!("\n{}", bold(title));
}

/// A statement and how long it took.
pub fn statement(sql: &str, elapsed: Duration) {
    let (head, last) = sql
        .rsplit_once('\n')
        .map_or((None, sql), |(head, last)| (Some(head), last));
    head.into_iter()
        .flat_map(str::lines)
        .for_each(|line| println!("  {line}"));
    println!(
        "  {last:<82} {}",
        dim(&format!("{:>6.0} ms", elapsed.as_secs_f64() * 1e3))
    );
}

/// 62666 → `62,666`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The first `width` characters, with an ellipsis if there are more.
pub fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    let cut: String = text.chars().take(width - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits_by_three() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(123), "123");
        assert_eq!(grouped(1_234), "1,234");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn shortens_by_characters() {
        assert_eq!(shortened("größer", 6), "größer");
        assert_eq!(shortened("größer als", 7), "größer…");
    }
}
