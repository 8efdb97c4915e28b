//! What runs inside the guest of `tests/power/run.py`, and judges what its power cuts left.
//!
//! `work FOLDER DEVICE OFFSET COUNT [nosync]` judges the ledgers in FOLDER as the last cut left them, then has six lanes in two processes
//! write to them; each lane writes what was acknowledged to it into sectors of its own of DEVICE, from OFFSET on, past the file system.
//! `check FOLDER` judges the ledgers against the claims on its standard input, one a line.

// It writes past the page cache, which is Linux's own way; elsewhere there is nothing to run.
#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod claims;
#[cfg(target_os = "linux")]
mod log;
#[cfg(target_os = "linux")]
mod product;
#[cfg(target_os = "linux")]
mod work;

#[cfg(target_os = "linux")]
use work::main;

#[cfg(not(target_os = "linux"))]
fn main() {}
