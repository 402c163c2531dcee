//! Tagged extras: room at the end of a wire structure for what later versions add.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// Tagged values; a reader skips the tags that it does not know.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Extras(Vec<Extra>);

/// One tagged value, wiped when dropped, as it may be a secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Extra {
    /// What it is: each structure has its own tags.
    pub tag: u16,
    /// Its encoding, which the tag decides.
    pub value: Vec<u8>,
}

impl Drop for Extra {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl Extras {
    /// The value with this tag, the first if there are several.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.0.iter().find(|extra| extra.tag == tag).map(|extra| extra.value.as_slice())
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
    fn a_value_is_found_by_its_tag_and_others_are_skipped() {
        let extras: Extras =
            [Extra { tag: 9, value: vec![1] }, Extra { tag: 2, value: vec![7, 8] }].into_iter().collect();
        assert_eq!(extras.get(2), Some(&[7, 8][..]));
        assert_eq!(extras.get(3), None);
    }
}
