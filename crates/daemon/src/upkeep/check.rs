//! `postern check`.

use std::time::Duration;

use postern_store::{Check, CheckStep};
use tokio::sync::watch;
use tokio::time::{Instant, interval};

use super::status::Status;
use super::{data_dir, report};
use crate::cli::CheckFlags;
use crate::print::print;

/// How often a terminal shows how far it is.
const LIVE: Duration = Duration::from_millis(250);
/// How often a line says so where there is none.
const PLAIN: Duration = Duration::from_secs(10);

pub(crate) async fn command(flags: CheckFlags, environment: Vec<(String, String)>) -> anyhow::Result<()> {
    let check = Check {
        data_dir: data_dir(flags.data, environment)?,
    };
    let folder = check.data_dir.display().to_string();
    let (tell, told) = watch::channel(None);
    let mut looking = tokio::task::spawn_blocking(move || {
        check.run(&mut |step| {
            tell.send_replace(Some(step));
        })
    });
    let checks = tokio::select! {
        looked = &mut looking => looked,
        () = follow(told) => looking.await,
    }??;
    let text = if flags.json {
        report::json(&folder, &checks)?
    } else {
        report::table(&checks)
    };
    print(&text)?;
    let broken = checks.iter().filter(|check| check.is_broken()).count();
    anyhow::ensure!(
        broken == 0,
        "{broken} of {} checks found something broken in {folder}",
        checks.len()
    );
    Ok(())
}

/// Says which check is being made, for as long as they are.
async fn follow(told: watch::Receiver<Option<CheckStep>>) {
    let mut status = Status::on_stderr();
    let began = Instant::now();
    let mut ticks = interval(if status.is_live() { LIVE } else { PLAIN });
    ticks.tick().await;
    while told.has_changed().is_ok() {
        ticks.tick().await;
        let step = *told.borrow();
        if let Some(CheckStep {
            number,
            all,
            file,
            name,
        }) = step
        {
            let seconds = began.elapsed().as_secs();
            status.show(&format!("check {number} of {all}: {name} of {file}, {seconds} s"));
        }
    }
}
