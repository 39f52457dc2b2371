//! `GET /v1/analytics/summary`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use actix_web::{HttpResponse, web};
use postern_domain::{Day, DeviceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::dto::Figures;
use crate::errors::{ApiError, FieldError};
use crate::extract::{FromQuery, Query, QueryFields};
use crate::texts;
use crate::{Api, Caller};

/// How many days are summed up unless told.
const DEFAULT_DAYS: i64 = 30;
/// How many days can be summed up at most.
const MAX_DAYS: i64 = 366;

/// Which messages to sum up.
pub(crate) struct Summarize {
    from: Option<Day>,
    until: Option<Day>,
    device: Option<DeviceId>,
}

impl FromQuery for Summarize {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            from: fields.id("from"),
            until: fields.id("until"),
            device: fields.id("deviceId"),
        }
    }
}

impl Summarize {
    fn days(&self, today: Day) -> Result<RangeInclusive<Day>, ApiError> {
        let until = self.until.unwrap_or(today);
        let from = self.from.unwrap_or(until.plus(1 - DEFAULT_DAYS));
        let refuse = |why| Err(ApiError::fields(vec![FieldError::new("from", why)]));
        match until.since(from) + 1 {
            ..=0 => refuse(format!("must not be after the last day, {until}")),
            1..=MAX_DAYS => Ok(from..=until),
            _ => refuse(format!(
                "at most {MAX_DAYS} days can be summed up; the last one is {until}"
            )),
        }
    }
}

/// How [`Summarize`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct SummarizeParams {
    /// The first day, in UTC; 29 days before the last one unless given, at most 365.
    #[param(format = Date, example = "2026-11-01")]
    from: Option<String>,
    /// The last day, in UTC; today unless given.
    #[param(format = Date, example = "2026-11-30")]
    until: Option<String>,
    /// Only messages of this device.
    #[param(rename = "deviceId", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    #[param(value_type = Option<texts::DeviceId>)]
    device_id: Option<String>,
}

/// What became of the messages that were accepted or received on some days.
#[derive(Serialize, ToSchema)]
struct Summary {
    /// The first day, in UTC.
    #[schema(format = Date, example = "2026-11-01")]
    from: String,
    /// The last day, in UTC.
    #[schema(format = Date, example = "2026-11-30")]
    until: String,
    /// All of them.
    #[serde(flatten)]
    all: Figures,
    /// The same for each device that has any, devices that were removed included.
    devices: Vec<OfDevice>,
    /// The same for each day, the first one first; days without messages included.
    days: Vec<OfDay>,
}

/// What became of the messages of a device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OfDevice {
    /// The device.
    #[schema(example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    device_id: String,
    #[serde(flatten)]
    figures: Figures,
}

/// What became of the messages of a day.
#[derive(Serialize, ToSchema)]
struct OfDay {
    /// The day they were accepted or received on, in UTC.
    #[schema(format = Date, example = "2026-11-01")]
    date: String,
    #[serde(flatten)]
    figures: Figures,
}

impl Summary {
    fn new(days: &RangeInclusive<Day>, found: postern_store::Summary) -> Self {
        let (from, until) = (*days.start(), *days.end());
        let counted: BTreeMap<_, _> = found.days.into_iter().collect();
        let none = postern_store::Figures::default();
        let all_days = (0..=until.since(from)).map(|after| from.plus(after));
        Self {
            from: from.to_string(),
            until: until.to_string(),
            all: Figures::from(&found.all),
            devices: found
                .devices
                .iter()
                .map(|(device, figures)| OfDevice {
                    device_id: device.to_string(),
                    figures: Figures::from(figures),
                })
                .collect(),
            days: all_days
                .map(|day| OfDay {
                    date: day.to_string(),
                    figures: Figures::from(counted.get(&day).unwrap_or(&none)),
                })
                .collect(),
        }
    }
}

/// Sum up messages
///
/// How many messages there were, what became of them and how long it took: of all, of each device and of each day. A
/// message belongs to the day it was accepted or received on, in UTC, whatever happens to it later. The numbers are kept
/// up to date with the messages, so that asking costs the same however many there are, and messages that were deleted
/// because of their age stay counted.
#[utoipa::path(
    get, path = "/v1/analytics/summary", tag = "Analytics", operation_id = "getAnalyticsSummary",
    params(SummarizeParams),
    responses((status = 200, description = "The numbers.", body = Summary)),
)]
pub(crate) async fn summary(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<Summarize>,
) -> Result<HttpResponse, ApiError> {
    let days = query.days(Day::of(api.clock.now()))?;
    let found = api
        .store
        .summary(caller.workspace, query.device, days.clone())
        .await?;
    Ok(HttpResponse::Ok().json(Summary::new(&days, found)))
}
