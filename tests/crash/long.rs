//! Long workloads of three processes, at random from a printed seed.

use reprieve::ledger::GenerationCause;

use crate::disk::{Disk, record};
use crate::oracle::Oracle;
use crate::power::{Random, look_at_some};
use crate::work::{Hand, create, open_with};

fn scale() -> u64 {
    let soak = std::env::var("REPRIEVE_SOAK").ok().and_then(|n| n.parse().ok());
    let thorough = std::env::var_os("REPRIEVE_TEST_THOROUGH").map(|_| 20);
    soak.map(|n: u64| n.max(1) * 20).or(thorough).unwrap_or(1)
}

fn step(hand: &mut Hand, random: &mut Random, level: &mut u32) {
    let size = [0, 20, 300, 700, 1500, 5000, 66_000][random.below(7)];
    let done = match random.below(24) {
        0 => hand.generation(GenerationCause::Archive),
        1 => hand.generation(GenerationCause::NewDataKey),
        2 => {
            *level += 1;
            hand.raise_level(*level)
        }
        3 => hand.side(random.below(200) as u8),
        4 | 5 => hand.snapshot(),
        // Later the generations before would keep their slots for the old keys, and a verification could not read them.
        6 if hand.disk.told().generation == 0 => hand.rekey(random.below(2)),
        7..=9 => hand.sync().and_then(|()| hand.witness()),
        10..=12 => hand.sync(),
        _ => hand.append(size),
    };
    done.unwrap();
}

#[test]
fn three_processes_at_random() {
    let seed = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut images, mut distinct, mut torn) = (0, 0, 0);
    let runs = 2 * scale();
    for run in 0..runs {
        let mut random = Random(seed.wrapping_add(run.wrapping_mul(0x1234_5678_9abc_def1)) | 1);
        let disk = Disk::default();
        let points = record(&disk, || {
            let (mut level, mut name) = (1, b'c');
            let mut hands = vec![create(&disk).unwrap()];
            for name in [b'b', b'c'] {
                hands.push(open_with(&disk, name, 0).unwrap());
            }
            for _ in 0..40 {
                let n = random.below(hands.len());
                let keys = disk.told().keys;
                step(&mut hands[n], &mut random, &mut level);
                let now = disk.told().keys;
                for hand in &mut hands {
                    // New keys reach all processes with an update of the product, before they do anything else.
                    if keys != now || random.below(12) == 0 {
                        name += 1;
                        *hand = open_with(&disk, name, now[0]).unwrap();
                    }
                }
            }
        });
        let mut oracle = Oracle::with_keys(2);
        look_at_some(&mut oracle, &points, 1, &mut random, &format!("seed {seed:#x}, run {run}"));
        images += oracle.images;
        distinct += oracle.distinct();
        torn += oracle.torn;
    }
    println!("seed {seed:#x}: {runs} runs, {images} images, {distinct} different ones opened, {torn} torn");
}
