//! What Redis answers.

use chat_core::id::{Epoch, NodeId, Position, Revision, Tag};
use chat_core::journal::{Head, HintPosition, JournalError, LoggedAct, State};
use chat_core::time::Timestamp;
use redis::Value;

use super::keys;

/// Why an answer is not what was asked for: what this program did not write, or what no Redis server answers.
pub(super) type Unexpected = &'static str;

/// The answer of a script, without its first entry.
#[derive(Debug)]
pub(super) enum Answer {
    Ok(Entries),
    Empty,
    Other(Epoch),
    Fenced,
    /// The roster has this form.
    Format(String),
    /// The roster belongs to servers with other keys.
    OtherKeys,
    /// The slots of a new epoch are gone.
    Incomplete,
}

/// The rest of a list.
#[derive(Debug)]
pub(super) struct Entries(std::vec::IntoIter<Value>);

impl Answer {
    pub(super) fn parse(value: Value) -> Result<Self, Unexpected> {
        let mut entries = Entries::parse(value)?;
        Ok(match &*entries.bytes()? {
            b"ok" => Self::Ok(entries),
            b"empty" => Self::Empty,
            b"other" => Self::Other(entries.epoch()?),
            b"fenced" => Self::Fenced,
            b"format" => Self::Format(entries.text()?),
            b"keys" => Self::OtherKeys,
            b"incomplete" => Self::Incomplete,
            _ => return Err("a script answers something unknown"),
        })
    }
}

impl Entries {
    pub(super) fn parse(value: Value) -> Result<Self, Unexpected> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            _ => Err("an answer is no list"),
        }
    }

    pub(super) fn next(&mut self) -> Option<Value> {
        self.0.next()
    }

    fn value(&mut self) -> Result<Value, Unexpected> {
        self.0.next().ok_or("an answer is too short")
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Unexpected> {
        bytes(self.value()?)
    }

    pub(super) fn text(&mut self) -> Result<String, Unexpected> {
        String::from_utf8(self.bytes()?).map_err(|_| "a text is not UTF-8")
    }

    pub(super) fn number(&mut self) -> Result<u64, Unexpected> {
        self.text()?.parse().map_err(|_| "a number has other characters")
    }

    pub(super) fn epoch(&mut self) -> Result<Epoch, Unexpected> {
        epoch(&self.bytes()?)
    }

    /// The head, as scripts answer it.
    pub(super) fn head(&mut self) -> Result<Head, Unexpected> {
        Ok(Head {
            epoch: self.epoch()?,
            position: Position::new(self.number()?),
            revision: Revision::new(self.number()?),
            tip: tag(&self.bytes()?)?,
            since: Timestamp::from_millis(self.number()?),
        })
    }

    /// The counts of nodes: all that is left.
    pub(super) fn lives(mut self) -> Result<Vec<(NodeId, u64)>, Unexpected> {
        let mut lives = Vec::new();
        while let Some(node) = self.0.next() {
            let node = keys::hex(&text(node)?).ok_or("a node is no hexadecimal number")?;
            lives.push((NodeId::new(node), self.number()?));
        }
        Ok(lives)
    }
}

fn bytes(value: Value) -> Result<Vec<u8>, Unexpected> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        _ => Err("an answer has an entry of another kind"),
    }
}

fn text(value: Value) -> Result<String, Unexpected> {
    String::from_utf8(bytes(value)?).map_err(|_| "a text is not UTF-8")
}

fn epoch(bytes: &[u8]) -> Result<Epoch, Unexpected> {
    let number = std::str::from_utf8(bytes).ok().and_then(keys::hex);
    number.map(Epoch::new).ok_or("the epoch is no hexadecimal number")
}

fn tag(bytes: &[u8]) -> Result<Tag, Unexpected> {
    let bytes = bytes.try_into().map_err(|_| "a tag has not 8 bytes")?;
    Ok(Tag::new(u64::from_be_bytes(bytes)))
}

/// The epoch of the head, if there is one.
pub(super) fn current(value: Value) -> Result<Option<Epoch>, Unexpected> {
    match value {
        Value::Nil => Ok(None),
        value => epoch(&bytes(value)?).map(Some),
    }
}

/// Whether `epoch` is the current one.
pub(super) fn require(current: Option<Epoch>, epoch: Epoch) -> Result<(), JournalError> {
    match current {
        Some(current) if current == epoch => Ok(()),
        Some(other) => Err(JournalError::OtherEpoch(other)),
        None => Err(JournalError::Empty),
    }
}

/// Slots, as a hash has them, and where the rest begins.
pub(super) fn states(value: Value) -> Result<(Vec<State>, Option<u64>), Unexpected> {
    let mut entries = Entries::parse(value)?;
    let next = entries.number()?;
    let mut fields = Entries::parse(entries.value()?)?;
    let mut states = Vec::new();
    while let Some(field) = fields.next() {
        let slot = keys::slot(&bytes(field)?).ok_or("a slot has an unknown name")?;
        let mut value = fields.bytes()?;
        let position = value.get(..keys::DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
        let position = position.and_then(|digits| digits.parse().ok()).ok_or("a slot has no position")?;
        value.drain(..keys::DIGITS);
        states.push(State { slot, position: Position::new(position), value });
    }
    Ok((states, Some(next).filter(|next| *next != 0)))
}

/// The answer to a read of several streams.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<(Vec<u8>, Value)>);

impl Streams {
    /// Streams without new entries are absent, and if all are, so is the list.
    pub(super) fn parse(value: Value) -> Result<Self, Unexpected> {
        if value == Value::Nil {
            return Ok(Self::default());
        }
        let mut streams = Vec::new();
        let mut list = Entries::parse(value)?;
        while let Some(stream) = list.next() {
            let mut stream = Entries::parse(stream)?;
            streams.push((stream.bytes()?, stream.value()?));
        }
        Ok(Self(streams))
    }

    /// The new entries of the stream with this key.
    pub(super) fn take(&mut self, key: &str) -> Result<Entries, Unexpected> {
        match self.0.iter().position(|(name, _)| name == key.as_bytes()) {
            Some(index) => Entries::parse(self.0.swap_remove(index).1),
            None => Ok(Entries(Vec::new().into_iter())),
        }
    }
}

/// The acts of a log.
pub(super) fn acts(mut entries: Entries) -> Result<Vec<LoggedAct>, Unexpected> {
    let mut acts = Vec::new();
    while let Some(entry) = entries.next() {
        let mut entry = Entries::parse(entry)?;
        let id = entry.text()?;
        let position = id.strip_suffix("-0").and_then(|id| id.parse().ok()).ok_or("an act has no position")?;
        let mut fields = Entries::parse(entry.value()?)?;
        let (mut previous, mut act) = (None, None);
        while let Some(name) = fields.next() {
            match &*bytes(name)? {
                b"p" => previous = Some(tag(&fields.bytes()?)?),
                b"a" => act = Some(fields.bytes()?),
                _ => drop(fields.bytes()?),
            }
        }
        let (previous, act) = previous.zip(act).ok_or("an act lacks a part")?;
        acts.push(LoggedAct { position: Position::new(position), previous, act });
    }
    Ok(acts)
}

/// Hints, and the place of the last entry. An entry without a hint marks a place.
pub(super) fn hints(mut entries: Entries) -> Result<(Vec<Vec<u8>>, Option<HintPosition>), Unexpected> {
    let (mut hints, mut last) = (Vec::new(), None);
    while let Some(entry) = entries.next() {
        let mut entry = Entries::parse(entry)?;
        last = Some(place(entry.value()?)?);
        let mut fields = Entries::parse(entry.value()?)?;
        while let Some(name) = fields.next() {
            let value = fields.bytes()?;
            if *bytes(name)? == *keys::HINT {
                hints.push(value);
            }
        }
    }
    Ok((hints, last))
}

/// The place of an entry among the hints.
pub(super) fn place(name: Value) -> Result<HintPosition, Unexpected> {
    keys::place(&text(name)?).ok_or("a hint has no place")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn list(values: impl IntoIterator<Item = Value>) -> Value {
        Value::Array(values.into_iter().collect())
    }

    #[test]
    fn what_no_script_answers_is_an_error() {
        for value in [Value::Nil, bulk("ok"), list([]), list([bulk("yes")]), list([bulk("other")]), list([list([])])] {
            let shown = format!("{value:?}");
            assert!(Answer::parse(value).is_err(), "{shown}");
        }
        let other = list([bulk("other"), bulk("00000000000000ff")]);
        assert!(matches!(Answer::parse(other), Ok(Answer::Other(epoch)) if epoch == Epoch::new(255)));
    }

    #[test]
    fn entries_of_other_programs_are_errors() {
        let stream = |id: &str, fields: Vec<Value>| {
            let value = list([list([bulk("log"), list([list([bulk(id), list(fields)])])])]);
            Streams::parse(value).unwrap().take("log").unwrap()
        };
        let read = |id: &str, fields: Vec<Value>| acts(stream(id, fields));
        let (p, a) = ([bulk("p"), bulk("12345678")], [bulk("a"), bulk("act")]);
        let both = [&p[..], &a[..]].concat();
        assert_eq!(read("7-0", both.clone()).unwrap().first().map(|act| act.position), Some(Position::new(7)));
        assert_eq!(acts(Streams::parse(Value::Nil).unwrap().take("log").unwrap()), Ok(vec![]));
        for (id, fields) in
            [("7-1", both.clone()), ("x", both), ("7-0", p.to_vec()), ("7-0", a.to_vec()), ("7-0", vec![])]
        {
            assert!(read(id, fields).is_err(), "{id}");
        }
        let hint = |id: &str, name: &str| hints(stream(id, vec![bulk(name), bulk("hint")]));
        assert_eq!(hint("7-1", "h"), Ok((vec![b"hint".to_vec()], keys::place("7-1"))));
        assert_eq!(hint("7-2", "e"), Ok((vec![], keys::place("7-2"))), "a mark, or what a later version writes");
        assert!(hint("x", "h").is_err());
        for value in [bulk("log"), list([bulk("log")]), list([list([bulk("log")])]), list([list([])])] {
            let shown = format!("{value:?}");
            assert!(Streams::parse(value).is_err(), "{shown}");
        }
        let slots = |field: &str, value: &str| states(list([bulk("0"), list([bulk(field), bulk(value)])]));
        assert!(slots("a1", "0000000000000007value").is_ok());
        for (field, value) in [("a1", "7"), ("a1", "000000000000000xvalue"), ("b1", "0000000000000007value")] {
            assert!(slots(field, value).is_err(), "{field} {value}");
        }
    }
}
