//! The words of a text, as the index has them and as a search asks for them.
//!
//! A word is a run of letters and digits; case and accents are the tokenizer's business. In the index each begins with a
//! mark of its workspace, so that what others write makes nobody's search slower.

use std::str::FromStr;

use postern_domain::WorkspaceId;

/// The longest query, in characters.
const MAX_CHARS: usize = 200;
/// The most words of a query.
const MAX_WORDS: usize = 16;
/// What a word is told by; the rest of a longer one is left out.
const WORD_CHARS: usize = 64;
/// Words that a text must have, all of them; the last one may be the beginning of a word.
#[derive(Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// What stood between whitespace; more than one word where there was punctuation, which then stand side by side.
    terms: Vec<Vec<String>>,
}

/// Why a text cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextQueryError {
    /// No letter and no digit.
    #[error("must have a letter or a digit")]
    NoWord,
    /// Too many characters.
    #[error("must be at most {MAX_CHARS} characters")]
    TooLong,
    /// Too many words.
    #[error("may have {MAX_WORDS} words at most")]
    TooManyWords,
}

impl FromStr for TextQuery {
    type Err = TextQueryError;

    fn from_str(text: &str) -> Result<Self, TextQueryError> {
        if text.chars().count() > MAX_CHARS {
            return Err(TextQueryError::TooLong);
        }
        let terms = text.split_whitespace().map(|term| words(term).collect());
        let terms: Vec<Vec<String>> = terms.filter(|term: &Vec<_>| !term.is_empty()).collect();
        match terms.iter().map(Vec::len).sum() {
            0 => Err(TextQueryError::NoWord),
            1..=MAX_WORDS => Ok(Self { terms }),
            _ => Err(TextQueryError::TooManyWords),
        }
    }
}

/// By hand: what people search for is what they write.
impl std::fmt::Debug for TextQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TextQuery(…)")
    }
}

impl TextQuery {
    /// The same in the language of the index, for the words of a workspace.
    pub(super) fn expression(&self, workspace: WorkspaceId) -> String {
        let mark = mark(workspace);
        let phrases = self.terms.iter().map(|term| {
            let words = term.iter().map(String::as_str);
            format!("\"{}\"", marked(words, &mark))
        });
        phrases.collect::<Vec<_>>().join(" ") + " *"
    }
}

/// What the index has of a text.
pub(super) fn indexed(text: &str, workspace: WorkspaceId) -> String {
    let words: Vec<_> = words(text).collect();
    marked(words.iter().map(String::as_str), &mark(workspace))
}

/// What the words of a workspace begin with: of one length, and of letters and digits.
///
/// The last characters of an id are random. Should two workspaces have the same, they only look through each other's words:
/// rows are asked whose they are.
fn mark(workspace: WorkspaceId) -> String {
    let id = workspace.to_string();
    id[id.len() - 6..].to_ascii_lowercase()
}

fn marked<'a>(words: impl Iterator<Item = &'a str>, mark: &str) -> String {
    let mut marked = String::new();
    for word in words {
        if !marked.is_empty() {
            marked.push(' ');
        }
        marked.push_str(mark);
        marked.push_str(word);
    }
    marked
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !is_of_word(c))
        .filter(|run| run.chars().any(char::is_alphanumeric))
        .map(|run| run.chars().take(WORD_CHARS).collect())
}

/// Nothing that the tokenizer would part a word at; and the accents that it takes off letters.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the query becomes, with `_` for the workspace.
    fn expression(query: &str) -> String {
        let workspace = WorkspaceId::generate();
        let query: TextQuery = query.parse().expect("words");
        query.expression(workspace).replace(&mark(workspace), "_")
    }

    #[test]
    fn a_query_is_words_whatever_is_written_between_them() {
        for (query, expected) in [
            ("order", r#""_order" *"#),
            ("  your\torder ", r#""_your" "_order" *"#),
            ("me@example.com 12", r#""_me _example _com" "_12" *"#),
            (r#"a" OR NEAR(b c)*"#, r#""_a" "_OR" "_NEAR _b" "_c" *"#),
            ("-words:x ^y {z}", r#""_words _x" "_y" "_z" *"#),
            ("🎉 party 🎉", r#""_party" *"#),
        ] {
            assert_eq!(expression(query), expected, "{query}");
        }
    }

    #[test]
    fn what_has_no_words_or_too_many_is_refused() {
        let parse = |text: &str| text.parse::<TextQuery>();
        for text in ["", "  ", "\"*\"", "🎉", "\u{301}"] {
            assert_eq!(parse(text), Err(TextQueryError::NoWord), "{text:?}");
        }
        assert_eq!(parse(&"é".repeat(201)), Err(TextQueryError::TooLong));
        assert!(parse(&"é".repeat(200)).is_ok());
        assert_eq!(parse(&"a ".repeat(17)), Err(TextQueryError::TooManyWords));
        assert_eq!(parse(&"a-".repeat(17)), Err(TextQueryError::TooManyWords));
        assert!(parse(&"a-b ".repeat(8)).is_ok());
    }
}
