//! The pages: a file for each, with its forms.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod devices;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod sandbox;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod usage;
pub(crate) mod webhooks;
pub(crate) mod workspaces;

use maud::{Markup, html};

use crate::failure::Failure;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, bare, shell};

/// What is shown instead of a page.
pub(crate) fn failure(failure: &Failure, person: Option<&Person>) -> Markup {
    let inner = html! {
        section class="empty" {
            span class="empty-icon" { (icon(Icon::Alert)) }
            h1 { (failure.title()) }
            p { (failure.advice()) }
            a class="button quiet" href="/" { "Go to the overview" }
        }
    };
    match person {
        Some(person) => shell(person, Place::Elsewhere, failure.title(), inner),
        None => bare(failure.title(), inner),
    }
}

/// What a page says of something that was done just before, by the word in its address.
pub(crate) fn done(word: &str) -> &'static str {
    match word {
        "paused" => "Paused. The keys stay; messages wait.",
        "resumed" => "Resumed. It logs in again.",
        "reconnecting" => "It logs in anew.",
        "logged-out" => "The link is being taken back.",
        "released" => "The parked messages are queued again.",
        "discarded" => "The parked messages were canceled.",
        "paced" => "Saved. It counts from the next message on.",
        "renamed" => "Renamed.",
        "removed" => "The device is being logged out and removed.",
        "accepted" => "Accepted. It is on disk, and on its way.",
        "retried" => "Queued again.",
        "canceled" => "Canceled.",
        "added" => "Added. Give them the password over a safe way.",
        "role" => "The role was changed.",
        "password" => "The password was changed. Other sessions of theirs were logged out.",
        "gone" => "Removed.",
        "hook-paused" => "Paused. Events are kept for it.",
        "hook-enabled" => "Enabled. It goes on where it stood.",
        "hook-changed" => "Saved.",
        "hook-removed" => "The webhook was removed.",
        "replay" => "They are being looked for and sent again.",
        "again" => "It is being sent again.",
        "key-revoked" => "The key was revoked.",
        "workspace-changed" => "Saved.",
        "workspace-off" => "Deactivated. Its keys are refused, and nothing leaves.",
        "workspace-on" => "Activated. What waited leaves.",
        "scanned" => "The phone accepted the code.",
        "written" => "The contact wrote.",
        "contact" => "The contact behaves so from now on.",
        "struck" => "It struck. See what becomes of the device.",
        _ => "",
    }
}
