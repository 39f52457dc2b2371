//! Shorthand for the stanzas of the protocol: reading theirs and writing ours.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef, SERVER_JID};

/// The name a stanza's sender gives the server itself.
pub(crate) const SERVER: &str = SERVER_JID;

pub(crate) fn text_attr(node: &NodeRef<'_>, key: &str) -> Option<String> {
    node.get_attr(key).map(|value| value.as_str().into_owned())
}

pub(crate) fn attr_is(node: &NodeRef<'_>, key: &str, expected: &str) -> bool {
    node.get_attr(key).is_some_and(|value| value.as_str() == expected)
}

pub(crate) fn jid_attr(node: &NodeRef<'_>, key: &str) -> Option<Jid> {
    node.get_attr(key).and_then(|value| value.to_jid())
}

pub(crate) fn child_bytes<'n>(node: &'n NodeRef<'_>, tag: &str) -> Option<&'n [u8]> {
    node.get_optional_child(tag)?.content_bytes()
}

/// A child of exactly `N` bytes.
pub(crate) fn child_array<const N: usize>(node: &NodeRef<'_>, tag: &str) -> Option<[u8; N]> {
    child_bytes(node, tag)?.try_into().ok()
}

/// Children with this tag, or none at all where the content is something else.
pub(crate) fn children<'n, 'a>(node: &'n NodeRef<'a>, tag: &'n str) -> impl Iterator<Item = &'n NodeRef<'a>> {
    node.children()
        .unwrap_or_default()
        .iter()
        .filter(move |child| child.tag == tag)
}

/// An id of at most 3 bytes, as prekeys have them.
pub(crate) fn short_id(bytes: &[u8]) -> Option<u32> {
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |id, byte| id << 8 | u32::from(*byte)))
}

pub(crate) fn short_id_bytes(id: u32) -> Vec<u8> {
    let [_, bytes @ ..] = id.to_be_bytes();
    bytes.to_vec()
}

pub(crate) fn bytes_node(tag: &'static str, bytes: impl Into<Vec<u8>>) -> Node {
    NodeBuilder::new(tag).bytes(bytes).build()
}

pub(crate) fn empty_node(tag: &'static str) -> Node {
    NodeBuilder::new(tag).build()
}

pub(crate) fn iq_result(id: &str, children: impl IntoIterator<Item = Node>) -> Node {
    let mut children = children.into_iter().peekable();
    let iq = NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("id", id)
        .attr("type", "result");
    if children.peek().is_none() {
        return iq.build();
    }
    iq.children(children).build()
}

pub(crate) fn iq_error(id: &str, code: u16, text: &'static str) -> Node {
    NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("id", id)
        .attr("type", "error")
        .children([NodeBuilder::new("error")
            .attr("code", code)
            .attr("text", text)
            .build()])
        .build()
}

/// `<ib>` carries what the server tells about the connection itself.
pub(crate) fn server_info(child: Node) -> Node {
    NodeBuilder::new("ib")
        .attr("from", SERVER)
        .children([child])
        .build()
}

/// The end of a session, with its reason.
pub(crate) fn stream_error(code: Option<&'static str>, conflict: Option<&'static str>) -> Node {
    let mut error = NodeBuilder::new("stream:error");
    if let Some(code) = code {
        error = error.attr("code", code);
    }
    if let Some(conflict) = conflict {
        error = error.children([NodeBuilder::new("conflict").attr("type", conflict).build()]);
    }
    error.build()
}
