//! Result ids: the key with a tag that only this lake can make, so that an id cannot be computed from a guessed query.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

const TAG: usize = 16;

/// 64 characters that are safe in a URL.
pub(super) fn id(secret: &[u8], key: &[u8; 32]) -> String {
    let mut bytes = [0; 32 + TAG];
    bytes[..32].copy_from_slice(key);
    bytes[32..].copy_from_slice(&tag(secret, key));
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn key(secret: &[u8], id: &str) -> Option<[u8; 32]> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok().filter(|b| b.len() == 32 + TAG)?;
    let key: [u8; 32] = bytes[..32].try_into().ok()?;
    bool::from(tag(secret, &key).ct_eq(&bytes[32..])).then_some(key)
}

fn tag(secret: &[u8], key: &[u8; 32]) -> [u8; TAG] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(b"penstock result id");
    mac.update(key);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&mac.finalize().into_bytes()[..TAG]);
    tag
}
