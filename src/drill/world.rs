//! The simulated world: time, the wall, boots and machines.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::{Error, ErrorKind};
use crate::clock::os::OsClock;
use crate::clock::{Boot, Clock, Reading};
use crate::grace::Machine;
use crate::time::{Instant, Span};

#[derive(Clone, Debug)]
struct Now {
    /// True time, which the authority knows.
    now: Instant,
    /// How far the wall is off.
    shift: Span,
    boots: u64,
    booted: Instant,
    machine: String,
}

/// The simulated clock of one machine at a time.
#[derive(Clone, Debug)]
pub struct World(Arc<Mutex<Now>>);

impl World {
    /// A world in which time stands still until it is moved, on machine `a`.
    pub fn new(start: Instant) -> World {
        let now = Now { now: start, shift: Span::ZERO, boots: 1, booted: start, machine: "a".to_owned() };
        World(Arc::new(Mutex::new(now)))
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True time.
    pub fn now(&self) -> Instant {
        self.lock().now
    }

    /// Time passes, machine on.
    pub fn advance(&self, span: Span) {
        let mut now = self.lock();
        now.now = now.now + span;
    }

    /// The machine is off for a while, then another boot: a new identity, uptime 0.
    pub fn boot(&self, off: Span, machine: Option<&str>) {
        let mut now = self.lock();
        now.now = now.now + off;
        now.booted = now.now;
        now.boots += 1;
        if let Some(machine) = machine {
            now.machine = machine.to_owned();
        }
    }

    /// Shifts the wall.
    pub fn set_wall(&self, by: Span) {
        let mut now = self.lock();
        now.shift = now.shift + by;
    }

    /// The name of the machine that is on.
    pub fn machine_name(&self) -> String {
        self.lock().machine.clone()
    }

    /// The facts of the machine that is on, under a ledger's id.
    pub fn machine(&self, ledger: &str) -> Machine {
        let name = self.machine_name();
        Machine::of(ledger, [1, 2, 3].map(|fact| Some(format!("{name} {fact}").into_bytes())))
    }
}

impl Clock for World {
    fn read(&self) -> Reading {
        let now = self.lock();
        let mut boot = [0; 16];
        boot[..8].copy_from_slice(&now.boots.to_le_bytes());
        Reading { wall: now.now + now.shift, boot: Boot(boot), uptime: now.now - now.booted }
    }
}

/// The real clock, plus an offset of the wall that a file in the drill's folder holds: every process that has the drill open
/// adds it. No command ever sets the machine's clock.
#[derive(Debug)]
pub struct ShiftedClock {
    clock: Arc<OsClock>,
    file: PathBuf,
}

/// The offset's file in a drill's folder.
const OFFSET: &str = "wall-offset";

impl ShiftedClock {
    /// The clock of a drill's folder.
    pub fn new(folder: &Path) -> ShiftedClock {
        ShiftedClock { clock: OsClock::new(), file: folder.join(OFFSET) }
    }

    /// The offset of the wall; none was set: zero.
    pub fn offset(&self) -> Span {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.trim().parse().map_or(Span::ZERO, Span::seconds)
    }

    /// Shifts the wall, for every process.
    pub fn set_wall(&self, by: Span) -> Result<(), Error> {
        let offset = self.offset() + by;
        let new = self.file.with_extension("new");
        std::fs::write(&new, offset.as_seconds().to_string()).and_then(|()| std::fs::rename(&new, &self.file)).map_err(
            |error| Error::new(ErrorKind::Io, format!("{}: {error}; check the drill's folder", self.file.display())),
        )
    }

    /// True time.
    pub fn now(&self) -> Instant {
        self.clock.read().wall
    }
}

impl Clock for ShiftedClock {
    fn read(&self) -> Reading {
        let reading = self.clock.read();
        Reading { wall: reading.wall + self.offset(), ..reading }
    }
}
