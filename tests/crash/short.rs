//! Short workloads, exhaustively: every point, every subset, every tear.

use reprieve::ledger::GenerationCause;

use crate::disk::{Disk, record};
use crate::oracle::Oracle;
use crate::power::{Tears, every_image};
use crate::work::{Hand, create, created};

/// No point of a short workload may have more images than this.
const BOUND: usize = 40_000;

fn exhaust(name: &str, keys: usize, disk: &Disk, work: impl FnOnce()) {
    let start = std::time::Instant::now();
    let points = record(disk, work);
    let mut oracle = Oracle::with_keys(keys);
    let mut most = 0;
    for point in &points {
        let images = every_image(point, Tears::All, BOUND, |image| {
            oracle.look(&image, &point.state.told, &format!("{name}, {}", point.what));
        });
        most = most.max(images);
    }
    println!(
        "{name}: {} points, {} images ({most} at most at one point), {} different ones opened, {} torn; {:?}",
        points.len(),
        oracle.images,
        oracle.distinct(),
        oracle.torn,
        start.elapsed()
    );
}

fn exhaust_hand(name: &str, work: impl FnOnce(&mut Hand) -> Result<(), reprieve::ledger::Error>) {
    let mut hand = created();
    let disk = hand.disk.clone();
    exhaust(name, 1, &disk, || work(&mut hand).unwrap());
}

#[test]
fn a_creation() {
    let disk = Disk::default();
    exhaust("creation", 1, &disk, || drop(create(&disk).unwrap()));
}

#[test]
fn small_records_that_share_a_sector() {
    exhaust_hand("small records", |hand| {
        hand.append(20)?;
        hand.append(0)?;
        hand.sync()?;
        hand.append(9)?;
        hand.append(9)?;
        hand.append(200)?;
        hand.sync()
    });
}

#[test]
fn records_that_span_sectors_and_pages() {
    exhaust_hand("large records", |hand| {
        hand.append(700)?;
        hand.append(30)?;
        hand.sync()?;
        hand.append(5000)?;
        hand.append(1000)?;
        hand.sync()
    });
}

#[test]
fn a_record_that_makes_the_file_grow() {
    exhaust_hand("growth", |hand| {
        hand.append(56_000)?;
        hand.sync()?;
        hand.append(1500)?;
        hand.append(100)?;
        hand.sync()?;
        hand.append(70_000)?;
        hand.sync()
    });
}

#[test]
fn a_level_and_new_key_slots() {
    let mut hand = created();
    let disk = hand.disk.clone();
    exhaust("header", 2, &disk, || {
        hand.append(40).unwrap();
        hand.raise_level(2).unwrap();
        hand.rekey(1).unwrap();
        hand.append(40).unwrap();
        hand.sync().unwrap();
        hand.raise_level(5).unwrap();
    });
}

#[test]
fn an_archive_and_a_new_data_key() {
    exhaust_hand("generations", |hand| {
        hand.append(40)?;
        hand.generation(GenerationCause::Archive)?;
        hand.append(300)?;
        hand.generation(GenerationCause::NewDataKey)?;
        hand.append(10)?;
        hand.sync()
    });
}

#[test]
fn snapshots_and_heads() {
    exhaust_hand("snapshots", |hand| {
        hand.append(40)?;
        hand.sync()?;
        hand.snapshot()
    });
}

#[test]
fn a_witness_and_a_side_file() {
    exhaust_hand("witness", |hand| {
        hand.append(40)?;
        hand.sync()?;
        hand.witness()?;
        hand.side(1)?;
        hand.append(10)?;
        hand.side(2)?;
        hand.generation(GenerationCause::Archive)?;
        hand.witness()
    });
}
