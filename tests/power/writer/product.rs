//! Lanes that are products: clients of a drill's ledger, on the real disk and clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reprieve::client::Client;
use reprieve::drill::Drill;
use reprieve::terms::Kind;
use serde_json::json;

use crate::claims::{Claim, Lane};
use crate::work::{Outcome, Work};

pub fn folder(folder: &Path) -> PathBuf {
    folder.join("product")
}

/// Makes the drill, unless it is there. A drill that a cut left half made is made anew: no product ever had it.
pub fn create(work: &Work) -> Outcome {
    let folder = folder(&work.folder);
    let mut lane = Lane::open(&work.place, 6)?;
    if lane.made == 0 {
        std::fs::remove_dir_all(&folder).or_else(|error| if folder.exists() { Err(error) } else { Ok(()) })?;
        // The ledger is judged on another machine than it was written on, which is not what is tested here.
        let rules = json!({ "unknown": { "allowance": "3d" }, "network": { "allowance": "14d" } });
        let policy = json!({
            "schema": 1, "id": "power", "version": 1, "default_tier": "basic", "tiers": { "basic": rules },
            "ledger": { "moved": "ignore" },
        });
        Drill::create(&folder, Some(&policy))?;
        rustix::fs::sync();
        lane.claim(&Claim::Product)?;
    }
    Ok(())
}

pub fn consumer(lane: u32) -> String {
    format!("lane-{lane}")
}

/// Appeals, leases, events and archives.
pub fn write(work: &Work, lane: &mut Lane<'_>) -> Outcome {
    let drill = Drill::open(&folder(&work.folder))?;
    let client = drill.builder().lock_timeout(Duration::from_secs(300)).open()?;
    let consumer = consumer(lane.lane);
    client.next_event(&consumer)?;
    for number in 0..work.count / 4 {
        match number % 8 {
            2 | 6 => lease(&drill, &client, lane)?,
            4 => {
                while let Some(event) = client.next_event(&consumer)? {
                    client.acknowledge(&consumer, event.record, event.index)?;
                    lane.claim(&Claim::Dealt(consumer.clone(), event.record, event.index))?;
                }
            }
            7 if lane.lane == 5 => {
                let archived = client.archive()?;
                lane.claim(&Claim::Archived(archived.generation))?;
            }
            _ => {
                let words = format!("appeal-{}-{}.", lane.lane, lane.made);
                let filling = " please".repeat([2, 150, 700, 1300][number as usize % 4]);
                client.appeal(None, &format!("{words}{filling}"))?;
                lane.claim(&Claim::Words(words))?;
            }
        }
    }
    client.close()?;
    Ok(())
}

fn lease(drill: &Drill, client: &Client, lane: &mut Lane<'_>) -> Outcome {
    let sku = format!("sku-{}-{}", lane.lane, lane.made);
    let claims = json!({
        "license": format!("of-{sku}"), "sku": sku, "features": { "core": drill.now().seconds() + 30 * 86_400 },
    });
    let answer = client.import(&drill.issue(Kind::Lease, &claims, 1, None)?)?;
    if !answer.accepted {
        return Err(format!("a lease is refused: {}", answer.detail).into());
    }
    lane.claim(&Claim::Lease(sku))
}
