//! Password hashes as argon2id strings in PHC form.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{constant_time, rand};
use chat_core::password::Password;
use zeroize::Zeroizing;

use super::{HashCost, HashError};

/// A stored password hash with its salt and cost, as a PHC string such as `$argon2id$v=19$m=19456,t=2,p=1$...`.
///
/// A hash allows offline guessing of the password, so `Debug` omits the string and `Display` is not implemented.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Parses a stored string.
    ///
    /// # Errors
    /// [`HashError::NotAHash`] unless the string is argon2id version 19 with a salt, an output and a cost within the
    /// limits of [`HashCost`].
    pub fn parse(stored: &str) -> Result<Self, HashError> {
        PhcFields::parse(stored)?;
        Ok(Self(stored.to_owned()))
    }

    /// The PHC string, for storing only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Parses the fields of the string.
    ///
    /// # Errors
    /// Never for a hash that [`Self::parse`] or the pool created.
    pub(super) fn fields(&self) -> Result<PhcFields, HashError> {
        PhcFields::parse(&self.0)
    }
}

/// As [`PasswordHash::parse`].
impl FromStr for PasswordHash {
    type Err = HashError;

    fn from_str(stored: &str) -> Result<Self, HashError> {
        Self::parse(stored)
    }
}

/// Omits the string.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// The fields of a PHC string.
pub(super) struct PhcFields {
    pub(super) cost: HashCost,
    salt: phc::Salt,
    output: phc::Output,
}

impl PhcFields {
    fn parse(stored: &str) -> Result<Self, HashError> {
        let hash = phc::PasswordHash::new(stored).map_err(|_| HashError::NotAHash)?;
        let params = Params::try_from(&hash).map_err(|_| HashError::NotAHash)?;
        if hash.algorithm != ARGON2ID_IDENT || hash.version != Some(Version::V0x13.into()) {
            return Err(HashError::NotAHash);
        }
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else { return Err(HashError::NotAHash) };
        let cost = HashCost::new(params.m_cost(), params.t_cost(), params.p_cost()).map_err(|_| HashError::NotAHash)?;
        // So short an output matches many passwords.
        if output.len() < MIN_OUTPUT_BYTES || salt.len() < argon2::MIN_SALT_LEN {
            return Err(HashError::NotAHash);
        }
        Ok(Self { cost, salt, output })
    }

    /// Stands in for the hash of an unknown user name: checking it costs the same, and no password matches it.
    pub(super) fn dummy(cost: HashCost) -> Result<Self, HashError> {
        let output = phc::Output::new(&[0; OUTPUT_BYTES]).map_err(|_| HashError::NotAHash)?;
        Ok(Self { cost, salt: new_salt()?, output })
    }

    /// Returns whether this is the hash of `password`. Uses `blocks` as work memory; the caller wipes them.
    pub(super) fn matches(&self, password: &Password, blocks: &mut [Block]) -> Result<bool, HashError> {
        let mut output = Zeroizing::new([0; phc::Output::MAX_LENGTH]);
        let output = &mut output[..self.output.len()];
        compute(password, &self.salt, self.cost, output, blocks)?;
        Ok(constant_time::verify_slices_are_equal(output, self.output.as_bytes()).is_ok())
    }
}

/// Hashes a password with a new salt. Uses `blocks` as work memory; the caller wipes them.
pub(super) fn hash(password: &Password, cost: HashCost, blocks: &mut [Block]) -> Result<PasswordHash, HashError> {
    let salt = new_salt()?;
    let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
    compute(password, &salt, cost, &mut *output, blocks)?;
    let hash = phc::PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: (&cost.params(OUTPUT_BYTES)).try_into().map_err(|_| HashError::NotAHash)?,
        salt: Some(salt),
        hash: Some(phc::Output::new(&*output).map_err(|_| HashError::NotAHash)?),
    };
    Ok(PasswordHash(hash.to_string()))
}

fn compute(
    password: &Password,
    salt: &[u8],
    cost: HashCost,
    output: &mut [u8],
    blocks: &mut [Block],
) -> Result<(), HashError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params(output.len()));
    argon2
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, blocks)
        .map_err(|_| HashError::Memory)
}

fn new_salt() -> Result<phc::Salt, HashError> {
    let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
    rand::fill(&mut salt).map_err(|_| HashError::Random)?;
    phc::Salt::new(&salt).map_err(|_| HashError::Random)
}

/// 256 bits, as RFC 9106 recommends.
const OUTPUT_BYTES: usize = 32;
/// 128 bits: a second password with the same output is infeasible to find.
const MIN_OUTPUT_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_reference_implementation_verifies() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let fields = PasswordHash::parse(stored).unwrap().fields().unwrap();
        assert_eq!(fields.cost, HashCost::new(65536, 2, 1).unwrap());
        let mut blocks = vec![Block::new(); 65536];
        assert!(fields.matches(&Password::parse("password").unwrap(), &mut blocks).unwrap());
        assert!(!fields.matches(&Password::parse("passwore").unwrap(), &mut blocks).unwrap());
    }

    #[test]
    fn strings_of_other_forms_are_refused() {
        for stored in [
            "",
            "correct horse",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFQ",
        ] {
            assert_eq!(PasswordHash::parse(stored), Err(HashError::NotAHash), "{stored}");
        }
    }

    #[test]
    fn debug_omits_the_hash() {
        let mut blocks = vec![Block::new(); 8];
        let hash = hash(&Password::parse("correct horse").unwrap(), HashCost::CHEAPEST, &mut blocks).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.expose());
        assert_eq!(format!("{hash:?}"), "PasswordHash");
    }
}
