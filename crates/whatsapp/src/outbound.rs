//! One attempt to send a message.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::{Outgoing, SendError};
use postern_domain::{Address, PhoneNumber};
use tokio::time::timeout;
use waproto::whatsapp::Message;
use whatsapp_rust::{Client, ContactError, IqError, SendOptions};

use crate::config::Deadlines;
use crate::recipients::Recipients;
use crate::redact::redacted;
use crate::report::Reporter;
use crate::{address, content};

/// Sends for one device.
pub(crate) struct Sender {
    pub(crate) client: Arc<Client>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) recipients: Recipients,
    pub(crate) deadlines: Deadlines,
}

impl Sender {
    /// Encrypts and writes, or says why not; within the deadline.
    pub(crate) async fn send(&self, message: &Outgoing) -> Result<(), SendError> {
        let body = content::outgoing(&message.content).ok_or_else(|| {
            SendError::NotSendable(format!(
                "this release cannot send {}",
                message.content.type_name()
            ))
        })?;
        if !self.is_ready().await {
            return Err(SendError::NotConnected);
        }
        // Boxed: a send to a new recipient is a deep pile of futures.
        timeout(self.deadlines.send, Box::pin(self.attempt(message, body)))
            .await
            .map_err(|_elapsed| SendError::TimedOut)?
    }

    /// The client would hold a message back for a minute while it is between connections.
    async fn is_ready(&self) -> bool {
        self.reporter.is_online() && self.client.wait_for_connected(Duration::ZERO).await.is_ok()
    }

    async fn attempt(&self, message: &Outgoing, body: Message) -> Result<(), SendError> {
        if let Address::Phone(phone) = &message.to {
            self.require_on_whatsapp(*phone).await?;
        }
        if !message.typing.is_zero() {
            self.type_for(message).await;
        }
        let options = SendOptions::default().with_message_id(message.stanza.as_str());
        self.client
            .send_message_with_options(address::jid(&message.to), body, options)
            .await
            .map(|_written| ())
            .map_err(|failure| failed(&message.to, failure))
    }

    /// Whether anybody sees it does not matter to the message.
    async fn type_for(&self, message: &Outgoing) {
        let chat = address::jid(&message.to);
        if let Err(failure) = self.client.chatstate().send_composing(&chat).await {
            let failure = redacted(failure);
            tracing::debug!(device.id = %self.reporter.device, %failure, "the account could not be shown as typing");
        }
        tokio::time::sleep(message.typing).await;
    }

    /// Whoever has a hidden number has an account; who has none that is known is asked for.
    async fn require_on_whatsapp(&self, phone: PhoneNumber) -> Result<(), SendError> {
        let jid = address::jid(&Address::Phone(phone));
        if let Ok(Some(_pair)) = self.client.get_lid_pn_entry(&jid).await {
            return Ok(());
        }
        let ask = async {
            let contacts = self.client.contacts();
            let question = contacts.is_on_whatsapp(std::slice::from_ref(&jid));
            let answers = timeout(self.deadlines.recipient, question)
                .await
                .map_err(|_elapsed| {
                    SendError::Failed("WhatsApp did not say in time whether the recipient exists".to_owned())
                })?
                .map_err(not_answered)?;
            match answers.first() {
                Some(answer) if answer.contact_error.is_none() => Ok(answer.is_registered),
                _ => Err(SendError::Failed(
                    "WhatsApp does not say whether the recipient exists".to_owned(),
                )),
            }
        };
        if self.recipients.is_on_whatsapp(phone, ask).await? {
            Ok(())
        } else {
            Err(SendError::NotOnWhatsApp)
        }
    }
}

fn not_answered(failure: ContactError) -> SendError {
    match failure {
        ContactError::Iq(IqError::NotConnected | IqError::Disconnected(_)) => SendError::NotConnected,
        other => SendError::Failed(redacted(other)),
    }
}

/// Whether another attempt makes sense.
fn failed(to: &Address, failure: whatsapp_rust::SendError) -> SendError {
    use whatsapp_rust::SendError as Failure;
    match failure {
        Failure::NotLoggedIn | Failure::Client(_) => SendError::NotConnected,
        Failure::Iq(IqError::NotConnected | IqError::Disconnected(_)) => SendError::NotConnected,
        // The account is not a member, or there is no such group.
        Failure::Iq(IqError::ServerError {
            code: code @ (401 | 403 | 404),
            ..
        }) if matches!(to, Address::Group(_)) => {
            SendError::NotSendable(format!("WhatsApp refuses access to the group ({code})"))
        }
        Failure::InvalidRequest(why) => SendError::NotSendable(redacted(why)),
        other => SendError::Failed(redacted(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16) -> whatsapp_rust::SendError {
        whatsapp_rust::SendError::Iq(IqError::ServerError {
            code,
            text: "no".to_owned(),
            error_type: None,
            backoff: None,
        })
    }

    #[test]
    fn only_what_can_be_mended_is_tried_again() {
        let person: Address = "+15551234567".parse().expect("a number");
        let group: Address = "120363021033254949@g.us".parse().expect("a group");
        for (to, failure, expected) in [
            (&person, whatsapp_rust::SendError::NotLoggedIn, "not connected"),
            (
                &person,
                whatsapp_rust::SendError::Iq(IqError::NotConnected),
                "not connected",
            ),
            (
                &person,
                whatsapp_rust::SendError::InvalidRequest("no session with 15551234567".to_owned()),
                "the message cannot be sent: no session with …",
            ),
            (
                &group,
                refused(404),
                "the message cannot be sent: WhatsApp refuses access to the group (404)",
            ),
            (
                &group,
                refused(500),
                "the attempt failed: IQ request failed: received a server error response: code=500, text='no'",
            ),
            (
                &person,
                refused(404),
                "the attempt failed: IQ request failed: received a server error response: code=404, text='no'",
            ),
        ] {
            assert_eq!(failed(to, failure).to_string(), expected);
        }
    }
}
