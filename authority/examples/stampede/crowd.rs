//! Clients without disks: a key, a tree, and heads that go on from each other.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reprieve::ledger::note::{self, Checkpoint};
use reprieve::ledger::tree::{self, Hash};
use reprieve::ledger::{Chain, LedgerId, Since};
use reprieve::renew::RenewalRequest;
use reprieve_authority::store::LedgerRow;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// How many records a ledger has before the first request.
const RECORDS: u64 = 20;

/// How many machines a licence is for.
pub const SEATS: usize = 10;

pub struct Ledger {
    pub id: LedgerId,
    number: usize,
    key: Ed25519KeyPair,
}

impl Ledger {
    pub fn new(number: usize) -> Ledger {
        let mut seed = [7u8; 32];
        seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let mut id = [1u8; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        Ledger { id: LedgerId::from_bytes(id), number, key }
    }

    pub fn license(&self) -> String {
        format!("L{}", self.number / SEATS)
    }

    fn public(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().unwrap()
    }

    fn leaves(&self, size: u64) -> Vec<Hash> {
        (0..size).map(|at| tree::leaf_hash(&[&self.number.to_be_bytes()[..], &at.to_be_bytes()].concat())).collect()
    }

    /// The chain of the `turn`th request: its head, and the path from the one before.
    pub fn chain(&self, turn: u64) -> Chain {
        let size = RECORDS + turn;
        let leaves = self.leaves(size);
        let origin = note::origin(&self.id, 0);
        let checkpoint =
            Checkpoint { origin: origin.clone(), size, root: tree::root_of(&leaves), extensions: Vec::new() };
        let head = note::sign(&origin, &self.key, &checkpoint.text()).unwrap();
        let before = size - 1;
        let path = tree::consistency_proof(&leaves, before as usize).unwrap();
        let root = tree::root_of(&leaves[..before as usize]);
        let since = vec![Since { generation: 0, size: before, root, path }];
        Chain { ledger: self.id.to_string(), key: self.public(), head, closings: Vec::new(), since }
    }

    pub fn request(&self, turn: u64, nonce: u64) -> Vec<u8> {
        let mut bytes = [0u8; 24];
        bytes[..8].copy_from_slice(&nonce.to_be_bytes());
        let nonce = URL_SAFE_NO_PAD.encode(bytes);
        RenewalRequest { nonce, licenses: vec![self.license()], appeals: vec![], chain: self.chain(turn) }.to_json()
    }

    /// What an authority knows of it that has heard its request number 0.
    pub fn row(&self, now: i64, documents: i64) -> LedgerRow {
        let chain = self.chain(0);
        LedgerRow {
            id: self.id.to_string(),
            key: STANDARD.encode(self.public()),
            head: chain.head.clone(),
            chain: serde_json::to_string(&chain).unwrap(),
            heard: now,
            offered_head: Some(chain.head),
            offered: documents,
            has: documents,
            put_back: None,
            put_back_why: None,
        }
    }
}
