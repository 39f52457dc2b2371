//! Copies a database while another process writes to it.
//!
//! SQLite's online backup, some pages at a time with pauses, out of one snapshot. The snapshot is what makes it end:
//! without one the copy starts again whenever somebody commits, which under load is for ever. With it the copy is the
//! database as it was when the copy began, and no writer is held up.
//!
//! `VACUUM INTO` would keep a snapshot too, and makes every table and index anew in one statement, which can neither
//! pause nor say how far it is.

use std::ffi::c_int;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Beside, OpenError, StoreError, open};

/// Pages that are copied between two pauses: 1 MiB.
const PAGES_AT_ONCE: c_int = 256;
/// Steps after which what was copied is flushed: 8 MiB. All at once in the end it would hold up the daemon's own flushes.
const STEPS_PER_FLUSH: usize = 8;
/// The longest pause. Each is as long as what went before it, so that a busy disk is the daemon's half the time.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What is added to the name of a database, nothing first, for it and the files that SQLite keeps beside it.
pub(crate) const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Copies `source` as it is now into the file `to`, its owner's alone and on the disk when this returns.
///
/// Whatever was at `to` is gone. The copy is one file, without a WAL. `progress` is told how many pages are done, of
/// how many.
///
/// # Errors
/// The source cannot be read or the copy not be written. What is at `to` then is of no use.
pub(crate) fn copy(source: &Beside, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), OpenError> {
    let failed = |error: StoreError| OpenError::Database {
        path: to.to_owned(),
        error,
    };
    let unusable = |source| OpenError::File {
        path: to.to_owned(),
        source,
    };
    remove(to).map_err(unusable)?;
    open::restrict_to_owner(to)?;
    let mut target = open::connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let file = File::open(to).map_err(unusable)?;
    source
        .in_snapshot(|source| copy_pages(source, &mut target, &file, progress))
        .map_err(failed)?;
    close(target).map_err(failed)?;
    file.sync_all().map_err(unusable)
}

fn copy_pages(
    source: &Connection,
    target: &mut Connection,
    file: &File,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    // A copy that is cut short is thrown away, and a complete one flushed as a whole: no journal, no flushes.
    target.pragma_update(None, "locking_mode", "exclusive")?;
    target.pragma_update(None, "journal_mode", "off")?;
    target.pragma_update(None, "synchronous", "off")?;
    let backup = Backup::new(source, target)?;
    for number in 1_usize.. {
        let began = Instant::now();
        let step = backup.step(PAGES_AT_ONCE)?;
        if number.is_multiple_of(STEPS_PER_FLUSH) {
            // What cannot be flushed now cannot be in the end, which is when it matters.
            file.sync_data().ok();
        }
        let (all, left) = (backup.progress().pagecount, backup.progress().remaining);
        progress(pages(all - left), pages(all));
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => thread::sleep(began.elapsed().min(LONGEST_PAUSE)),
            // Locked, and not the source: that is being read already.
            _ => break,
        }
    }
    Err(StoreError::Database("another process uses the copy".to_owned()))
}

/// The copy says of itself that it has a WAL, as its source does. From now on it has none, until a daemon opens it.
fn close(target: Connection) -> Result<(), StoreError> {
    target.pragma_update(None, "journal_mode", "delete")?;
    target.close().map_err(|(_connection, error)| error.into())
}

/// Removes a file and what SQLite keeps beside it, if they are there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for suffix in BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn pages(count: c_int) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
