//! An id token: whose it is, once signature and every claim hold. Only two algorithms, both with public keys, each bound
//! to its own kind of key, so that no token can choose how it is checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evidence::Time;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// Clocks may differ by so much.
const SKEW_SECONDS: i64 = 60;

/// A key of the issuer that signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
}

/// A key as issuers publish it.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// What we would have to understand; we understand none.
    crit: Option<serde_json::Value>,
}

pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) now: Time,
}

#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Why a token is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the issuer's token is signed with a key that it does not publish")]
    UnknownKey,
    #[error("the issuer's token cannot be read")]
    Malformed,
    #[error("the issuer's token is signed in a way that is not accepted here (RS256 and ES256 are)")]
    Algorithm,
    #[error("the issuer's token is not signed by the issuer")]
    Signature,
    #[error("the issuer's token is of another issuer")]
    Issuer,
    #[error("the issuer's token is for another program")]
    Audience,
    #[error("the issuer's token is not valid at this time; compare the clocks of both machines")]
    Time,
    #[error("the issuer's token answers another sign-in")]
    Nonce,
}

/// The keys of a published set that can sign; others are passed over.
pub(super) fn keys_in(text: &[u8]) -> Option<Vec<Key>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(text).ok()?;
    Some(set.keys.into_iter().filter_map(|key| key_of(serde_json::from_value(key).ok()?)).collect())
}

fn key_of(jwk: Jwk) -> Option<Key> {
    let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
    let is_for = |alg: &str| jwk.alg.as_deref().is_none_or(|known| known == alg);
    if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) if is_for("RS256") => Material::Rsa { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
        ("EC", Some("P-256")) if is_for("ES256") => {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            if (x.len(), y.len()) != (32, 32) {
                return None;
            }
            Material::P256([vec![4], x, y].concat())
        }
        _ => return None,
    };
    Some(Key { id: jwk.kid, material })
}

/// Checks everything and returns whose token it is.
///
/// # Errors
///
/// The first [`Refusal`]; [`Refusal::UnknownKey`] when the issuer may have newer keys.
pub(super) fn verify(token: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Claims, Refusal> {
    let mut parts = token.split('.');
    let (Some(header), Some(body), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Malformed);
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed);
    let head: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Refusal::Malformed)?;
    if head.crit.is_some() || !["RS256", "ES256"].contains(&head.alg.as_str()) {
        return Err(Refusal::Algorithm);
    }
    let of_kind = |key: &&Key| {
        matches!((&key.material, head.alg.as_str()), (Material::Rsa { .. }, "RS256") | (Material::P256(_), "ES256"))
    };
    let is_named = |key: &&Key| head.kid.is_none() || key.id == head.kid;
    let key = match keys.iter().filter(of_kind).filter(is_named).collect::<Vec<_>>()[..] {
        [key] => key,
        // Without a name any of several could be meant, and guessing is not checking.
        _ => return Err(Refusal::UnknownKey),
    };
    let signed = &token.as_bytes()[..header.len() + 1 + body.len()];
    key.verify(signed, &decode(signature)?)?;
    let claims: Claims = serde_json::from_slice(&decode(body)?).map_err(|_| Refusal::Malformed)?;
    claims.check(expected)?;
    Ok(claims)
}

impl Key {
    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let checked = match &self.material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            }
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature),
        };
        checked.map_err(|_| Refusal::Signature)
    }
}

impl Claims {
    fn check(&self, expected: &Expected<'_>) -> Result<(), Refusal> {
        if self.iss != expected.issuer {
            return Err(Refusal::Issuer);
        }
        let (is_ours, is_shared) = match &self.aud {
            Audience::One(aud) => (aud == expected.client_id, false),
            Audience::Many(all) => (all.iter().any(|aud| aud == expected.client_id), all.len() > 1),
        };
        let is_for_other = self.azp.as_ref().map_or(is_shared, |azp| azp != expected.client_id);
        if !is_ours || is_for_other {
            return Err(Refusal::Audience);
        }
        let (now, skew) = (expected.now.0 as f64 / 1e6, SKEW_SECONDS as f64);
        let is_current =
            now < self.exp + skew && self.iat <= now + skew && self.nbf.is_none_or(|nbf| nbf <= now + skew);
        if !is_current {
            return Err(Refusal::Time);
        }
        if self.nonce.as_deref() != Some(expected.nonce) {
            return Err(Refusal::Nonce);
        }
        Ok(())
    }

    pub(super) fn verified_email(self) -> Option<String> {
        self.email.filter(|_| self.email_verified).map(|email| email.to_lowercase())
    }
}
