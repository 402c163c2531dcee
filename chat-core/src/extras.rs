//! Tagged extension fields at the end of a wire structure, for later versions to add to.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// A list of tagged values. A reader ignores the tags that it does not know.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Extras(Vec<Extra>);

/// One tagged value. Wiped when dropped, because it may be a secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "a wire structure, which never changes")]
pub struct Extra {
    /// Identifies the value. Each wire structure has its own tags.
    pub tag: u16,
    /// The value, encoded as its tag prescribes.
    pub value: Vec<u8>,
}

impl Drop for Extra {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl Extras {
    /// The first value with this tag.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.0.iter().find(|extra| extra.tag == tag).map(|extra| extra.value.as_slice())
    }

    /// Replaces the values with this tag. `None` removes them. In what was set one after the other, in whatever order, the
    /// tags rise, so that equal values make equal lists.
    pub fn set(&mut self, tag: u16, value: Option<Vec<u8>>) {
        self.0.retain(|extra| extra.tag != tag);
        if let Some(value) = value {
            let index = self.0.iter().position(|extra| extra.tag > tag).unwrap_or(self.0.len());
            self.0.insert(index, Extra { tag, value });
        }
    }
}

impl FromIterator<Extra> for Extras {
    fn from_iter<I: IntoIterator<Item = Extra>>(extras: I) -> Self {
        Self(extras.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
