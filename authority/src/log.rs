//! The public log of all documents issued: a tree of RFC 6962 whose nodes lie in tiles as C2SP's `tlog-tiles` cuts them, and a checkpoint for
//! each batch. Pure: where the tiles lie is the store's business.
//!
//! A leaf is the hash of a token's bytes. Tile `(level, index)` holds up to 256 hashes: of leaves at level 0, of the roots of 256-hash tiles
//! one level below above that.

use std::collections::HashMap;

use reprieve::ledger::tree::{self, Hash};

/// How many hashes a whole tile holds.
pub const WIDTH: usize = 256;

/// A tile's place: level and index.
pub type Place = (u32, u64);

/// The tiles along the right edge of the tree, which is all that growing needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// For each level the hashes of its last tile, if that is not whole.
    tiles: Vec<Vec<Hash>>,
}

/// The tiles of the right edge of a tree of this size: those that [`Edge::load`] needs.
pub fn edge_places(size: u64) -> Vec<Place> {
    let mut places = Vec::new();
    let (mut level, mut hashes) = (0, size);
    while hashes > 0 {
        if !hashes.is_multiple_of(WIDTH as u64) {
            places.push((level, hashes / WIDTH as u64));
        }
        level += 1;
        hashes /= WIDTH as u64;
    }
    places
}

impl Edge {
    /// The edge of a tree of this size; none if a tile is lacking or too short.
    pub fn load(size: u64, tiles: &HashMap<Place, Vec<Hash>>) -> Option<Edge> {
        let mut edge = Edge { size, tiles: Vec::new() };
        for (level, index) in edge_places(size) {
            let width = (size >> (8 * level)) as usize % WIDTH;
            edge.tiles.resize(level as usize + 1, Vec::new());
            *edge.tiles.get_mut(level as usize)? = tiles.get(&(level, index))?.get(..width)?.to_vec();
        }
        Some(edge)
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf. Each tile that it completes is put into `whole`.
    pub fn push(&mut self, leaf: Hash, whole: &mut Vec<(Place, Vec<Hash>)>) {
        let (mut hash, mut level) = (leaf, 0usize);
        let mut index = self.size;
        self.size += 1;
        loop {
            if self.tiles.len() <= level {
                self.tiles.push(Vec::with_capacity(WIDTH));
            }
            let Some(tile) = self.tiles.get_mut(level) else { return };
            tile.push(hash);
            if tile.len() < WIDTH {
                return;
            }
            index /= WIDTH as u64;
            hash = tree::root_of(tile);
            whole.push(((level as u32, index), std::mem::take(tile)));
            level += 1;
        }
    }

    /// The tiles that are not whole.
    pub fn partial(&self) -> impl Iterator<Item = (Place, &[Hash])> {
        let at = |level: usize| (level as u32, (self.size >> (8 * level)) / WIDTH as u64);
        let some = self.tiles.iter().enumerate().filter(|(_, tile)| !tile.is_empty());
        some.map(move |(level, tile)| (at(level), tile.as_slice()))
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        // From the right: within a tile as RFC 6962 says, and what is right of a tile's hashes hangs below the last of them.
        let mut right: Option<Hash> = None;
        for tile in self.tiles.iter().filter(|tile| !tile.is_empty()) {
            let hashes = tile.as_slice();
            // The perfect subtrees of this tile, the largest first; each is complete, so what is right of them is smaller than any.
            let (mut roots, mut rest) = (Vec::new(), hashes);
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                roots.push(tree::root_of(subtree));
                rest = after;
            }
            for left in roots.iter().rev() {
                right = Some(right.map_or(*left, |right| tree::node_hash(left, &right)));
            }
        }
        right.unwrap_or_else(tree::empty_root)
    }
}

/// A tile that a proof needs and that is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(pub Place);

/// The tiles at hand, of a tree that has at least the size in question.
#[derive(Debug, Default)]
pub struct Tiles(pub HashMap<Place, Vec<Hash>>);

impl Tiles {
    /// The root of the leaves `[from, to)`, of a tree of RFC 6962.
    pub fn root(&self, from: u64, to: u64) -> Result<Hash, Missing> {
        let width = to - from;
        if width.is_power_of_two() && from.is_multiple_of(width) {
            return self.perfect(width.ilog2(), from);
        }
        let middle = from + split(width);
        Ok(tree::node_hash(&self.root(from, middle)?, &self.root(middle, to)?))
    }

    /// The root of the perfect subtree of `1 << height` leaves that begins at a leaf.
    fn perfect(&self, height: u32, from: u64) -> Result<Hash, Missing> {
        let level = height / 8;
        // Counted in hashes of that level.
        let (first, count) = ((from >> (8 * level)) as usize, 1usize << (height % 8));
        let place = (level, (first / WIDTH) as u64);
        let at = first % WIDTH;
        let hashes = self.0.get(&place).and_then(|tile| tile.get(at..at + count)).ok_or(Missing(place))?;
        Ok(tree::root_of(hashes))
    }

    /// That a leaf is in a tree of this size.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, Missing> {
        let (mut from, mut to, mut path) = (0, size, Vec::new());
        while to - from > 1 {
            let middle = from + split(to - from);
            if index < middle {
                path.push(self.root(middle, to)?);
                to = middle;
            } else {
                path.push(self.root(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// That a tree of this size goes on from an older one.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, Missing> {
        if old == 0 || old >= new {
            return Ok(Vec::new());
        }
        let (mut from, mut to, mut path) = (0, new, Vec::new());
        // Whether the subtree at hand is one that the old tree had as its left edge, whose root the old root is.
        let mut known = true;
        while old != to {
            let middle = from + split(to - from);
            if old <= middle {
                path.push(self.root(middle, to)?);
                to = middle;
            } else {
                path.push(self.root(from, middle)?);
                from = middle;
                known = false;
            }
        }
        if !known {
            path.push(self.root(from, to)?);
        }
        path.reverse();
        Ok(path)
    }
}

/// The largest power of two that is less than `n`, for `n` of at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(at: u64) -> Hash {
        tree::leaf_hash(&at.to_be_bytes())
    }

    /// A tree of this size, and all its tiles as a store would hold them.
    fn grown(size: u64, batch: u64) -> (Edge, Tiles) {
        let (mut edge, mut tiles) = (Edge::default(), Tiles::default());
        while edge.size() < size {
            // As an authority does: what it knows is what lies in the store.
            edge = Edge::load(edge.size(), &tiles.0).unwrap();
            let mut whole = Vec::new();
            for _ in 0..batch.min(size - edge.size()) {
                edge.push(leaf(edge.size()), &mut whole);
            }
            tiles.0.extend(whole);
            tiles.0.extend(edge.partial().map(|(place, tile)| (place, tile.to_vec())));
        }
        (edge, tiles)
    }

    #[test]
    fn roots_and_proofs_are_those_of_the_plain_tree() {
        for size in [0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 300, 511, 512, 513, 1000, 70_000] {
            let (edge, tiles) = grown(size, 97);
            let leaves: Vec<Hash> = (0..size).map(leaf).collect();
            let root = tree::root_of(&leaves);
            assert_eq!(edge.root(), root, "{size}");
            if size == 0 {
                continue;
            }
            assert_eq!(tiles.root(0, size).unwrap(), root, "{size}");
            for index in [0, 1, size / 3, size / 2, size - 1].into_iter().filter(|index| *index < size) {
                let proof = tiles.inclusion(index, size).unwrap();
                assert_eq!(Some(&proof), tree::inclusion_proof(&leaves, index as usize).as_ref(), "{index} of {size}");
                assert!(tree::verify_inclusion(index, size, &leaf(index), &proof, &root));
            }
            for old in [1, 2, size / 3, size / 2, 255, 256, 257, size - 1, size] {
                if old == 0 || old > size {
                    continue;
                }
                let proof = tiles.consistency(old, size).unwrap();
                let before = tree::root_of(&leaves[..old as usize]);
                assert_eq!(Some(&proof), tree::consistency_proof(&leaves, old as usize).as_ref(), "{old} to {size}");
                assert!(tree::verify_consistency(old, size, &proof, &before, &root), "{old} to {size}");
            }
        }
    }

    #[test]
    fn a_tile_that_is_not_there_is_named() {
        let (edge, mut tiles) = grown(600, 50);
        tiles.0.remove(&(0, 1));
        assert_eq!(tiles.inclusion(300, 600), Err(Missing((0, 1))));
        assert!(Edge::load(edge.size(), &HashMap::new()).is_none());
        tiles.0.get_mut(&(0, 2)).unwrap().truncate(3);
        assert!(Edge::load(600, &tiles.0).is_none(), "a tile that is too short");
    }
}
