//! Authenticated encryption of small values: the sign-in cookie and the provider's tokens at rest.
//!
//! AES-256-GCM with a random nonce before the text; the purpose is bound as associated data.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lake::{LakeError, Result};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};

pub struct Sealer {
    key: [u8; 32],
    purpose: &'static str,
}

impl Sealer {
    /// A sealer from a secret of at least 256 bits of entropy.
    #[must_use]
    pub fn of(secret: &[u8], purpose: &'static str) -> Self {
        let mut hash = Sha256::new();
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose);
        hash.update(secret);
        Self { key: hash.finalize().into(), purpose }
    }

    /// URL-safe text that only the same secret and purpose open.
    ///
    /// # Errors
    /// [`LakeError::Internal`] when the cipher refuses, which it does not for short texts.
    pub fn seal(&self, text: &[u8]) -> Result<String> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.to_vec();
        self.cipher()
            .and_then(|cipher| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                cipher.seal_in_place_append_tag(nonce, Aad::from(self.purpose), &mut sealed).ok()
            })
            .ok_or_else(|| LakeError::internal("sealing failed"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// The text, or `None` when it was not sealed here or was changed.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let mut text = text.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.cipher()?.open_in_place(nonce, Aad::from(self.purpose), &mut text).ok()?;
        Some(opened.to_vec())
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.key).ok()?))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({})", self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_09_only_the_same_secret_and_purpose_open_and_any_change_is_noticed() {
        let sealer = Sealer::of(b"secret", "a");
        let sealed = sealer.seal(b"text").expect("seals");
        assert_eq!(sealer.open(&sealed).as_deref(), Some(b"text".as_slice()));
        assert_eq!(Sealer::of(b"secret", "b").open(&sealed), None);
        assert_eq!(Sealer::of(b"Secret", "a").open(&sealed), None);
        for i in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[i] = if changed[i] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer.open(&String::from_utf8_lossy(&changed)), None, "at {i}");
        }
        assert_eq!(sealer.open(""), None);
    }
}
