//! Follows the event log: match, sign, guard, deliver, retry, park.
