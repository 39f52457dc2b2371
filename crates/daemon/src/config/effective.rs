//! The settings as they count, with what the commented defaults say of each; for people to read.

use std::collections::BTreeMap;

use config::{Config as Sources, File, FileFormat, Map, Value, ValueKind};

use super::DEFAULTS;

/// A setting as it counts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Its name, e.g. `server.listen`.
    pub name: String,
    /// What it is set to; not told where it is a secret.
    pub value: String,
    /// What it is when nobody sets it, where that differs.
    pub default: Option<String>,
    /// What the defaults say of it.
    pub meaning: String,
}

/// Every setting but the plans, in the order of their names.
///
/// # Errors
/// The sources cannot be read.
pub(super) fn effective(sources: &Sources) -> Result<Vec<Effective>, config::ConfigError> {
    let defaults = Sources::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .build()?;
    let (defaults, meanings) = (flat(&defaults)?, meanings());
    let settings = flat(sources)?.into_iter().map(|(name, value)| {
        let default = defaults.get(&name).filter(|default| **default != value);
        Effective {
            default: default.cloned(),
            meaning: meanings.get(&name).cloned().unwrap_or_default(),
            value: if is_secret(&name) && !value.is_empty() {
                "set, and not shown".to_owned()
            } else {
                value
            },
            name,
        }
    });
    Ok(settings.collect())
}

/// By its name, so that one that is added is not shown by mistake.
fn is_secret(name: &str) -> bool {
    let key = name.rsplit('.').next().unwrap_or_default();
    ["secret", "password", "token", "master_key"]
        .iter()
        .any(|word| key.contains(word))
}

fn flat(sources: &Sources) -> Result<BTreeMap<String, String>, config::ConfigError> {
    let mut settings = BTreeMap::new();
    let sections: Map<String, Value> = sources.clone().try_deserialize()?;
    for (section, value) in sections {
        if section == "plans" {
            continue;
        }
        if let ValueKind::Table(keys) = value.kind {
            for (key, value) in keys {
                settings.insert(format!("{section}.{key}"), text(&value));
            }
        }
    }
    Ok(settings)
}

fn text(value: &Value) -> String {
    match &value.kind {
        ValueKind::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        _ => value.to_string(),
    }
}

/// The comment above each key of the defaults.
fn meanings() -> BTreeMap<String, String> {
    let (mut section, mut comment, mut found) = (String::new(), Vec::new(), BTreeMap::new());
    for line in DEFAULTS.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix('#') {
            comment.push(words.trim());
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ") {
            found.insert(format!("{section}.{key}"), comment.join(" "));
        }
        comment.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_there_with_its_meaning_and_what_was_changed() {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let sources = Sources::builder()
            .add_source(defaults)
            .set_override("data.readers", "7");
        let sources = sources.expect("a key").build().expect("valid");
        let settings = effective(&sources).expect("readable");
        for setting in &settings {
            assert!(!setting.meaning.is_empty(), "{}", setting.name);
        }
        let changed: Vec<_> = settings
            .iter()
            .filter(|setting| setting.default.is_some())
            .collect();
        let [readers] = changed.as_slice() else {
            panic!("{changed:?}");
        };
        let told = (
            readers.name.as_str(),
            readers.value.as_str(),
            readers.default.as_deref(),
        );
        assert_eq!(told, ("data.readers", "7", Some("2")));
        assert!(!settings.iter().any(|setting| setting.name.starts_with("plans")));
    }

    #[test]
    fn a_secret_is_not_told() {
        let secret = "5ec2e7".repeat(10);
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let sources = Sources::builder()
            .add_source(defaults)
            .set_override("data.secrets_key", secret.as_str());
        let sources = sources.expect("a key").build().expect("valid");
        let settings = effective(&sources).expect("readable");
        assert!(!format!("{settings:?}").contains(&secret), "{settings:?}");
        assert!(
            settings
                .iter()
                .any(|setting| setting.value == "set, and not shown")
        );
        assert!(is_secret("store.master_key") && !is_secret("whatsapp.pre_keys"));
    }
}
