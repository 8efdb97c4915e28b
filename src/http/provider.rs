//! What TLS is done with: of ring, what a client without a certificate needs.
//!
//! `rustls::crypto::ring::default_provider` names all that ring has, and what is named is linked. Left out here: ChaCha20-Poly1305, which
//! no server insists on where AES-GCM is offered (TLS 1.3 demands it of each), and the signing of client certificates.

use std::sync::Arc;

use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::crypto::ring::{ALL_KX_GROUPS, cipher_suite as with};
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{Error, SignatureScheme as Scheme};
use webpki::ring as by;

pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            with::TLS13_AES_256_GCM_SHA384,
            with::TLS13_AES_128_GCM_SHA256,
            with::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            with::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            with::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            with::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ],
        kx_groups: ALL_KX_GROUPS.to_vec(),
        signature_verification_algorithms: ALGORITHMS,
        secure_random: &Ring,
        key_provider: &Ring,
    }
}

#[derive(Debug)]
struct Ring;

impl SecureRandom for Ring {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        SystemRandom::new().fill(bytes).map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for Ring {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("renewals send no client certificate".into()))
    }
}

/// Those of rustls' own provider, which does not give them away alone. A test holds them to be the same.
static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        by::ECDSA_P256_SHA256,
        by::ECDSA_P256_SHA384,
        by::ECDSA_P384_SHA256,
        by::ECDSA_P384_SHA384,
        by::ED25519,
        by::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        by::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        by::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        by::RSA_PKCS1_2048_8192_SHA256,
        by::RSA_PKCS1_2048_8192_SHA384,
        by::RSA_PKCS1_2048_8192_SHA512,
        by::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        by::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        by::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    ],
    // TLS 1.2 does not fix the curve by the scheme; TLS 1.3 takes the first.
    mapping: &[
        (Scheme::ECDSA_NISTP384_SHA384, &[by::ECDSA_P384_SHA384, by::ECDSA_P256_SHA384]),
        (Scheme::ECDSA_NISTP256_SHA256, &[by::ECDSA_P256_SHA256, by::ECDSA_P384_SHA256]),
        (Scheme::ED25519, &[by::ED25519]),
        (Scheme::RSA_PSS_SHA512, &[by::RSA_PSS_2048_8192_SHA512_LEGACY_KEY]),
        (Scheme::RSA_PSS_SHA384, &[by::RSA_PSS_2048_8192_SHA384_LEGACY_KEY]),
        (Scheme::RSA_PSS_SHA256, &[by::RSA_PSS_2048_8192_SHA256_LEGACY_KEY]),
        (Scheme::RSA_PKCS1_SHA512, &[by::RSA_PKCS1_2048_8192_SHA512]),
        (Scheme::RSA_PKCS1_SHA384, &[by::RSA_PKCS1_2048_8192_SHA384]),
        (Scheme::RSA_PKCS1_SHA256, &[by::RSA_PKCS1_2048_8192_SHA256]),
    ],
};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use rustls::crypto::ring::default_provider;

    use super::*;

    type Algorithms = &'static [&'static dyn rustls::pki_types::SignatureVerificationAlgorithm];

    fn ids(algorithms: Algorithms) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pair = |it: &&'static dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            (it.public_key_alg_id().to_vec(), it.signature_alg_id().to_vec())
        };
        algorithms.iter().map(pair).collect()
    }

    #[test]
    fn what_is_taken_is_what_rustls_takes_but_for_one_cipher() {
        let (ours, theirs) = (provider(), default_provider());
        let (mine, other) = (ours.signature_verification_algorithms, theirs.signature_verification_algorithms);
        assert_eq!(ids(mine.all), ids(other.all));
        let schemes = |of: WebPkiSupportedAlgorithms| -> Vec<_> {
            of.mapping.iter().map(|(scheme, algorithms)| (*scheme, ids(algorithms))).collect()
        };
        assert_eq!(schemes(mine), schemes(other));
        let names = |of: &CryptoProvider| -> Vec<_> { of.kx_groups.iter().map(|group| group.name()).collect() };
        assert_eq!(names(&ours), names(&theirs));
        let suites = |of: CryptoProvider| -> Vec<_> { of.cipher_suites.iter().map(|suite| suite.suite()).collect() };
        let mut wanted = suites(theirs);
        let all = wanted.len();
        wanted.retain(|suite| !format!("{suite:?}").contains("CHACHA20"));
        assert_eq!((suites(ours), all), (wanted, 9));
        ring_fills();
    }

    fn ring_fills() {
        let mut bytes = [0; 32];
        Ring.fill(&mut bytes).unwrap();
        assert_ne!(bytes, [0; 32]);
    }
}
