//! The JSON of events, as webhooks, streams and the documentation show it.
