//! Pages of a list: the limit, the opaque cursor, and the answer.

use postern_domain::{ApiKeyId, DeviceId, WebhookId, WorkspaceId};
use postern_store::PageStart;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{FromQuery, QueryFields};
use crate::texts;

/// How many rows a page has unless told.
const DEFAULT_LIMIT: u32 = 20;
/// How many rows a page has at most.
const MAX_LIMIT: u32 = 200;
/// Cursors of another version are refused, so that their content may change.
const CURSOR_VERSION: u8 = 1;

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    /// The rows of this page.
    pub(crate) data: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    #[schema(required, example = json!(null))]
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    /// These rows, and where those after them begin.
    pub(crate) fn new<C: Cursor>(rows: impl IntoIterator<Item = impl Into<T>>, next: Option<&C>) -> Self {
        Self {
            data: rows.into_iter().map(Into::into).collect(),
            next_cursor: next.map(encode),
        }
    }
}

/// Which page of a list that takes no filters.
pub(crate) struct WhichPage<C> {
    pub(crate) limit: usize,
    pub(crate) cursor: Option<C>,
}

impl<C: Cursor + 'static> FromQuery for WhichPage<C> {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How the limit and the cursor of every list are documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct PageParams {
    /// How many rows a page has at most.
    #[param(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[param(value_type = Option<texts::Cursor>)]
    cursor: Option<String>,
}

/// Where a list goes on. Opaque to callers; each kind of list has its own letter.
pub(crate) trait Cursor: Sized {
    const KIND: u8;
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Cursor for PageStart {
    const KIND: u8 = b'm';

    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

macro_rules! cursors {
    ($($id:ident = $kind:literal;)*) => {$(
        impl Cursor for $id {
            const KIND: u8 = $kind;

            fn to_bytes(&self) -> Vec<u8> {
                (*self).to_bytes().to_vec()
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}

cursors! {
    DeviceId = b'd';
    ApiKeyId = b'k';
    WebhookId = b'w';
    WorkspaceId = b's';
}

/// Where the audit trail goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditStart(pub(crate) PageStart);

impl Cursor for AuditStart {
    const KIND: u8 = b'u';

    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        PageStart::from_bytes(bytes).map(Self)
    }
}

/// Where a list of tries to reach an endpoint goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttemptsStart(pub(crate) PageStart);

impl Cursor for AttemptsStart {
    const KIND: u8 = b'a';

    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        PageStart::from_bytes(bytes).map(Self)
    }
}

/// The text a caller gets and sends back.
pub(crate) fn encode<C: Cursor>(cursor: &C) -> String {
    let mut bytes = vec![CURSOR_VERSION, C::KIND];
    bytes.extend(cursor.to_bytes());
    hex::encode(bytes)
}

fn decode<C: Cursor>(text: &str) -> Option<C> {
    let bytes = hex::decode(text).ok()?;
    let position = bytes.strip_prefix(&[CURSOR_VERSION, C::KIND])?;
    C::from_bytes(position)
}

impl QueryFields {
    /// How many rows the caller wants.
    pub(crate) fn limit(&mut self) -> usize {
        let limit = self.number("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// Where the page starts.
    pub(crate) fn cursor<C: Cursor>(&mut self) -> Option<C> {
        self.take("cursor", |text| {
            decode(text).ok_or("is not a cursor of this list; send `nextCursor` of the page before")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_nothing_else_does() {
        let device = DeviceId::generate();
        assert_eq!(decode(&encode(&device)), Some(device));
        assert_eq!(decode(&encode(&PageStart(77))), Some(PageStart(77)));
        let text = encode(&PageStart(77));
        let newer = format!("02{}", &text[2..]);
        let cut = text[..text.len() - 2].to_owned();
        for bad in [
            "",
            "zz",
            "é",
            &encode(&device),
            &newer,
            &cut,
            &format!("{text}00"),
        ] {
            assert_eq!(decode::<PageStart>(bad), None, "{bad}");
        }
    }
}
