//! Attacks on the cells that checks are answered from: races of whoever makes, names, frees and forks, and what is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod vendor;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Watch};

use reprieve::client::Upkeep;
use reprieve::terms::{Access, LicenseState};
use vendor::Vendor;

/// A name that is taken back while another thread is about to put a decision there: its cell may be another client's by then.
#[test]
fn a_cell_that_goes_to_another_takes_no_decision_along() {
    let (vendor, folder, bare) = (Vendor::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    assert!(client.import(&vendor.lease(3600)).unwrap().accepted);
    assert_eq!(client.check("cad", "core").access, Access::Full);
    let other = vendor.builder(bare.path()).upkeep(Upkeep::Own).open().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for tag in [16, 32] {
            let (client, stop) = (&client, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    client.name(tag, "cad", "core");
                }
            });
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    client.unname(tag);
                }
            });
        }
        let start = Watch::now();
        while start.elapsed() < Duration::from_secs(2) {
            let feature = other.feature("cad", "core").unwrap();
            for _ in 0..20 {
                let state = feature.check().state();
                if state != Some(LicenseState::Unlicensed) {
                    stop.store(true, Ordering::Relaxed);
                }
                assert_eq!(state, Some(LicenseState::Unlicensed), "another client's decision");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Nobody's tag takes nobody's cells.
#[test]
fn the_tag_of_nobody_takes_no_cells_away() {
    let (vendor, folder) = (Vendor::new(), tempfile::tempdir().unwrap());
    let client = vendor.builder(folder.path()).upkeep(Upkeep::Own).open().unwrap();
    let feature = client.feature("cad", "core").unwrap();
    feature.check();
    assert!(feature.cell().unwrap().read().is_some());
    client.unname(0);
    assert!(feature.cell().unwrap().read().is_some(), "it is kept still");
}
