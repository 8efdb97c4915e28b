//! How an authority bears a crowd. Two measurements, each with the real program behind real sockets:
//!
//! - `steady`: renewals a second, beside the limit of the same machine and database: the Ed25519 verifications and signatures that a renewal cannot do
//!   without, on all cores, and durable commits of the same rows by the same statements.
//! - `outage`: 100,000 clients, each with the real schedule (`reprieve::renew::Engine`), whose leases are all of one instant, come back after an outage of
//!   an hour. Their clock runs `--speed` times as fast as the server's, so the server bears that many times the rate; all times shown are the clients'.
//!
//! Requests are real ones: each ledger has its own key, tree and signed heads, and each head goes on from the one before. What is simulated is the
//! clients' disks alone, and that many clients share a connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod crowd;
mod outage;
mod server;
mod steady;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    /// The program of the authority.
    #[arg(long)]
    program: PathBuf,
    /// `sqlite:FILE`, or servers of PostgreSQL's.
    #[arg(long, default_value = "sqlite:authority.db")]
    database: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Renewals a second, beside the limit.
    Steady {
        #[arg(long, default_value_t = 20_000)]
        clients: usize,
    },
    /// A crowd that comes back.
    Outage {
        #[arg(long, default_value_t = 100_000)]
        clients: usize,
        /// How many times as fast the clients' clock runs.
        #[arg(long, default_value_t = 4)]
        speed: u32,
        /// All clients draw the same: none has a jitter of its own.
        #[arg(long)]
        without_jitter: bool,
        /// When it is given up, in the clients' seconds.
        #[arg(long, default_value_t = 3600)]
        most: u64,
        /// Where the curve goes: the clients' second, requests sent in it, answers, and how many are licensed.
        #[arg(long)]
        csv: PathBuf,
    },
}

fn main() {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match cli.command {
            Command::Steady { clients } => steady::run(&cli.program, &cli.database, clients).await,
            Command::Outage { clients, speed, without_jitter, most, csv } => {
                let plan = outage::Plan { clients, speed, without_jitter, most, csv };
                outage::run(&cli.program, &cli.database, plan).await;
            }
        }
    });
}
