//! The RFC 6962 Merkle tree over a generation's frames: roots, proofs, and the checks of both.
//!
//! A leaf is the hash of a frame's bytes as they are stored. Nothing is added to the RFC: published vectors decide.

use ring::digest;
use serde::{Deserialize, Serialize};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256 of several slices in a row.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let hash = match parts {
        // Of one slice, as of a node, ring keeps the state where it is.
        [whole] => digest::digest(&digest::SHA256, whole),
        _ => {
            let mut context = digest::Context::new(&digest::SHA256);
            parts.iter().for_each(|part| context.update(part));
            context.finish()
        }
    };
    let mut out = [0; 32];
    out.copy_from_slice(hash.as_ref());
    out
}

/// The hash of a leaf: SHA-256 of a zero byte and the leaf's bytes.
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// The hash of a node: SHA-256 of a one byte and both children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    sha256(&[&bytes])
}

/// The root of the tree without leaves.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The least that a growing tree must remember: the roots of its perfect subtrees, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactRange {
    size: u64,
    nodes: Vec<Hash>,
}

impl CompactRange {
    /// The range of no leaves.
    pub fn new() -> CompactRange {
        CompactRange::default()
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Adds a perfect subtree of `1 << level` leaves by its root. The size so far is a multiple of that.
    pub(crate) fn push_subtree(&mut self, level: u32, root: Hash) {
        debug_assert_eq!(self.size & ((1 << level) - 1), 0);
        let mut node = root;
        // Each trailing one of the size is a perfect subtree that the new one completes into one twice as large.
        for _ in 0..(self.size >> level).trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.nodes.push(node);
        self.size += 1 << level;
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        match nodes.next() {
            None => empty_root(),
            Some(last) => nodes.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// Whether the nodes are as many as a tree of this size has. Anything read from outside is checked with this.
    pub fn is_sound(&self) -> bool {
        self.nodes.len() == self.size.count_ones() as usize
    }
}

/// The largest power of two that is less than `n`, for `n` of at least 2.
fn split(n: usize) -> usize {
    1 << (n - 1).ilog2()
}

/// The root over these leaf hashes.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The levels and roots of the fewest perfect subtrees of a tree that these leaves make up, of which the first has this index.
pub(crate) fn subtrees(first: u64, leaves: &[Hash]) -> Vec<(u32, Hash)> {
    let (mut index, mut rest, mut found) = (first, leaves, Vec::new());
    while !rest.is_empty() {
        let level = index.trailing_zeros().min(rest.len().ilog2());
        let (subtree, behind) = rest.split_at(1 << level);
        found.push((level, root_of(subtree)));
        index += subtree.len() as u64;
        rest = behind;
    }
    found
}

/// The proof that the leaf at `index` is in the tree over `leaves`; `None` if it is not.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut leaves, mut index) = (leaves, index);
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if index < left.len() {
            proof.push(root_of(right));
            leaves = left;
        } else {
            proof.push(root_of(left));
            index -= left.len();
            leaves = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The proof that the tree over the first `old` leaves grew into the tree over all; `None` if `old` is 0 or too large.
pub fn consistency_proof(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut leaves, mut old, mut whole) = (leaves, old, true);
    while old < leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if old <= left.len() {
            proof.push(root_of(right));
            leaves = left;
        } else {
            proof.push(root_of(left));
            old -= left.len();
            leaves = right;
            whole = false;
        }
    }
    // The old tree's own root is known to whoever checks, unless it is but a part of the old tree that was reached.
    if !whole {
        proof.push(root_of(leaves));
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that `leaf` stands at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(step, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `old` leaves and root `old_root` grew into the tree of `new` leaves and root
/// `new_root` (RFC 9162, 2.1.4.2). The tree of no leaves proves nothing: `old` = 0 is refused.
pub fn verify_consistency(old: u64, new: u64, proof: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let mut steps = proof.iter();
    // An old tree that is perfect is itself the first node of the path, and the proof leaves it out.
    let first = if old.is_power_of_two() { Some(old_root) } else { steps.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            from_old = node_hash(step, &from_old);
            from_new = node_hash(step, &from_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&[i as u8])).collect()
    }

    #[test]
    fn a_growing_range_has_the_root_of_its_leaves() {
        let leaves = leaves(70);
        let mut range = CompactRange::new();
        for n in 0..=leaves.len() {
            assert_eq!(range.root(), root_of(&leaves[..n]), "{n} leaves");
            assert!(range.is_sound());
            if n < leaves.len() {
                range.push(leaves[n]);
            }
        }
    }

    #[test]
    fn a_range_grows_by_subtrees_as_by_leaves() {
        let leaves = leaves(70);
        for first in 0..leaves.len() {
            let mut range = CompactRange::new();
            leaves[..first].iter().for_each(|leaf| range.push(*leaf));
            for (level, node) in subtrees(first as u64, &leaves[first..]) {
                range.push_subtree(level, node);
            }
            assert_eq!((range.size(), range.root()), (70, root_of(&leaves)), "from {first}");
            assert!(range.is_sound());
        }
    }

    #[test]
    fn every_proof_up_to_forty_leaves_holds_and_no_other_does() {
        let all = leaves(40);
        for size in 1..=all.len() {
            let (tree, root) = (&all[..size], root_of(&all[..size]));
            for index in 0..size {
                let proof = inclusion_proof(tree, index).unwrap();
                assert!(verify_inclusion(index as u64, size as u64, &tree[index], &proof, &root));
                let other = (index + 1) % size;
                assert_eq!(other == index, verify_inclusion(other as u64, size as u64, &tree[index], &proof, &root));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!verify_inclusion(index as u64, size as u64, &tree[index], shorter, &root));
                }
            }
            for old in 1..=size {
                let (old_root, proof) = (root_of(&all[..old]), consistency_proof(tree, old).unwrap());
                assert!(verify_consistency(old as u64, size as u64, &proof, &old_root, &root));
                assert!(!verify_consistency(old as u64, size as u64, &proof, &leaf_hash(b"x"), &root));
                let mut longer = proof.clone();
                longer.push(root);
                assert!(!verify_consistency(old as u64, size as u64, &longer, &old_root, &root));
            }
        }
        assert_eq!(inclusion_proof(&all, 40), None);
        assert_eq!(consistency_proof(&all, 0), None);
        assert_eq!(consistency_proof(&all, 41), None);
    }
}
