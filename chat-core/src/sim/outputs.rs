//! What tests read from the outputs of a peer machine.

use crate::message::ContentRef;
use crate::peer::Output;

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
