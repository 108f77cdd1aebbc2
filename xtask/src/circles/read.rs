//! What a source file mentions: its `use` items and other paths, without tests.

/// A module's path inside its crate; that of the root is empty.
pub type Module = Vec<String>;

/// A piece of source text.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Sep,
    Mark(char),
}

/// A path somewhere in a file.
#[derive(Debug)]
pub struct Mention {
    /// Modules within the file around it.
    pub within: Vec<String>,
    /// Its parts, as they stand there.
    pub path: Vec<String>,
    /// The name that a `use` gives it.
    pub name: Option<String>,
}

/// What a file mentions.
#[derive(Debug)]
pub struct Source {
    /// All paths of two and more parts, and everything in `use`.
    pub mentions: Vec<Mention>,
}

impl Source {
    /// Reads the text of a file.
    pub fn read(text: &str) -> Self {
        let tokens = without_tests(&tokens(text));
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            within: Vec::new(),
            mentions: Vec::new(),
        };
        reader.read();
        Self {
            mentions: reader.mentions,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The tokens of a text, without comments, strings and characters.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => i = end_of_line(&chars, i),
            ('/', '*') => i = end_of_comment(&chars, i),
            ('"', _) => i = end_of_string(&chars, i + 1),
            ('r', '"' | '#') if raw_hashes(&chars, i + 1).is_some() => {
                i = end_of_raw_string(&chars, i + 1);
            }
            ('\'', '\\') => i = end_of_character(&chars, i + 2),
            ('\'', _) if at(i + 2) == '\'' => i += 3,
            // A lifetime.
            ('\'', _) => i += 1,
            (':', ':') => {
                tokens.push(Token::Sep);
                i += 2;
            }
            (c, _) if is_word(c) => {
                let word: String = chars[i..].iter().take_while(|c| is_word(**c)).collect();
                i += word.chars().count();
                // `b"…"`, `br"…"`, `c"…"`: the string follows at once.
                let prefix = ["b", "br", "c", "cr"].contains(&word.as_str());
                match at(i) {
                    '"' if prefix && word.ends_with('r') => i = end_of_raw_string(&chars, i),
                    '#' if prefix && raw_hashes(&chars, i).is_some() => {
                        i = end_of_raw_string(&chars, i);
                    }
                    '"' if prefix => i = end_of_string(&chars, i + 1),
                    _ => tokens.push(Token::Word(word)),
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(c));
                }
                i += 1;
            }
        }
    }
    tokens
}

fn end_of_line(chars: &[char], from: usize) -> usize {
    let length = chars[from..].iter().position(|c| *c == '\n');
    length.map_or(chars.len(), |length| from + length)
}

fn end_of_comment(chars: &[char], from: usize) -> usize {
    let (mut depth, mut i) = (0, from);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut i = from;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// The number of `#` before the quotation mark of a raw string, if there is one.
fn raw_hashes(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|c| **c == '#').count();
    (chars.get(from + hashes) == Some(&'"')).then_some(hashes)
}

fn end_of_raw_string(chars: &[char], from: usize) -> usize {
    let hashes = raw_hashes(chars, from).unwrap_or(0);
    let mut i = from + hashes + 1;
    while i < chars.len() {
        let after = chars[i + 1..].iter().take_while(|c| **c == '#').count();
        if chars[i] == '"' && after >= hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

fn end_of_character(chars: &[char], from: usize) -> usize {
    // The character behind the backslash may be a quotation mark.
    let length = chars[from + 1..].iter().position(|c| *c == '\'');
    length.map_or(chars.len(), |length| from + length + 2)
}

/// Leaves out items under `#[cfg(… test …)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        match attribute_end(tokens, i) {
            Some(end) if is_for_tests(&tokens[i..end]) => i = end_of_item(tokens, end),
            Some(end) => i = end,
            None => {
                kept.push(tokens[i].clone());
                i += 1;
            }
        }
    }
    kept
}

/// Where the attribute that begins at `from` ends.
fn attribute_end(tokens: &[Token], from: usize) -> Option<usize> {
    if tokens.get(from) != Some(&Token::Mark('#')) {
        return None;
    }
    let bracket = match tokens.get(from + 1)? {
        Token::Mark('!') => from + 2,
        _ => from + 1,
    };
    (tokens.get(bracket)? == &Token::Mark('[')).then(|| closing(tokens, bracket) + 1)
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.contains(&Token::Word(word.into()));
    has("cfg") && has("test") && !has("not")
}

/// Where the bracket at `from` is closed.
fn closing(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    tokens.len()
}

/// Where the item that begins at `from` ends: behind its body or its semicolon.
fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut i = from;
    while let Some(end) = attribute_end(tokens, i) {
        i = end;
    }
    let is_use = tokens[i..]
        .iter()
        .take_while(|token| **token != Token::Mark(';'))
        .any(|token| *token == Token::Word("use".into()));
    while i < tokens.len() {
        match &tokens[i] {
            Token::Mark(';') => return i + 1,
            Token::Mark('{') if !is_use => return closing(tokens, i) + 1,
            Token::Mark('(' | '[' | '{') => i = closing(tokens, i) + 1,
            _ => i += 1,
        }
    }
    i
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Modules in the file around this place, and the depth of braces in each.
    within: Vec<(String, usize)>,
    mentions: Vec<Mention>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Word(word) if word == "use" => {
                    self.at += 1;
                    self.read_use(&[]);
                }
                Token::Word(word) if word == "mod" && self.is_inline_module() => {
                    let name = self.word(self.at + 1).unwrap_or_default();
                    self.within.push((name.to_owned(), 0));
                    self.at += 2;
                }
                Token::Word(word) if word == "pub" && self.is_mark(self.at + 1, '(') => {
                    self.at = closing(self.tokens, self.at + 1) + 1;
                }
                Token::Word(_) => self.read_path(),
                Token::Mark('{') => self.brace(1),
                Token::Mark('}') => self.brace(-1),
                _ => self.at += 1,
            }
        }
    }

    fn is_inline_module(&self) -> bool {
        self.word(self.at + 1).is_some() && self.is_mark(self.at + 2, '{')
    }

    fn brace(&mut self, step: isize) {
        self.at += 1;
        if let Some((_, depth)) = self.within.last_mut() {
            *depth = depth.saturating_add_signed(step);
            if *depth == 0 {
                self.within.pop();
            }
        }
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at) == Some(&Token::Mark(mark))
    }

    fn note(&mut self, path: Vec<String>, name: Option<String>) {
        let within = self.within.iter().map(|(name, _)| name.clone()).collect();
        self.mentions.push(Mention { within, path, name });
    }

    /// A path outside `use`.
    fn read_path(&mut self) {
        let path = self.parts();
        if path.len() > 1 {
            self.note(path, None);
        }
    }

    /// The words from here on that `::` joins.
    fn parts(&mut self) -> Vec<String> {
        let mut parts = Vec::new();
        while let Some(word) = self.word(self.at) {
            parts.push(word.to_owned());
            self.at += 1;
            if self.tokens.get(self.at) != Some(&Token::Sep) {
                break;
            }
            self.at += 1;
        }
        parts
    }

    /// What comes behind `use` or inside its braces, up to a comma or the end.
    fn read_use(&mut self, prefix: &[String]) {
        if self.tokens.get(self.at) == Some(&Token::Sep) {
            self.at += 1;
        }
        let mut path = [prefix, &self.parts()].concat();
        if self.is_mark(self.at, '{') {
            self.at += 1;
            while self.at < self.tokens.len() && !self.is_mark(self.at, '}') {
                self.read_use(&path);
                if self.is_mark(self.at, ',') {
                    self.at += 1;
                }
            }
            self.at += 1;
            return;
        }
        if self.is_mark(self.at, '*') {
            self.at += 1;
            self.note(path, None);
            return;
        }
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let mut name = path.last().cloned();
        if self.word(self.at) == Some("as") {
            name = self.word(self.at + 1).map(str::to_owned);
            self.at += 2;
        }
        if path.is_empty() {
            // Nothing that a `use` has here: go on.
            self.at += 1;
            return;
        }
        self.note(path, name);
    }
}
