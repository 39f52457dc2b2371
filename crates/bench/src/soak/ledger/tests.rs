//! Each way in which the ledgers can disagree is found, and nothing else.

use super::*;

fn told(number: u64) -> Told {
    Told {
        device: 1,
        text: format!("text {number}"),
        id: format!("msg_{number}"),
        asked: Duration::from_secs(number),
        at: Duration::from_millis(number * 1_000 + 500),
    }
}

fn stored(number: u64, status: &str) -> Stored {
    Stored {
        id: format!("msg_{number}"),
        text: format!("text {number}"),
        stanza: format!("stanza {number}"),
        status: status.to_owned(),
        lived: Duration::from_secs(1),
    }
}

fn received(number: u64) -> Received {
    Received {
        text: format!("text {number}"),
        stanza: format!("stanza {number}"),
        copies: 1,
    }
}

fn faults(problems: Vec<Problem>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = problems.into_iter().map(|problem| problem.fault).collect();
    faults.sort_unstable();
    faults
}

/// Two accepted messages, of which the second is told as given.
fn with_second(row: Option<Stored>, copies: Vec<Received>) -> Vec<Fault> {
    let rows: Vec<Stored> = std::iter::once(stored(1, "read")).chain(row).collect();
    let list = std::iter::once(received(1)).chain(copies).collect();
    faults(outbound(&[told(1), told(2)], &rows, &[list]))
}

#[test]
fn agreement_is_silent() {
    for status in ["delivered", "read", "played"] {
        assert_eq!(with_second(Some(stored(2, status)), vec![received(2)]), []);
    }
    // WhatsApp folds what comes again under its stanza id.
    let again = Received {
        copies: 3,
        ..received(2)
    };
    assert_eq!(with_second(Some(stored(2, "read")), vec![again]), []);
}

#[test]
fn each_disagreement_has_its_name() {
    let other = Received {
        stanza: "another".to_owned(),
        ..received(2)
    };
    assert_eq!(with_second(None, vec![]), [Fault::Lost]);
    assert_eq!(with_second(None, vec![received(2)]), [Fault::Lost]);
    for status in ["sent", "delivered", "read"] {
        assert_eq!(with_second(Some(stored(2, status)), vec![]), [Fault::Lost]);
    }
    for status in ["queued", "processing", "retrying"] {
        assert_eq!(
            with_second(Some(stored(2, status)), vec![received(2)]),
            [Fault::Stuck]
        );
    }
    assert_eq!(
        with_second(Some(stored(2, "sent")), vec![received(2)]),
        [Fault::Unconfirmed]
    );
    assert_eq!(with_second(Some(stored(2, "failed")), vec![]), [Fault::Failed]);
    assert_eq!(
        with_second(Some(stored(2, "read")), vec![received(2), other.clone()]),
        [Fault::Duplicated]
    );
    assert_eq!(
        with_second(Some(stored(2, "read")), vec![other]),
        [Fault::Unexpected]
    );
    assert_eq!(
        with_second(Some(stored(2, "read")), vec![received(2), received(3)]),
        [Fault::Unexpected]
    );
}

#[test]
fn what_nobody_was_told_of_is_found() {
    let rows = [stored(1, "read"), stored(2, "read")];
    let list = vec![received(1), received(2)];
    assert_eq!(
        faults(outbound(&[told(1)], &rows, std::slice::from_ref(&list))),
        [Fault::Unexpected, Fault::Unexpected]
    );
    let twice = Stored {
        text: "text 1".to_owned(),
        ..stored(2, "queued")
    };
    let rows = [stored(1, "read"), twice];
    assert_eq!(
        faults(outbound(&[told(1)], &rows, &[vec![received(1)]])),
        [Fault::Duplicated]
    );
}

#[test]
fn order_counts_for_each_device_and_contact() {
    let rows = [stored(1, "read"), stored(2, "read")];
    let all = [told(1), told(2)];
    let swapped = vec![received(2), received(1)];
    assert_eq!(faults(outbound(&all, &rows, &[swapped])), [Fault::Disordered]);
    let apart = [vec![received(2)], vec![received(1)]];
    assert_eq!(faults(outbound(&all, &rows, &apart)), []);
    let elsewhere = [told(1), Told { device: 2, ..told(2) }];
    let swapped = vec![received(2), received(1)];
    assert_eq!(faults(outbound(&elsewhere, &rows, &[swapped])), []);
    let first_at = told(1).at;
    let meanwhile = [
        told(1),
        Told {
            asked: first_at,
            ..told(2)
        },
    ];
    let swapped = vec![received(2), received(1)];
    assert_eq!(faults(outbound(&meanwhile, &rows, &[swapped])), []);
}

#[test]
fn order_is_kept_over_any_distance() {
    let numbers = [3, 1, 4, 2];
    let all = numbers.map(told);
    let rows = numbers.map(|number| stored(number, "read"));
    let list = numbers.map(received).to_vec();
    assert_eq!(
        faults(outbound(&all, &rows, &[list])),
        [Fault::Disordered, Fault::Disordered]
    );
}

#[test]
fn inbound_is_there_exactly_once() {
    let written = [told(1), told(2)];
    let rows = |numbers: &[u64]| -> Vec<Stored> {
        numbers.iter().map(|&number| stored(number, "received")).collect()
    };
    assert_eq!(faults(inbound(&written, &rows(&[2, 1]))), []);
    assert_eq!(faults(inbound(&written, &rows(&[1]))), [Fault::InboundLost]);
    assert_eq!(
        faults(inbound(&written, &rows(&[1, 2, 2]))),
        [Fault::InboundDuplicated]
    );
    assert_eq!(
        faults(inbound(&written, &rows(&[1, 2, 3]))),
        [Fault::InboundUnexpected]
    );
}
