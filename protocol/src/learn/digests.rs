//! Many digests at once: the one place where the search hashes.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::scheme::Algorithm;

/// A digest, filled up with zeros.
pub(super) type Digest = [u8; 64];

/// The digest of each message.
pub(super) fn digests(algorithm: Algorithm, key: &[u8], messages: &[&[u8]]) -> Vec<Digest> {
    match algorithm {
        Algorithm::Md5 => plain::<Md5>(messages),
        Algorithm::Sha1 => plain::<Sha1>(messages),
        Algorithm::Sha256 => plain::<Sha256>(messages),
        Algorithm::Sha384 => plain::<Sha384>(messages),
        Algorithm::Sha512 => plain::<Sha512>(messages),
        Algorithm::HmacMd5 => keyed::<Hmac<Md5>>(key, messages),
        Algorithm::HmacSha1 => keyed::<Hmac<Sha1>>(key, messages),
        Algorithm::HmacSha256 => keyed::<Hmac<Sha256>>(key, messages),
        Algorithm::HmacSha384 => keyed::<Hmac<Sha384>>(key, messages),
        Algorithm::HmacSha512 => keyed::<Hmac<Sha512>>(key, messages),
    }
}

fn plain<D: md5::Digest>(messages: &[&[u8]]) -> Vec<Digest> {
    messages.iter().map(|message| filled(&D::digest(message))).collect()
}

fn keyed<M: Mac + KeyInit + Clone>(key: &[u8], messages: &[&[u8]]) -> Vec<Digest> {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    let digest =
        |message: &&[u8]| filled(&mac.clone().chain_update(message).finalize().into_bytes());
    messages.iter().map(digest).collect()
}

fn filled(bytes: &[u8]) -> Digest {
    let mut digest = [0; 64];
    digest[..bytes.len()].copy_from_slice(bytes);
    digest
}
