//! The text for each row: `Hi {name}` with the values of the row's columns.

use csv::StringRecord;

/// A template whose placeholders are columns of a table.
pub(super) struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// The value in the column with this index.
    Column(usize),
}

impl Template {
    /// Reads `{column}`, `{{` and `}}`; a single `}` is one, too.
    ///
    /// # Errors
    /// A placeholder is no column, or does not end; in words.
    pub(super) fn parse(text: &str, columns: &StringRecord) -> Result<Self, String> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
            } else if brace == "}" {
                literal.push('}');
                rest = after;
            } else {
                let (name, after) = after.split_once('}').ok_or_else(|| {
                    format!("the template's placeholder {{{after} does not end; write {{{{ for a brace")
                })?;
                parts.push(Part::Literal(std::mem::take(&mut literal)));
                parts.push(Part::Column(column(columns, name.trim()).map_err(|known| {
                    format!("the template names {{{name}}}, and the file has no such column; it has {known}")
                })?));
                rest = after;
            }
        }
        literal.push_str(rest);
        parts.push(Part::Literal(literal));
        parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// The text for a row.
    pub(super) fn fill(&self, row: &StringRecord) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Column(index) => text.push_str(row.get(*index).unwrap_or_default()),
            }
        }
        text
    }
}

/// The index of a column.
///
/// # Errors
/// There is none with this name; the names that there are.
pub(super) fn column(columns: &StringRecord, name: &str) -> Result<usize, String> {
    columns
        .iter()
        .position(|column| column == name)
        .ok_or_else(|| columns.iter().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Result<String, String> {
        let columns = StringRecord::from(vec!["to", "name", "order no"]);
        let row = StringRecord::from(vec!["+15551234567", "Ada {to}", "1234"]);
        Template::parse(template, &columns).map(|template| template.fill(&row))
    }

    #[test]
    fn placeholders_are_filled_and_doubled_braces_are_braces() {
        for (template, text) in [
            ("Hi {name}, order {order no}!", "Hi Ada {to}, order 1234!"),
            ("{name}{ name }", "Ada {to}Ada {to}"),
            ("{{name}} {{{order no}}}", "{name} {1234}"),
            ("a } b }} c", "a } b } c"),
            ("🐟 ünïcode", "🐟 ünïcode"),
            ("", ""),
        ] {
            assert_eq!(filled(template).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_the_columns_there_are() {
        let error = filled("Hi {nmae}").expect_err("unknown");
        assert!(
            error.contains("{nmae}") && error.contains("to, name, order no"),
            "{error}"
        );
        assert!(filled("Hi {}").is_err());
        let error = filled("Hi {name").expect_err("it does not end");
        assert!(error.contains("{name does not end"), "{error}");
    }
}
