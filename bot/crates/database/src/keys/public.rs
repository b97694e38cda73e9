//! The public halves of the keys that sign heads: all that verifying needs, on any machine.

use std::collections::BTreeMap;

use ring::signature::{ED25519, UnparsedPublicKey};

/// By id. An id is a hash of the key, so a key cannot pass under the id of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

impl PublicKeys {
    /// Adds a key as it is written: hexadecimal digits.
    ///
    /// # Errors
    ///
    /// A sentence when the key does not fit its id.
    pub fn add(&mut self, id: &str, public_key: &str) -> Result<(), String> {
        let bytes = hex::decode(public_key).map_err(|_| format!("key `{id:.32}` is not hexadecimal"))?;
        if id_of(&bytes) != id {
            return Err(format!("key `{id:.32}` has the id of another"));
        }
        self.0.insert(id.to_owned(), bytes);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// As they are written into an exported head: hexadecimal digits by id.
    pub fn written(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(id, key)| (id.clone(), hex::encode(key))).collect()
    }

    /// Tells why the signature was not made by the key with this id.
    pub(crate) fn check(&self, key_id: &str, message: &[u8], signature: &str) -> Result<(), String> {
        let key = self.0.get(key_id).ok_or_else(|| format!("key `{key_id:.32}` is not known here"))?;
        let signature = hex::decode(signature).map_err(|_| "the signature is not hexadecimal".to_owned())?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(message, &signature)
            .map_err(|_| "the signature does not fit the content".to_owned())
    }
}

pub(super) fn id_of(public_key: &[u8]) -> String {
    blake3::hash(public_key).to_hex().as_str()[..16].to_owned()
}
