//! Every metric: its name, its labels and what it means. `docs/observability.md` lists the same, and a test compares them.

use super::family::About;
use super::family::Kind::{Counter, Gauge, Histogram};

macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal)*] $help:literal;)*) => {
        $(
            pub(super) const $constant: &About = &About {
                name: $name,
                kind: $kind,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// All of them, in the order in which they are rendered.
        pub(super) const ALL: &[&About] = &[$($constant),*];
    };
}

families! {
    BUILD = Gauge "postern_build_info" ["version" "sandbox"]
        "Always 1; the labels say which build runs.";
    ACCEPTED = Counter "postern_messages_accepted" []
        "Messages that were accepted to be sent.";
    STATUSES = Counter "postern_message_statuses" ["status"]
        "How often a message took on a status: processing is an attempt, sent the word of WhatsApp's server.";
    FAILURES = Counter "postern_message_failures" ["code"]
        "Messages that failed for good, by the code the API shows.";
    ACCEPT_SECONDS = Histogram "postern_accept_seconds" []
        "From the call to the durable commit of an acceptance.";
    SENT_SECONDS = Histogram "postern_message_sent_seconds" []
        "From when a message could leave to the word of WhatsApp's server.";
    DELIVERED_SECONDS = Histogram "postern_message_delivered_seconds" []
        "From when a message could leave to the word of the recipient's phone.";
    OUTBOX = Gauge "postern_outbox_messages" ["lane"]
        "Messages that wait, by their lane in the outbox; counting ends at 500000.";
    DEVICES = Gauge "postern_devices" ["state"]
        "Devices by their state.";
    RECONNECTS = Counter "postern_device_reconnects" []
        "Logins of devices that had lost their connection.";
    REQUESTS = Histogram "postern_http_request_seconds" ["method" "route" "status"]
        "Requests to the API by route and class of status; pages and unknown paths are the route other.";
    WEBHOOK_ATTEMPTS = Counter "postern_webhook_attempts" ["outcome"]
        "Tries to deliver events: delivered, or why not.";
    WEBHOOK_SECONDS = Histogram "postern_webhook_attempt_seconds" []
        "How long tries to deliver events took.";
    WEBHOOK_ENDPOINTS = Gauge "postern_webhook_endpoints" ["state"]
        "Webhook endpoints, enabled and disabled.";
    WEBHOOK_LAG = Gauge "postern_webhook_lag_events" []
        "How far the enabled endpoint that is furthest behind is from the end of the event log.";
    WEBHOOK_DELIVERIES = Gauge "postern_webhook_deliveries" ["state"]
        "Deliveries that wait for another try or are parked; counting ends at 500000.";
    WRITES_WAITING = Gauge "postern_writer_queue_jobs" ["database"]
        "Writes that wait for their commit.";
    WRITER_JOBS = Histogram "postern_writer_commit_jobs" ["database"]
        "How many writes shared a commit.";
    WRITER_SECONDS = Histogram "postern_writer_commit_seconds" ["database"]
        "How long commits took, with the writes in them.";
    WRITER_FAILURES = Counter "postern_writer_failures" ["database"]
        "Commits that failed with all the writes in them: the disk is full or broken.";
    TABLES = Gauge "postern_tables_readable" []
        "1 when the database answered in time; 0 when the metrics that are counted in tables are missing.";
    FILES = Gauge "postern_file_bytes" ["file"]
        "Sizes of the databases and of their write-ahead logs.";
    MEMORY = Gauge "process_resident_memory_bytes" []
        "Memory that the process holds.";
    CPU = Counter "process_cpu_seconds" []
        "Processor time that the process used.";
    THREADS = Gauge "process_threads" []
        "Threads of the process.";
    OPEN_FILES = Gauge "process_open_fds" []
        "Files and sockets that the process has open.";
    MOST_FILES = Gauge "process_max_fds" []
        "How many it may have open.";
    STARTED = Gauge "process_start_time_seconds" []
        "When the daemon started, as Unix time.";
}
