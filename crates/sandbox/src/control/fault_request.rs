//! The body of `POST /faults`: which parameters each kind of fault has, and what they may be.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::error::ControlError;
use super::request;
use crate::faults::{Ending, Fault, IkRefusal, Kind, Left, LoginRefusal, Order, Trap};

/// The longest time a fault may be put off.
const MAX_DELAY_MS: u64 = 600_000;
/// The longest time the server may be late.
const MAX_LATENCY_MS: u64 = 60_000;
/// The reasons for which WhatsApp refuses a login.
const LOGIN_CODES: [u16; 9] = [400, 401, 402, 403, 405, 406, 409, 500, 503];
/// The one of them that says for how long.
const BAN: u16 = 402;
const BAN_SECONDS: u32 = 3_600;
/// What WhatsApp says to a message it will not take.
const NACK_CODE: u16 = 479;

/// Every parameter there is; a kind takes those it has, and what is left over is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    phone: String,
    kind: Kind,
    device: Option<u16>,
    delay_ms: Option<u64>,
    count: Option<u32>,
    #[serde(default, deserialize_with = "number_or_digits")]
    code: Option<u16>,
    seconds: Option<u32>,
    drop: Option<bool>,
    mode: Option<IkRefusal>,
    latency_ms: Option<u64>,
    frames: Option<u64>,
}

pub(super) fn read_order(body: &[u8]) -> Result<Order, ControlError> {
    let mut request: Request = request::body(body)?;
    let phone = request::parse_phone("phone", &request.phone)?;
    let delay_ms = request.delay_ms.unwrap_or(0);
    if delay_ms > MAX_DELAY_MS {
        return Err(ControlError::invalid("delayMs", "must be 0 to 600000"));
    }
    let fault = request.take_fault()?;
    request.is_used_up()?;
    Ok(Order {
        phone,
        device: request.device,
        kind: request.kind,
        fault,
        delay: Duration::from_millis(delay_ms),
    })
}

impl Request {
    fn take_fault(&mut self) -> Result<Fault, ControlError> {
        Ok(match self.kind {
            Kind::Close => Fault::End(Ending::Close),
            Kind::StreamEnd => Fault::End(Ending::StreamEnd),
            Kind::Restart => Fault::End(Ending::Restart),
            Kind::Unavailable => Fault::End(Ending::Unavailable),
            Kind::SlowDown => Fault::End(Ending::SlowDown),
            Kind::Replaced => Fault::End(Ending::Replaced),
            Kind::Logout => Fault::End(Ending::Logout),
            Kind::UnknownError => Fault::End(Ending::UnknownError),
            Kind::LoginFailure => Fault::Arm {
                trap: Trap::LoginFailure(self.take_refusal()?),
                left: self.take_left(),
                drop: self.drop.take().unwrap_or(true),
            },
            Kind::IkFailure => Fault::Arm {
                trap: Trap::IkFailure {
                    mode: self.mode.take().unwrap_or_default(),
                },
                left: self.take_left(),
                drop: self.drop.take().unwrap_or(true),
            },
            Kind::Mute => self.arm(Trap::Mute),
            Kind::Slow => Fault::Arm {
                trap: Trap::Slow {
                    latency_ms: self.take_latency()?,
                },
                left: Left::UntilCleared,
                drop: false,
            },
            Kind::LoseAcks => self.arm(Trap::LoseAcks),
            Kind::LoseMessages => self.arm(Trap::LoseMessages),
            Kind::Nack => {
                let code = self.take_nack_code()?;
                self.arm(Trap::Nack { code })
            }
            Kind::DuplicateDelivery => self.arm(Trap::DuplicateDelivery),
            Kind::DropFramesAfter => Fault::DropFramesAfter(self.take_frames()?),
            Kind::Undecryptable => self.arm(Trap::Undecryptable),
        })
    }

    fn arm(&mut self, trap: Trap) -> Fault {
        Fault::Arm {
            trap,
            left: self.take_left(),
            drop: false,
        }
    }

    fn take_left(&mut self) -> Left {
        Left::from_count(self.count.take().unwrap_or(1))
    }

    fn take_refusal(&mut self) -> Result<LoginRefusal, ControlError> {
        let code = self.code.take().ok_or_else(|| missing("code"))?;
        if !LOGIN_CODES.contains(&code) {
            let codes = LOGIN_CODES.map(|code| code.to_string()).join(", ");
            return Err(ControlError::invalid("code", format!("must be one of {codes}")));
        }
        let seconds = (code == BAN).then(|| self.seconds.take().unwrap_or(BAN_SECONDS));
        Ok(LoginRefusal { code, seconds })
    }

    fn take_nack_code(&mut self) -> Result<u16, ControlError> {
        match self.code.take().unwrap_or(NACK_CODE) {
            code @ 400..=599 => Ok(code),
            _ => Err(ControlError::invalid("code", "must be 400 to 599")),
        }
    }

    fn take_latency(&mut self) -> Result<u64, ControlError> {
        match self.latency_ms.take() {
            Some(latency @ 1..=MAX_LATENCY_MS) => Ok(latency),
            Some(_) => Err(ControlError::invalid("latencyMs", "must be 1 to 60000")),
            None => Err(missing("latencyMs")),
        }
    }

    fn take_frames(&mut self) -> Result<u64, ControlError> {
        self.frames.take().ok_or_else(|| missing("frames"))
    }

    /// Nothing may be left that this kind does not have.
    fn is_used_up(&self) -> Result<(), ControlError> {
        let parameters = [
            ("count", self.count.is_some()),
            ("code", self.code.is_some()),
            ("seconds", self.seconds.is_some()),
            ("drop", self.drop.is_some()),
            ("mode", self.mode.is_some()),
            ("latencyMs", self.latency_ms.is_some()),
            ("frames", self.frames.is_some()),
        ];
        match parameters.iter().find(|(_, is_left)| *is_left) {
            Some((field, _)) => Err(ControlError::invalid(field, "does not apply to this fault")),
            None => Ok(()),
        }
    }
}

fn missing(field: &str) -> ControlError {
    ControlError::invalid(field, "is required for this kind")
}

/// WhatsApp's codes are text on the wire, and numbers to most who think of them.
fn number_or_digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a number or a string of digits")]
    enum Code {
        Number(u16),
        Digits(String),
    }
    match Option::<Code>::deserialize(deserializer)? {
        Some(Code::Number(code)) => Ok(Some(code)),
        Some(Code::Digits(digits)) => digits.parse().map(Some).map_err(serde::de::Error::custom),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn order(kind: &str, parameters: Value) -> Result<Order, String> {
        let mut body = json!({ "phone": "+15551234567", "kind": kind });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(parameters.as_object().expect("an object").clone());
        read_order(body.to_string().as_bytes()).map_err(|error| match error {
            ControlError::Validation { field, .. } => field,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let fault = |kind, parameters| order(kind, parameters).expect("an order").fault;
        let once = Left::from_count(1);
        assert_eq!(
            fault("nack", json!({})),
            Fault::Arm {
                trap: Trap::Nack { code: 479 },
                left: once,
                drop: false
            }
        );
        assert_eq!(
            fault("login_failure", json!({ "code": "402", "count": 0 })),
            Fault::Arm {
                trap: Trap::LoginFailure(LoginRefusal {
                    code: 402,
                    seconds: Some(3600)
                }),
                left: Left::UntilCleared,
                drop: true
            }
        );
        assert_eq!(
            fault("ik_failure", json!({ "drop": false })),
            Fault::Arm {
                trap: Trap::IkFailure {
                    mode: IkRefusal::Fallback
                },
                left: once,
                drop: false
            }
        );
        let delayed = order("close", json!({ "delayMs": 600_000, "device": 3 })).expect("an order");
        assert_eq!((delayed.device, delayed.delay.as_secs()), (Some(3), 600));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (kind, parameters, field) in [
            ("flood", json!({}), "kind"),
            ("close", json!({ "phone": "1" }), "phone"),
            ("close", json!({ "device": -1 }), "device"),
            ("close", json!({ "delayMs": 600_001 }), "delayMs"),
            ("close", json!({ "count": 2 }), "count"),
            ("close", json!({ "often": 2 }), "often"),
            ("restart", json!({ "code": 515 }), "code"),
            ("login_failure", json!({}), "code"),
            ("login_failure", json!({ "code": 404 }), "code"),
            ("login_failure", json!({ "code": true }), "code"),
            ("login_failure", json!({ "code": "many" }), "code"),
            ("login_failure", json!({ "code": 401, "seconds": 9 }), "seconds"),
            ("login_failure", json!({ "code": 402, "seconds": -9 }), "seconds"),
            ("ik_failure", json!({ "mode": "shrug" }), "mode"),
            ("mute", json!({ "drop": true }), "drop"),
            ("slow", json!({}), "latencyMs"),
            ("slow", json!({ "latencyMs": 0 }), "latencyMs"),
            ("slow", json!({ "latencyMs": 5, "count": 1 }), "count"),
            ("nack", json!({ "code": 200 }), "code"),
            ("nack", json!({ "mode": "reject" }), "mode"),
            ("lose_acks", json!({ "count": -1 }), "count"),
            ("drop_frames_after", json!({}), "frames"),
            ("undecryptable", json!({ "frames": 1 }), "frames"),
        ] {
            let named = order(kind, parameters.clone()).err();
            assert_eq!(named.as_deref(), Some(field), "{kind} {parameters}");
        }
    }
}
