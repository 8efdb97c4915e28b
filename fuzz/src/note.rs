//! Signed notes, checkpoints, keys in their text form, and proofs.
//!
//! Laws: what is read prints as it was written; a note verifies under the key that signed it and says the signed text; a proof holds
//! for its own record, tree and root alone.

use reprieve::ledger::note::{Checkpoint, Verifier, sign};
use reprieve::ledger::tree::{
    Hash, consistency_proof, inclusion_proof, leaf_hash, root_of, verify_consistency, verify_inclusion,
};
use reprieve::ledger::{Chain, Continuity};

use crate::forge::{public_key, signer};
use crate::steps::Steps;

/// Runs the target.
pub fn run(data: &[u8]) {
    // A renewal request that is read goes on from its own head.
    if let Ok(chain) = Chain::of_request(data) {
        assert_eq!(chain.continuity(&chain.head).expect("its head was read"), Continuity::Continues);
    }
    let Some((mode, rest)) = data.split_first() else { return };
    match mode % 3 {
        0 => text(&String::from_utf8_lossy(rest)),
        1 => signed(rest),
        _ => proofs(&mut Steps::new(rest)),
    }
}

fn text(text: &str) {
    if let Ok(verifier) = Verifier::from_vkey(text) {
        assert_eq!(Verifier::from_vkey(&verifier.vkey()).expect("it was read before"), verifier);
        assert_eq!(verifier.vkey(), text);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.text(), text);
    }
    let known = Verifier::new("fuzz", public_key()).expect("a plain name");
    if let Ok(signed) = known.verify(text) {
        assert!(text.starts_with(signed));
    }
}

/// name, a zero byte, text: signed if a note can hold it.
fn signed(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (name, text) =
        (String::from_utf8_lossy(&data[..at]), String::from_utf8_lossy(data.get(at + 1..).unwrap_or(&[])));
    let Ok(note) = sign(&name, &signer(), &text) else { return };
    let verifier = Verifier::new(&name, public_key()).expect("the name was signed with");
    if text.len() < 1 << 19 {
        assert_eq!(verifier.verify(&note).expect("it was signed"), text);
        // Cosigned: the other's line is passed over.
        let line = note.strip_prefix(&*text).expect("a note begins with its text");
        let cosigned = format!("{note}{}", line.trim_start_matches('\n').replacen(&*name, "another", 1));
        if name != "another" {
            assert_eq!(verifier.verify(&cosigned).expect("it is still signed"), text);
        }
        // Another text under the same signature.
        let forged = format!("x{note}");
        assert!(verifier.verify(&forged).is_err());
    }
    assert_eq!(Verifier::from_vkey(&verifier.vkey()).ok().as_ref(), Some(&verifier));
}

fn proofs(steps: &mut Steps<'_>) {
    let size = 1 + steps.below(20);
    let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&[n as u8])).collect();
    let root = root_of(&leaves);
    let (index, old) = (steps.below(size), 1 + steps.below(size));
    let inclusion = inclusion_proof(&leaves, index).expect("the leaf is there");
    let consistency = consistency_proof(&leaves, old).expect("the tree was that large");
    let old_root = root_of(&leaves[..old]);
    assert!(verify_inclusion(index as u64, size as u64, &leaves[index], &inclusion, &root));
    assert!(verify_consistency(old as u64, size as u64, &consistency, &old_root, &root));

    let (mut at, mut of, mut leaf, mut proof) = (index as u64, size as u64, leaves[index], inclusion.clone());
    disturb(steps, &mut at, &mut of, &mut leaf, &mut proof);
    let same = (at, of, leaf, &proof) == (index as u64, size as u64, leaves[index], &inclusion);
    // Another size may lead to the same path; another leaf, place in the tree or proof may not.
    let holds = verify_inclusion(at, of, &leaf, &proof, &root);
    assert!(same || !holds || (leaf, &proof) == (leaves[index], &inclusion), "{index}/{size} proves {at}/{of}");

    let (mut from, mut to, mut first, mut proof) = (old as u64, size as u64, old_root, consistency.clone());
    disturb(steps, &mut from, &mut to, &mut first, &mut proof);
    let holds = verify_consistency(from, to, &proof, &first, &root);
    assert!(!holds || first == old_root || (from, to) != (old as u64, size as u64), "{old} to {size}");
}

fn disturb(steps: &mut Steps<'_>, one: &mut u64, other: &mut u64, hash: &mut Hash, proof: &mut Vec<Hash>) {
    for _ in 0..=steps.below(3) {
        match steps.below(6) {
            0 => *one = steps.number(*one),
            1 => *other = steps.number(*other),
            2 => hash[steps.below(32)] ^= 1,
            3 => drop(proof.pop()),
            4 => proof.insert(steps.below(proof.len() + 1), *hash),
            _ => {
                let at = steps.below(proof.len().max(1));
                if let Some(part) = proof.get_mut(at) {
                    part[steps.below(32)] ^= 1;
                }
            }
        }
    }
}
