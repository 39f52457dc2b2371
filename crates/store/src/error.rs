//! Why the store could not do something.

/// A read or write failed. Nothing of it was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too many writes are waiting; try again in a moment.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The store is closed or its thread ended.
    #[error("the store is closed")]
    Closed,
    /// The disk is full or the file cannot be written.
    #[error("the disk is full or read-only")]
    DiskFull,
    /// The database failed, or holds something this release cannot read.
    #[error("database error: {0}")]
    Database(String),
}

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Placeholder until the writer exists.
    #[error("{0}")]
    Database(String),
}
