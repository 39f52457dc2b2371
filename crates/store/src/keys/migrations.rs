//! The schema of `keys.db`, version by version.

use crate::sqlite::Schema;

/// A new version is a new file and a new line here.
pub(crate) const SCHEMA: Schema = Schema {
    name: "keys",
    application_id: 0x504b_4559,
    migrations: &[(
        "V1__keys",
        include_str!("../../../../migrations/keys/V1__keys.sql"),
    )],
    watched: None,
};
