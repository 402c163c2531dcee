//! Tagged extension fields at the end of a wire structure, for later versions to add to.

use std::fmt;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// A list of tagged values. A reader ignores the tags that it does not know. Wiped when dropped, because a value may be a
/// secret.
///
/// A server has the extras of each session in memory, so they are one piece: for each value its tag, its length and its
/// bytes.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Extras(Box<[u8]>);

/// One tagged value. Wiped when dropped, because it may be a secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "a wire structure, which never changes")]
pub struct Extra {
    /// Identifies the value. Each wire structure has its own tags.
    pub tag: u16,
    /// The value, encoded as its tag prescribes.
    pub value: Vec<u8>,
}

/// An [`Extra`] within a list.
#[derive(Clone, Copy, Debug, Serialize)]
struct Item<'a> {
    tag: u16,
    value: &'a [u8],
}

/// The length of tag and length in front of each value.
const HEAD: usize = size_of::<u16>() + size_of::<usize>();

impl Drop for Extra {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl Drop for Extras {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Extras {
    /// The first value with this tag.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.items().find(|item| item.tag == tag).map(|item| item.value)
    }

    /// Replaces the values with this tag. `None` removes them. In what was set one after the other, in whatever order, the
    /// tags rise, so that equal values make equal lists.
    pub fn set(&mut self, tag: u16, value: Option<Vec<u8>>) {
        let new = value.map(|value| Extra { tag, value });
        let mut items: Vec<Item<'_>> = self.items().filter(|item| item.tag != tag).collect();
        if let Some(new) = &new {
            let index = items.iter().position(|item| item.tag > tag).unwrap_or(items.len());
            items.insert(index, new.into());
        }
        *self = Self::pack(&items);
    }

    /// Packs a list into one allocation, so that no copy of a secret stays behind.
    fn pack(items: &[Item<'_>]) -> Self {
        let mut bytes = Vec::with_capacity(items.iter().map(|item| HEAD + item.value.len()).sum());
        for Item { tag, value } in items {
            bytes.extend_from_slice(&tag.to_be_bytes());
            bytes.extend_from_slice(&value.len().to_be_bytes());
            bytes.extend_from_slice(value);
        }
        Self(bytes.into())
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (tag, tail) = rest.split_first_chunk()?;
            let (len, tail) = tail.split_first_chunk()?;
            let (value, tail) = tail.split_at_checked(usize::from_be_bytes(*len))?;
            rest = tail;
            Some(Item { tag: u16::from_be_bytes(*tag), value })
        })
    }
}

impl<'a> From<&'a Extra> for Item<'a> {
    fn from(extra: &'a Extra) -> Self {
        Self { tag: extra.tag, value: &extra.value }
    }
}

impl FromIterator<Extra> for Extras {
    fn from_iter<I: IntoIterator<Item = Extra>>(extras: I) -> Self {
        let extras: Vec<Extra> = extras.into_iter().collect();
        Self::pack(&extras.iter().map(Item::from).collect::<Vec<_>>())
    }
}

/// As a sequence of [`Extra`].
impl Serialize for Extras {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.items().count()))?;
        self.items().try_for_each(|item| sequence.serialize_element(&item))?;
        sequence.end()
    }
}

impl<'de> Deserialize<'de> for Extras {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Extra>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn a_value_is_found_by_its_tag() {
        let extras: Extras =
            [Extra { tag: 9, value: vec![1] }, Extra { tag: 2, value: vec![7, 8] }].into_iter().collect();
        assert_eq!(extras.get(2), Some(&[7, 8][..]));
        assert_eq!(extras.get(3), None);
        let mut extras = extras;
        extras.set(2, Some(vec![1]));
        assert_eq!((extras.get(2), extras.get(9)), (Some(&[1][..]), Some(&[1][..])));
        extras.set(2, None);
        assert_eq!(extras.get(2), None);
    }

    #[test]
    fn values_that_are_set_in_another_order_make_the_same_list() {
        let set = |tags: [u16; 3]| {
            let mut extras = Extras::default();
            tags.into_iter().for_each(|tag| extras.set(tag, Some(vec![7])));
            extras
        };
        assert_eq!(set([3, 1, 2]), set([1, 2, 3]));
    }

    #[test]
    fn extras_have_the_bytes_of_a_list_of_tagged_values() {
        let list = vec![Extra { tag: 300, value: vec![7, 8] }, Extra { tag: 1, value: vec![] }];
        let extras: Extras = list.clone().into_iter().collect();
        let mut bytes = Vec::new();
        wire::encode(&extras, &mut bytes);
        assert_eq!(bytes, [2, 0xac, 2, 2, 7, 8, 1, 0]);
        assert_eq!(postcard::from_bytes::<Extras>(&bytes), Ok(extras));
        assert_eq!(postcard::from_bytes::<Vec<Extra>>(&bytes), Ok(list));
    }
}
