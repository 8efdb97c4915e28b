//! The power goes a second time, while what the first cut left is put in order.

use std::collections::HashSet;

use crate::disk::{Disk, Image, record};
use crate::oracle::Oracle;
use crate::power::{Tears, every_image};
use crate::work::{created, open};

#[test]
fn while_a_torn_tail_is_cut_and_the_next_record_is_written() {
    let mut hand = created();
    let disk = hand.disk.clone();
    let points = record(&disk, || {
        // Equal sizes: a new record fits exactly before what is left of an old one.
        for size in [40, 40, 700] {
            hand.append(size).unwrap();
        }
    });
    let last = points.last().unwrap();
    let (mut images, mut seen): (Vec<Image>, HashSet<u64>) = Default::default();
    every_image(last, Tears::Few, 1000, |image| {
        if seen.insert(image.key()) {
            images.push(image);
        }
    });
    let thorough = std::env::var_os("REPRIEVE_TEST_THOROUGH").is_some();
    let step = if thorough { 1 } else { 12 };
    let fine = if thorough { Tears::Few } else { Tears::Halves };
    let (mut first, mut second, mut opened) = (Oracle::new(), 0, 0);
    for (n, image) in images.iter().enumerate().step_by(step) {
        let found = first.look(image, &last.state.told, "first cut").unwrap();
        let disk = Disk::of(image);
        disk.tell(|told| {
            told.created = true;
            told.acked = found.records.len();
            told.begun = found.records.clone();
            told.level = (1, 1);
        });
        let mut oracle = Oracle::new();
        let points = record(&disk, || {
            let mut hand = open(&disk, b'z').unwrap();
            hand.append(40).unwrap();
            hand.append(40).unwrap();
            hand.sync().unwrap();
        });
        for point in &points {
            second += every_image(point, fine, 5000, |image| {
                oracle.look(&image, &point.state.told, &format!("first image {n}, second cut at {}", point.what));
            });
        }
        opened += oracle.distinct();
    }
    println!("{} first images, {second} second ones, {opened} different ones opened", images.len().div_ceil(step));
}
