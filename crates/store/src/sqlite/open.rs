//! Opens the connections to a file: permissions, pragmas, migrations, refusals.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{OpenError, StoreError};

/// The first version with the fix for the WAL-reset corruption (sqlite.org/wal.html#walresetbug).
const LEAST_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// After how many pages in the WAL they are moved into the file: at least this many, in one go and with two flushes, so a
/// small number would put that into every commit of a busy daemon. 32 MiB are read back in a moment after a crash.
const CHECKPOINT_PAGES: u32 = 8_192;

/// How many prepared statements a connection keeps; more than the store has distinct ones.
const CACHED_STATEMENTS: usize = 256;

/// What one of the two files holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema {
    /// What operators call it; also in the names of its threads.
    pub(crate) name: &'static str,
    /// Stored in the file's header, so that one file is never taken for the other.
    pub(crate) application_id: i32,
    /// `(V<number>__<name>, SQL)` in order of their numbers. Applied ones are never edited.
    pub(crate) migrations: &'static [(&'static str, &'static str)],
    /// A query for one number that is asked in every commit, so that others can wait for it to change.
    pub(crate) watched: Option<&'static str>,
}

impl Schema {
    /// The latest version this release makes and reads.
    pub(crate) fn latest(&self) -> i32 {
        let number = |name: &str| name.strip_prefix('V')?.split_once("__")?.0.parse().ok();
        let numbers = self.migrations.iter().filter_map(|(name, _)| number(name));
        numbers.max().unwrap_or(0)
    }
}

/// Refuses a file that is not there, or has another schema than this release makes.
pub(crate) fn assert_current(path: &Path, schema: &Schema) -> Result<(), OpenError> {
    fs::metadata(path).map_err(|source| OpenError::File {
        path: path.to_owned(),
        source,
    })?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    refuse_other_files(&connection, path, schema)?;
    let version = applied_version(&connection).map_err(|error| OpenError::Database {
        path: path.to_owned(),
        error,
    })?;
    if version == schema.latest() {
        return Ok(());
    }
    Err(OpenError::OtherSchema {
        path: path.to_owned(),
        found: version,
        known: schema.latest(),
    })
}

/// Opens the connection that writes, creating the file and bringing its schema up to date.
pub(super) fn writer(path: &Path, schema: &Schema, cache_kib: u32) -> Result<Connection, OpenError> {
    assert_sqlite_version()?;
    restrict_to_owner(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let database = |error: rusqlite::Error| OpenError::Database {
        path: path.to_owned(),
        error: error.into(),
    };
    refuse_other_files(&connection, path, schema)?;
    connection
        .pragma_update(None, "page_size", 4096)
        .map_err(database)?;
    connection
        .pragma_update(None, "journal_mode", "wal")
        .map_err(database)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(database)?;
    connection
        .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
        .map_err(database)?;
    connection
        .pragma_update(None, "journal_size_limit", 64 << 20)
        .map_err(database)?;
    connection
        .pragma_update(None, "application_id", schema.application_id)
        .map_err(database)?;
    configure(&connection, cache_kib).map_err(database)?;
    migrate(&mut connection, path, schema)?;
    Ok(connection)
}

/// Opens a connection that can only read. The file exists already.
pub(super) fn reader(path: &Path, cache_kib: u32) -> Result<Connection, OpenError> {
    // Read-write, because a reader maintains the shared memory of the WAL; `query_only` stops the rest.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let database = |error: rusqlite::Error| OpenError::Database {
        path: path.to_owned(),
        error: error.into(),
    };
    configure(&connection, cache_kib).map_err(database)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(database)?;
    Ok(connection)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the store opens databases"
)]
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    // Each connection belongs to one thread, so SQLite's own mutex is not needed.
    Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|error| {
        OpenError::Database {
            path: path.to_owned(),
            error: error.into(),
        }
    })
}

fn configure(connection: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    // Waited for only while something outside this process (a backup, a shell) holds the lock.
    connection.pragma_update(None, "busy_timeout", 5_000)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Savepoints keep their rollback journal there; in a file it costs more than the write itself.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(())
}

pub(super) fn assert_sqlite_version() -> Result<(), OpenError> {
    let (number, required) = LEAST_SQLITE;
    if rusqlite::version_number() < number {
        return Err(OpenError::SqliteTooOld {
            found: rusqlite::version(),
            required,
        });
    }
    Ok(())
}

/// Creates the file if need be and makes it its owner's alone, as SQLite then does with `-wal` and `-shm`.
pub(crate) fn restrict_to_owner(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(failed)?;
    }
    drop(file);
    Ok(())
}

/// Refuses a database of something else. A file without any content is nobody's, and is admitted.
pub(super) fn refuse_other_files(
    connection: &Connection,
    path: &Path,
    schema: &Schema,
) -> Result<(), OpenError> {
    let read = || -> rusqlite::Result<(i32, i64)> {
        let id = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((id, tables))
    };
    let wrong = || OpenError::WrongFile {
        path: path.to_owned(),
        expected: schema.name,
    };
    match read() {
        Ok((id, _)) if id == schema.application_id => Ok(()),
        Ok((0, 0)) => Ok(()),
        Ok(_) => Err(wrong()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => Err(wrong()),
        Err(error) => Err(OpenError::Database {
            path: path.to_owned(),
            error: error.into(),
        }),
    }
}

fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    let failed = |error: refinery::Error| OpenError::Migration {
        path: path.to_owned(),
        reason: describe(&error),
    };
    let mut migrations = Vec::with_capacity(schema.migrations.len());
    for (name, sql) in schema.migrations {
        migrations.push(refinery::Migration::unapplied(name, sql).map_err(failed)?);
    }
    let known = schema.latest();
    let found = applied_version(connection).map_err(|error| OpenError::Database {
        path: path.to_owned(),
        error,
    })?;
    if found > known {
        return Err(OpenError::NewerSchema {
            path: PathBuf::from(path),
            found,
            known,
        });
    }
    // In one transaction: by itself refinery commits a migration before its record, and after a kill between the two
    // every later start would fail at doing it again.
    refinery::Runner::new(&migrations)
        .set_grouped(true)
        .run(connection)
        .map_err(failed)?;
    Ok(())
}

/// The latest migration in the file, 0 when there is none.
pub(super) fn applied_version(connection: &Connection) -> Result<i32, StoreError> {
    let history = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'";
    if connection
        .query_row(history, [], |_row| Ok(()))
        .optional()?
        .is_none()
    {
        return Ok(0);
    }
    let latest = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    Ok(connection.query_row(latest, [], |row| row.get(0))?)
}

fn describe(error: &refinery::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
