//! Several writers, their steps interleaved in every order. A step under the lock is one; a sync is one of its own.

use reprieve::ledger::GenerationCause;

use crate::disk::record;
use crate::oracle::Oracle;
use crate::power::{Tears, every_image};
use crate::work::{created, open};

#[derive(Clone, Copy, Debug)]
enum Step {
    Append(usize),
    Sync,
    Archive,
    Level,
}
use Step::{Append, Archive, Level, Sync};

/// Every order of so many steps of each writer.
fn orders(left: &mut [usize], order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if left.iter().all(|n| *n == 0) {
        all.push(order.clone());
    }
    for writer in 0..left.len() {
        if left[writer] > 0 {
            left[writer] -= 1;
            order.push(writer);
            orders(left, order, all);
            order.pop();
            left[writer] += 1;
        }
    }
}

fn interleave(name: &str, scripts: &[&[Step]], fine: Tears) {
    let mut all = Vec::new();
    orders(&mut scripts.iter().map(|script| script.len()).collect::<Vec<_>>(), &mut Vec::new(), &mut all);
    let (mut images, mut distinct) = (0, 0);
    for order in &all {
        let first = created();
        let disk = first.disk.clone();
        let mut hands: Vec<_> = (0..scripts.len()).map(|n| open(&disk, b'b' + n as u8).unwrap()).collect();
        let mut at = vec![0; scripts.len()];
        let points = record(&disk, || {
            for writer in order {
                let hand = &mut hands[*writer];
                let done = match scripts[*writer][at[*writer]] {
                    Append(size) => hand.append(size),
                    Sync => hand.sync(),
                    Archive => hand.generation(GenerationCause::Archive),
                    Level => hand.raise_level(3),
                };
                done.unwrap_or_else(|err| panic!("{order:?}: {err}"));
                at[*writer] += 1;
            }
        });
        let mut oracle = Oracle::new();
        for point in &points {
            images += every_image(point, fine, 5000, |image| {
                oracle.look(&image, &point.state.told, &format!("{name} {order:?}, {}", point.what));
            });
        }
        distinct += oracle.distinct();
    }
    println!("{name}: {} orders, {images} images, {distinct} different ones opened", all.len());
}

#[test]
fn two_writers() {
    interleave("two writers", &[&[Append(40), Sync], &[Append(40), Append(600), Sync]], Tears::Few);
}

#[test]
fn three_writers() {
    interleave("three writers", &[&[Append(40), Sync], &[Append(40), Sync], &[Append(40)]], Tears::Halves);
}

#[test]
fn a_writer_beside_a_switch_of_generation() {
    let scripts: &[&[Step]] = &[&[Append(40), Sync, Append(40), Sync], &[Archive, Level]];
    interleave("a switch", scripts, Tears::Halves);
}
