//! Groups: a subject and who takes part. What was decided when a group was made stays.

use chrono::{DateTime, Utc};
use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use crate::address::{lid_jid, pn_jid};

/// As many as WhatsApp takes.
pub(crate) const MAX_PARTICIPANTS: usize = 1_024;
/// All groups of now have ids that begin so.
const ID_PREFIX: &str = "120363";

#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// The JID without its server.
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) created_at: DateTime<Utc>,
    /// The first of them made it.
    pub(crate) participants: Vec<PhoneNumber>,
}

impl Group {
    pub(crate) fn new(subject: String, participants: Vec<PhoneNumber>) -> Self {
        let number = rand::rng().random_range(0..1_000_000_000_000_u64);
        Self {
            id: format!("{ID_PREFIX}{number:012}"),
            subject,
            created_at: crate::clock::now(),
            participants,
        }
    }

    pub(crate) fn jid(&self) -> Jid {
        Jid::group(self.id.as_str())
    }

    pub(crate) fn has(&self, phone: PhoneNumber) -> bool {
        self.participants.contains(&phone)
    }

    /// What clients are told of it. Its participants go by their LIDs, as in every group made lately.
    pub(crate) fn node(&self) -> Node {
        let created = self.created_at.timestamp();
        let mut group = NodeBuilder::new("group")
            .attr("id", self.id.as_str())
            .attr("subject", self.subject.as_str())
            .attr("s_t", created)
            .attr("creation", created)
            .attr("addressing_mode", "lid")
            .attr("size", self.participants.len());
        if let Some(creator) = self.participants.first() {
            group = group
                .attr("creator", lid_jid(*creator, 0))
                .attr("creator_pn", pn_jid(*creator, 0))
                .attr("s_o", lid_jid(*creator, 0));
        }
        let participants = self.participants.iter().enumerate().map(|(index, phone)| {
            let participant = NodeBuilder::new("participant")
                .attr("jid", lid_jid(*phone, 0))
                .attr("phone_number", pn_jid(*phone, 0));
            match index {
                0 => participant.attr("type", "superadmin").build(),
                _ => participant.build(),
            }
        });
        group.children(participants.collect::<Vec<_>>()).build()
    }
}
