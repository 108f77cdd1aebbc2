//! What a test prints, against the file that says what it should.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use similar::TextDiff;

/// Whether `printed` equals the file `expected`; the verdict or the difference goes to `log`. With `bless` the file is
/// written first.
pub fn matches(
    name: &str,
    expected: &Path,
    printed: &str,
    bless: bool,
    log: &mut dyn Write,
) -> Result<bool> {
    if bless {
        fs::write(expected, printed)?;
    }
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    if printed == wanted {
        writeln!(log, "{name}: ok")?;
        return Ok(true);
    }
    let diff = TextDiff::from_lines(wanted.as_str(), printed);
    let (from, to) = (expected.display().to_string(), format!("{name} printed"));
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header(&from, &to)
        .to_string();
    writeln!(log, "{text}")?;
    Ok(false)
}
