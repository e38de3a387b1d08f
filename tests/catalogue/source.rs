//! Reads sentences out of Rust: as much of the language as it takes to know literals, comments, and what a literal is given
//! to. xgettext knows Rust only since 0.24.

/// A sentence of the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    /// Of a sentence about a number of things: how it is for many of them.
    pub plural: Option<String>,
    /// What distinguishes it from the same words with another meaning.
    pub context: Option<String>,
    pub file: String,
    pub comment: String,
}

impl Message {
    /// By what a catalogue has it.
    pub fn key(&self) -> (Option<&str>, &str) {
        (self.context.as_deref(), &self.id)
    }
}

/// A literal that no catalogue has.
#[derive(Debug)]
pub struct Bypassing {
    pub line: usize,
    pub text: String,
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A text, without its quotes and escapes.
    Text(String),
    Word(String),
    Sign(char),
    /// A comment of one line, without its slashes; not one for rustdoc.
    Comment(String),
}

/// Tokens and the lines that they are on, from 1. What is no text and no word is a sign.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let line = 1 + source[..source.len() - rest.len()].matches('\n').count();
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        if let Some(comment) = rest.strip_prefix("//") {
            let (text, after) = comment.split_once('\n').unwrap_or((comment, ""));
            if !text.starts_with(['/', '!']) {
                found.push((line, Token::Comment(text.to_owned())));
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix("/*") {
            rest = after.split_once("*/").map_or("", |(_, after)| after);
        } else if rest.starts_with('"') {
            let (text, after) =
                literal_and_rest(rest).unwrap_or_else(|| panic!("line {line}: a text without end"));
            found.push((line, Token::Text(text)));
            rest = after;
        } else if let Some((text, after)) = raw(rest) {
            found.push((line, Token::Text(text.to_owned())));
            rest = after;
        } else if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            found.push((line, Token::Word(word.to_owned())));
            rest = after;
        } else if first == '\'' {
            rest = after_letter(rest).unwrap_or(&rest[1..]);
        } else {
            if !first.is_whitespace() {
                found.push((line, Token::Sign(first)));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// What follows a letter in single quotes, where that is no lifetime.
fn after_letter(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escaped) = inside.strip_prefix('\\') {
        return Some(&escaped[escaped.get(1..)?.find('\'')? + 2..]);
    }
    let letter = inside.chars().next()?;
    inside[letter.len_utf8()..].strip_prefix('\'')
}

/// `r"…"` or `r#"…"#`, and what follows it.
fn raw(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].strip_prefix('"')?.split_once(&format!("\"{}", "#".repeat(hashes)))
}

/// The literal at the start of `code`, and what follows it.
pub fn literal_and_rest(code: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = code.trim_start().strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                '0' => value.push('\0'),
                '\n' => rest = rest.as_str().trim_start().chars(),
                // A byte of a byte string: no sentence.
                'x' => rest = rest.as_str().get(2..)?.chars(),
                'u' => {
                    let (digits, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
                    value.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    rest = after.chars();
                }
                quoted @ ('"' | '\\' | '\'') => value.push(quoted),
                other => panic!("unexpected escape \\{other}"),
            },
            plain => value.push(plain),
        }
    }
}

/// The part of a file before the tests at its end.
fn before_tests(text: &str) -> &str {
    let ends = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(super) mod tests {"];
    ends.into_iter().fold(text, |text, end| text.split(end).next().unwrap_or_default())
}

/// What stands around a token: what is called with it, `!` included, or `#` in an attribute.
struct Around {
    opened: Vec<String>,
}

impl Around {
    fn step(&mut self, before: &[(usize, Token)], token: &Token) {
        match token {
            Token::Sign('(' | '[' | '{') => self.opened.push(caller(before)),
            Token::Sign(')' | ']' | '}') => _ = self.opened.pop(),
            _ => {}
        }
    }

    fn is_in(&self, names: &[&str]) -> bool {
        self.opened.iter().any(|name| names.contains(&name.as_str()))
    }
}

/// What the bracket after these belongs to.
fn caller(before: &[(usize, Token)]) -> String {
    match before {
        [.., (_, Token::Word(name)), (_, Token::Sign('!'))] => format!("{name}!"),
        [.., (_, Token::Word(name))] => name.clone(),
        [.., (_, Token::Sign('#'))] | [.., (_, Token::Sign('#')), (_, Token::Sign('!'))] => "#".to_owned(),
        _ => String::new(),
    }
}

/// Every message of one source, in order. The texts of `tr!` and `trn!` must be plain literals.
pub fn messages_of(file: &str, source: &str) -> Vec<Message> {
    let tokens = tokens(before_tests(source));
    let mut found = Vec::new();
    let mut comment: Vec<String> = Vec::new();
    for at in 0..tokens.len() {
        match &tokens[at..] {
            [(_, Token::Comment(text)), ..] => {
                if let Some(text) = text.trim().strip_prefix("TRANSLATORS:") {
                    comment = vec![format!("TRANSLATORS:{text}")];
                } else if !comment.is_empty() {
                    // Only what follows at once goes on with it.
                    let goes_on = matches!(tokens.get(at.wrapping_sub(1)), Some((_, Token::Comment(_))));
                    if goes_on {
                        comment.push(text.trim().to_owned());
                    }
                }
            }
            [(line, Token::Word(name)), (_, Token::Sign('!')), (_, Token::Sign('(')), inside @ ..]
                if name == "tr" || name == "trn" =>
            {
                let (context, plural, id) = message(name, inside)
                    .unwrap_or_else(|| panic!("{file}:{line}: {name}! of something that is no literal"));
                let comment = std::mem::take(&mut comment).join("\n");
                found.push(Message { id, plural, context, file: file.to_owned(), comment });
            }
            _ => {}
        }
    }
    found
}

/// Context, plural and text of what is given to `tr!` or `trn!`.
fn message(name: &str, inside: &[(usize, Token)]) -> Option<(Option<String>, Option<String>, String)> {
    use Token::{Sign, Text, Word};
    if name == "trn" {
        let mut depth = 0;
        let semicolon = inside.iter().position(|(_, token)| {
            match token {
                Sign('(' | '[' | '{') => depth += 1,
                Sign(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            depth == 0 && *token == Sign(';')
        })?;
        return match inside.get(semicolon + 1..)? {
            [(_, Text(one)), (_, Sign(',')), (_, Text(many)), ..] => {
                Some((None, Some(many.clone()), one.clone()))
            }
            _ => None,
        };
    }
    match inside {
        [(_, Text(text)), ..] => Some((None, None, text.clone())),
        [(_, Word(of)), (_, Text(context)), (_, Sign(';')), (_, Text(text)), ..] if of == "of" => {
            Some((Some(context.clone()), None, text.clone()))
        }
        // `$…` are the macros themselves.
        [(_, Word(by)), (_, Word(_)), (_, Sign(';')), (_, Text(text)), ..] if by == "by" => {
            Some((None, None, text.clone()))
        }
        _ => None,
    }
}

/// Texts of several words that are given to none of these: what nobody translates.
pub fn bypassing(source: &str) -> Vec<Bypassing> {
    // Sentences, what only a programmer sees, attributes, and what has the shape of a line rather than words.
    const KNOWN: [&str; 13] = [
        "tr!",
        "trn!",
        "#",
        "expect",
        "panic!",
        "unreachable!",
        "assert!",
        "assert_eq!",
        "debug_assert!",
        "debug_assert_eq!",
        "env!",
        "compile_error!",
        "todo!",
    ];
    let tokens = tokens(before_tests(source));
    let mut around = Around { opened: Vec::new() };
    let mut found = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        around.step(&tokens[..at], token);
        if let Token::Text(text) = token {
            if says_something(text) && !around.is_in(&KNOWN) {
                found.push(Bypassing { line: *line, text: text.clone() });
            }
        }
    }
    found
}

/// Whether two words of letters stand in it with a space between them, outside of placeholders.
fn says_something(text: &str) -> bool {
    let mut plain = String::new();
    let mut depth = 0_u32;
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let is_word = |word: &str| {
        word.len() > 1 && word.trim_end_matches([',', ':', ';', '.']).bytes().all(|b| b.is_ascii_alphabetic())
    };
    let words: Vec<&str> = plain.split(' ').collect();
    words.windows(2).any(|pair| pair.iter().all(|word| is_word(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_understands_rust() {
        let source = "tr!(\"a \\\"b\\\" \\\n      c\\n\\u{e9}\") attr!(\"x\") // tr!(\"in a comment\")\n\
                      trn!(f(a, ';'); \"one\",\n \"{n}\", n)\n// other\n// TRANSLATORS: two\n// lines\n\
                      tr!(\n\"second\",\n) let c = '\"'; fn f<'a>(x: &'a str) {} tr!(of \"x\"; \"third\")\n\
                      tr!(by spelt; \"fourth\") r#\"tr!(\"no\")\"#\n#[cfg(test)]\nmod tests { tr!(\"no\") }";
        let messages = messages_of("f", source);
        let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
        assert_eq!(ids, ["a \"b\" c\n\u{e9}", "one", "second", "third", "fourth"]);
        assert_eq!(messages[1].plural.as_deref(), Some("{n}"));
        assert_eq!(messages[2].comment, "TRANSLATORS: two\nlines");
        assert_eq!(messages[3].key(), (Some("x"), "third"));
        assert!(messages[3].comment.is_empty());
    }

    #[test]
    fn what_bypasses_is_seen() {
        let found = |source: &str| bypassing(source).into_iter().map(|one| one.text).collect::<Vec<_>>();
        assert_eq!(found("say(\"it is down\")"), ["it is down"]);
        assert_eq!(found("io::Error::other(format!(\"{x} is down\"))"), ["{x} is down"]);
        assert!(
            found("tr!(\"it is down\") x.expect(\"it is up\") #[expect(a, reason = \"it is so\")]")
                .is_empty()
        );
        assert!(found("\"--vhid\" \"{one} {two}\" \"UC1001\" \"-n {} -x\" \"a, b\"").is_empty());
        assert_eq!(found("if x { say(\"it is\") } // \"it is\""), ["it is"]);
    }
}
