//! Reads texts and outcomes from the outputs of a peer machine, for tests.

use crate::message::{ContentRef, Outcome, Report};
use crate::peer::{Output, Reported};

/// The texts that these outputs deliver, in order.
pub fn texts<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> Vec<String> {
    let deliveries = outputs.into_iter().filter_map(|output| match output {
        Output::Deliver(delivery) => Some(delivery),
        _ => None,
    });
    let texts = deliveries.flatten().filter_map(|message| match message.content() {
        ContentRef::Text(text) => Some(text.to_owned()),
        ContentRef::Bytes(_) => None,
    });
    texts.collect()
}

/// The outcomes that these outputs report, each with its message and its recipient, in order.
pub fn reports<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> Vec<Report> {
    let reports = outputs.into_iter().filter_map(|output| match output {
        Output::Report(reports) => Some(reports.iter().map(Reported::to_report)),
        _ => None,
    });
    reports.flatten().collect()
}

/// The outcomes that these outputs report, in order.
pub fn outcomes<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> Vec<Outcome> {
    reports(outputs).into_iter().map(|report| report.outcome).collect()
}
