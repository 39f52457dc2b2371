//! What checks came to, as a table and as JSON.

use postern_store::{CheckOutcome, Checked, Found};
use serde::Serialize;

/// A line for each check, and what it found under it.
pub(super) fn table(checks: &[Checked]) -> String {
    let width = |of: fn(&Checked) -> &str| checks.iter().map(|check| of(check).len()).max().unwrap_or(0);
    let (files, names) = (width(|check| check.file), width(|check| check.name));
    let mut text = format!("{:files$}  {:names$}  RESULT\n", "FILE", "CHECK");
    for check in checks {
        let result = outcome(&check.outcome);
        text += &format!("{:files$}  {:names$}  {result}\n", check.file, check.name);
        match &check.outcome {
            CheckOutcome::Holds => {}
            CheckOutcome::Skipped { why } => text += &format!("    {why}\n"),
            CheckOutcome::Broken(found) | CheckOutcome::Warning(found) => {
                text += &format!(
                    "    This should hold: {}\n    Found: {}\n",
                    check.promise,
                    told(found)
                );
            }
        }
    }
    text
}

fn told(found: &Found) -> String {
    let mut text = found.examples.join(", ");
    let shown = u64::try_from(found.examples.len()).unwrap_or(u64::MAX);
    if found.count > shown {
        text += &format!(" and {} more", found.count - shown);
    }
    text
}

fn outcome(outcome: &CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Holds => "ok",
        CheckOutcome::Broken(_) => "broken",
        CheckOutcome::Warning(_) => "warning",
        CheckOutcome::Skipped { .. } => "skipped",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    data_dir: &'a str,
    broken: usize,
    checks: Vec<Line<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    file: &'a str,
    check: &'a str,
    promise: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    count: u64,
    examples: &'a [String],
}

/// The same for programs.
pub(super) fn json(data_dir: &str, checks: &[Checked]) -> serde_json::Result<String> {
    let report = Report {
        data_dir,
        broken: checks.iter().filter(|check| check.is_broken()).count(),
        checks: checks.iter().map(line).collect(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn line(check: &Checked) -> Line<'_> {
    let (why, found) = match &check.outcome {
        CheckOutcome::Holds => (None, None),
        CheckOutcome::Skipped { why } => (Some(why.as_str()), None),
        CheckOutcome::Broken(found) | CheckOutcome::Warning(found) => (None, Some(found)),
    };
    Line {
        file: check.file,
        check: check.name,
        promise: check.promise,
        outcome: outcome(&check.outcome),
        why,
        count: found.map_or(0, |found| found.count),
        examples: found.map_or(&[], |found| found.examples.as_slice()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Checked> {
        let found = Found {
            count: 7,
            examples: vec!["msg_1".to_owned(), "msg_2".to_owned()],
        };
        let one = Found {
            count: 1,
            examples: vec!["dev_1".to_owned()],
        };
        let why = "there is no such file".to_owned();
        [
            ("postern.db", "kind", CheckOutcome::Holds),
            ("postern.db", "outbox-complete", CheckOutcome::Broken(found)),
            ("keys.db", "kind", CheckOutcome::Skipped { why }),
            ("keys.db", "keys-of-links", CheckOutcome::Warning(one)),
        ]
        .map(|(file, name, outcome)| Checked {
            file,
            name,
            promise: "It is so.",
            outcome,
        })
        .into()
    }

    #[test]
    fn the_table_says_what_should_hold_where_it_does_not() {
        let expected = "\
FILE        CHECK            RESULT
postern.db  kind             ok
postern.db  outbox-complete  broken
    This should hold: It is so.
    Found: msg_1, msg_2 and 5 more
keys.db     kind             skipped
    there is no such file
keys.db     keys-of-links    warning
    This should hold: It is so.
    Found: dev_1
";
        assert_eq!(table(&checks()), expected);
    }

    #[test]
    fn programs_read_the_same() {
        let report: serde_json::Value =
            serde_json::from_str(&json("/data", &checks()).expect("JSON")).expect("JSON");
        assert_eq!(
            (&report["dataDir"], &report["broken"]),
            (&"/data".into(), &1.into())
        );
        let outcomes: Vec<_> = report["checks"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|check| check["outcome"].as_str().expect("text"))
            .collect();
        assert_eq!(outcomes, ["ok", "broken", "skipped", "warning"]);
        assert_eq!(report["checks"][1]["count"], 7);
        assert_eq!(report["checks"][2]["why"], "there is no such file");
    }
}
