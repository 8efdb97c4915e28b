//! Drills: a simulated authority, clock and world, and a real client on a real ledger in it.
//!
//! A drill's ledger is marked as one, and a real open refuses it. Tests, conformance in every language, and a team's outage drill
//! are the same thing.
//!
//! ```
//! use reprieve::drill::{Scenario, run};
//! let scenario = Scenario::parse(
//!     r#"{"name": "a-day", "sku": "cad", "steps": [
//!         {"lease": {"license": "L1", "features": ["core"], "ttl": "24h"}, "expect": {"accepted": true}},
//!         {"advance": "25h"},
//!         {"check": "core", "expect": {"access": "denied", "state": "expired"}}
//!     ]}"#,
//! ).unwrap();
//! let report = run(&scenario).unwrap();
//! assert!(report.iter().all(|step| step.differences.is_empty()));
//! ```

mod authority;
#[cfg(test)]
mod fixture;
pub mod lines;
mod scenario;
mod world;
#[cfg(test)]
mod year;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

pub use authority::Authority;
use authority::Reply;
pub use scenario::{Action, Answers, Draft, Fault, SIGNERS, Scenario, Step};
pub use world::{ShiftedClock, World};

use crate::client::{App, Builder, Client, Error, ErrorKind};
use crate::clock::Clock;
use crate::terms::{Kind, Outage};
use crate::time::{Instant, Span};

/// What a product has to do in a step, after the world did its part.
#[derive(Clone, Debug)]
pub enum Task {
    /// Nothing.
    Nothing,
    /// Import this token.
    Import(Vec<u8>),
    /// Check this feature.
    Check {
        /// The SKU.
        sku: String,
        /// The feature.
        feature: String,
    },
    /// Report this outage.
    Report(Outage),
    /// Do upkeep, then take and acknowledge events as [`Drill::CONSUMER`] until there is none.
    Events,
}

enum Clockwork {
    Simulated(World),
    Real(Arc<ShiftedClock>),
}

/// A drill: its own authority, clock and ledger, and a normal client on them.
pub struct Drill {
    folder: PathBuf,
    temporary: bool,
    authority: Authority,
    app: App,
    clockwork: Clockwork,
    scenario: Option<Scenario>,
    client: Option<Client>,
    /// By name, each with when it was made.
    requests: HashMap<String, Vec<(Instant, Reply)>>,
    /// The records whose events were printed, on whatever copy of the ledger.
    printed: HashSet<[u8; 32]>,
    tokens: Vec<Option<Vec<u8>>>,
}

impl std::fmt::Debug for Drill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drill").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |error| Error::new(ErrorKind::Io, format!("{}: {error}; check the drill's folder", path.display()))
}

const AUTHORITY: &str = "authority.json";
const NAME: &str = "drill";

impl Drill {
    /// The consumer by which a scenario's events are taken.
    pub const CONSUMER: &'static str = "drill";

    /// A drill that runs a scenario, on a simulated clock, in a temporary folder that goes with it.
    ///
    /// # Errors
    /// If the folder cannot be made, or the scenario's policy is refused.
    pub fn of(scenario: &Scenario) -> Result<Drill, Error> {
        let mut random = [0; 12];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| Error::new(ErrorKind::Io, "the system has no random bytes"))?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = std::env::temp_dir().join(format!("reprieve-drill-{name}"));
        std::fs::create_dir(&folder).map_err(io(&folder))?;
        let authority = Authority::new()?;
        let clockwork = Clockwork::Simulated(World::new(scenario.start));
        let app = Drill::app_of(&authority, scenario.start, random.to_vec());
        let mut drill = Drill {
            folder,
            temporary: true,
            authority,
            app,
            clockwork,
            scenario: Some(scenario.clone()),
            client: None,
            requests: HashMap::new(),
            printed: HashSet::new(),
            tokens: vec![None; scenario.steps.len()],
        };
        drill.begin(scenario.policy.as_ref())?;
        Ok(drill)
    }

    /// A drill on the real clock in a folder that stays, which other processes can open.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] if a drill is there already; or if the policy is refused or the folder cannot be written.
    pub fn create(folder: &Path, policy: Option<&Value>) -> Result<Drill, Error> {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let file = folder.join(AUTHORITY);
        if file.exists() {
            let text = format!("{}: a drill is there already; open it, or use another folder", folder.display());
            return Err(Error::new(ErrorKind::Exists, text));
        }
        let authority = Authority::new()?;
        let mut secret = vec![0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| Error::new(ErrorKind::Io, "the system has no random bytes"))?;
        let clock = ShiftedClock::new(folder);
        let made = whole(clock.now());
        let kept = json!({ "authority": authority.to_json(), "secret": secret, "made": made.seconds() });
        // Named last: who finds the file finds a whole drill.
        let new = file.with_extension("new");
        std::fs::write(&new, kept.to_string()).map_err(io(&new))?;
        let mut drill = Drill::on_real_clock(folder, authority, secret, made)?;
        drill.begin(policy)?;
        std::fs::rename(&new, &file).map_err(io(&file))?;
        Ok(drill)
    }

    /// Opens a drill that another process made with [`Drill::create`].
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] if there is none.
    pub fn open(folder: &Path) -> Result<Drill, Error> {
        let mut drill = Drill::read(folder)?;
        drill.open_client()?;
        Ok(drill)
    }

    /// A builder for a client on a drill's ledger, without opening one: what only reads must record nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] if there is no drill.
    pub fn builder_of(folder: &Path) -> Result<Builder, Error> {
        Ok(Drill::read(folder)?.builder())
    }

    fn read(folder: &Path) -> Result<Drill, Error> {
        let file = folder.join(AUTHORITY);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            Error::new(
                ErrorKind::Missing,
                format!("{}: {error}; make the drill first, as `reprieve world new` does", file.display()),
            )
        })?;
        let odd = || Error::new(ErrorKind::Drill, format!("{} cannot be read; make the drill anew", file.display()));
        let kept: Value = serde_json::from_str(&text).map_err(|_| odd())?;
        let secret: Vec<u8> = serde_json::from_value(kept["secret"].clone()).map_err(|_| odd())?;
        let made = Instant::from_seconds(kept["made"].as_i64().ok_or_else(odd)?);
        Drill::on_real_clock(folder, Authority::from_json(&kept["authority"])?, secret, made)
    }

    fn on_real_clock(folder: &Path, authority: Authority, secret: Vec<u8>, made: Instant) -> Result<Drill, Error> {
        Ok(Drill {
            app: Drill::app_of(&authority, made, secret),
            folder: folder.to_owned(),
            temporary: false,
            authority,
            clockwork: Clockwork::Real(Arc::new(ShiftedClock::new(folder))),
            scenario: None,
            client: None,
            requests: HashMap::new(),
            printed: HashSet::new(),
            tokens: Vec::new(),
        })
    }

    fn app_of(authority: &Authority, made: Instant, secret: Vec<u8>) -> App {
        let mut app = App::new(NAME, &[b"reprieve drill: ".as_slice(), &secret].concat(), vec![authority.root()]);
        app.keys = Some(authority.keys_token(made));
        app
    }

    /// The ledger is made, and the policy accepted, before step 0.
    fn begin(&mut self, policy: Option<&Value>) -> Result<(), Error> {
        let client = self.open_client()?;
        if let Some(policy) = policy {
            let mut claims = policy.clone();
            claims["iat"] = json!(self.now().seconds());
            let token = self.authority.issue(Kind::Policy, &claims, 1, None)?;
            let answer = client.import(&token)?;
            if let Some(error) = answer.error {
                let text = format!("the drill's policy is refused ({error}): {}", answer.detail);
                return Err(Error::new(ErrorKind::Scenario, text));
            }
        }
        client.next_event(Drill::CONSUMER)?;
        Ok(())
    }

    /// Where its files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its application, for who wants to open its ledger with other tools.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// A builder for another client on its ledger, such as one that leaves upkeep to the product.
    pub fn builder(&self) -> Builder {
        let ledger = self.folder.join("ledger");
        let builder = Builder::new(self.app.clone()).folder(ledger);
        match &self.clockwork {
            Clockwork::Simulated(world) => {
                let machine = world.clone();
                builder.witness(self.folder.join(format!("witness-{}", world.machine_name()))).drill(
                    Arc::new(world.clone()),
                    Some(Arc::new(move |ledger: &str| machine.machine(ledger))),
                    None,
                )
            }
            Clockwork::Real(clock) => builder.witness(self.folder.join("witness")).drill(clock.clone(), None, None),
        }
    }

    fn open_client(&mut self) -> Result<Client, Error> {
        let client = self.builder().open()?;
        self.client = Some(client.clone());
        Ok(client)
    }

    /// The client of the moment. A step may close it and open another.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if a step failed to open one.
    pub fn client(&self) -> Result<Client, Error> {
        let closed =
            || Error::new(ErrorKind::Closed, "the drill's client could not be opened again; begin the drill anew");
        self.client.clone().ok_or_else(closed)
    }

    /// True time, which the authority knows.
    pub fn now(&self) -> Instant {
        match &self.clockwork {
            Clockwork::Simulated(world) => world.now(),
            Clockwork::Real(clock) => clock.now(),
        }
    }

    /// The clock that its clients read.
    pub fn clock(&self) -> Arc<dyn Clock> {
        match &self.clockwork {
            Clockwork::Simulated(world) => Arc::new(world.clone()),
            Clockwork::Real(clock) => clock.clone(),
        }
    }

    /// Time passes.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] on the real clock.
    pub fn advance(&self, span: Span) -> Result<(), Error> {
        self.world().map(|world| world.advance(span))
    }

    fn world(&self) -> Result<&World, Error> {
        match &self.clockwork {
            Clockwork::Simulated(world) => Ok(world),
            Clockwork::Real(_) => Err(Error::new(
                ErrorKind::Unsupported,
                "this drill runs on the real clock; only its wall can be shifted",
            )),
        }
    }

    /// Shifts the wall that the drill's clients see. The machine's clock is never set.
    ///
    /// # Errors
    /// If the drill's folder cannot be written.
    pub fn set_wall(&self, by: Span) -> Result<(), Error> {
        match &self.clockwork {
            Clockwork::Simulated(world) => {
                world.set_wall(by);
                Ok(())
            }
            Clockwork::Real(clock) => clock.set_wall(by),
        }
    }

    /// Issues a document: `claims` as its kind has them, instants in seconds since 1970. `iat` is now unless given, `ledger` of a
    /// lease or ruling this drill's, `effective` of a revocation its `iat`.
    ///
    /// # Errors
    /// [`ErrorKind::Claims`].
    pub fn issue(&self, kind: Kind, claims: &Value, signers: usize, fault: Option<Fault>) -> Result<Vec<u8>, Error> {
        let mut claims = claims.clone();
        let ledger = self.client()?.ledger_id()?;
        let object = claims.as_object_mut().ok_or_else(|| Error::new(ErrorKind::Claims, "claims are a JSON object"))?;
        let iat = object.entry("iat").or_insert_with(|| json!(self.now().seconds())).clone();
        if matches!(kind, Kind::Lease | Kind::Ruling) {
            object.entry("ledger").or_insert_with(|| json!(ledger));
        }
        if kind == Kind::Revocation {
            object.entry("effective").or_insert(iat);
        }
        self.authority.issue(kind, &claims, signers, fault)
    }

    /// Does the world's part of a step of the scenario, and says what the product has to do.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is no such step; or what the ledger says.
    pub fn step(&mut self, at: usize) -> Result<Task, Error> {
        let step = self
            .scenario
            .as_ref()
            .and_then(|scenario| scenario.steps.get(at))
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::Argument, format!("the scenario has no step {at}")))?;
        match step.action {
            Action::Advance(span) => self.advance(span)?,
            Action::SetWall(by) => self.set_wall(by)?,
            Action::Reboot(off) => self.reboot(off, None, true)?,
            Action::PowerLoss(off) => self.reboot(off, None, false)?,
            Action::Move(to, off) => self.reboot(off, Some(&to), true)?,
            Action::Reopen => {
                self.client()?.close()?;
                self.open_client()?;
            }
            Action::Save(name) => {
                self.client()?.close()?;
                copy_ledger(&self.folder.join("ledger"), &self.folder.join(format!("saved-{name}")))?;
                self.open_client()?;
            }
            Action::Restore(name) => {
                let client = self.client()?;
                self.printed.extend(client.given(Drill::CONSUMER)?);
                client.close()?;
                copy_ledger(&self.folder.join(format!("saved-{name}")), &self.folder.join("ledger"))?;
                let printed = std::mem::take(&mut self.printed);
                self.open_client()?.skip_given(Drill::CONSUMER, &printed)?;
                self.printed = printed;
            }
            Action::Request(name) => {
                let reply = self.authority.hear(&self.client()?.request()?)?;
                let now = self.now();
                self.requests.entry(name).or_default().push((now, reply));
            }
            Action::Document(draft) => {
                let token = self.draft(&draft)?;
                self.tokens[at] = Some(token.clone());
                return Ok(Task::Import(token));
            }
            Action::Replay(of) => {
                let token = self.tokens.get(of).cloned().flatten().ok_or_else(|| {
                    Error::new(ErrorKind::Argument, format!("step {at} replays step {of}, which was not walked"))
                })?;
                self.tokens[at] = Some(token.clone());
                return Ok(Task::Import(token));
            }
            Action::Report(outage) => return Ok(Task::Report(outage)),
            Action::Check { feature, sku } => return Ok(Task::Check { sku, feature }),
            Action::Events => return Ok(Task::Events),
        }
        Ok(Task::Nothing)
    }

    fn draft(&self, draft: &Draft) -> Result<Vec<u8>, Error> {
        let client = self.client()?;
        let reply = match &draft.answers {
            Answers::Nothing => None,
            Answers::Now => Some(self.authority.hear(&client.request()?)?),
            // The last that was made before the lease was issued.
            Answers::Named(name) => self
                .requests
                .get(name)
                .and_then(|made| made.iter().rev().find(|(at, _)| *at <= self.now() - draft.age))
                .map(|(_, reply)| reply.clone()),
        };
        let start = self.scenario.as_ref().map_or(Instant::EPOCH, |scenario| scenario.start);
        let iat = self.now() - draft.age;
        let claims = Authority::claims(draft, start, iat, &client.ledger_id()?, reply.as_ref())?;
        self.authority.issue(draft.kind, &claims, draft.signers, draft.fault)
    }

    fn reboot(&mut self, off: Span, machine: Option<&str>, clean: bool) -> Result<(), Error> {
        let client = self.client()?;
        if clean {
            client.close()?
        } else {
            client.abandon()
        }
        self.world()?.boot(off, machine);
        self.open_client().map(|_| ())
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        // A client outlives the drill that made it, unless its ledger's folder goes with that.
        if self.temporary {
            if let Some(client) = self.client.take() {
                let _ = client.close();
            }
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn whole(instant: Instant) -> Instant {
    Instant::from_seconds(instant.seconds())
}

/// Copies a ledger's files over what lies there. Consumers' places and the lock are not the ledger.
fn copy_ledger(from: &Path, to: &Path) -> Result<(), Error> {
    let ledgers = |folder: &Path| -> Result<Vec<PathBuf>, Error> {
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let files = std::fs::read_dir(folder).map_err(io(folder))?.filter_map(Result::ok).map(|entry| entry.path());
        let own = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            !name.contains(".side-") && !name.ends_with(".lock")
        };
        Ok(files.filter(own).collect())
    };
    for file in ledgers(to)? {
        std::fs::remove_file(&file).map_err(io(&file))?;
    }
    std::fs::create_dir_all(to).map_err(io(to))?;
    for file in ledgers(from)? {
        if let Some(name) = file.file_name() {
            std::fs::copy(&file, to.join(name)).map_err(io(&file))?;
        }
    }
    Ok(())
}

/// What one step of a scenario came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The step's number.
    pub step: usize,
    /// True time, after it.
    pub now: Instant,
    /// What it printed.
    pub lines: Vec<Value>,
    /// What of its expectation was not met.
    pub differences: Vec<String>,
}

/// Runs a scenario, step by step.
///
/// # Errors
/// What the ledger says; an expectation that is not met is no error, but a difference.
pub fn run(scenario: &Scenario) -> Result<Vec<Outcome>, Error> {
    let mut drill = Drill::of(scenario)?;
    let mut outcomes = Vec::with_capacity(scenario.steps.len());
    for (at, step) in scenario.steps.iter().enumerate() {
        let task = drill.step(at)?;
        let client = drill.client()?;
        let lines = match task {
            Task::Nothing => Vec::new(),
            Task::Import(token) => vec![lines::document(at, &client.import(&token)?)],
            Task::Check { sku, feature } => vec![lines::check(at, &client.check(&sku, &feature))],
            Task::Report(outage) => {
                client.report(outage)?;
                Vec::new()
            }
            Task::Events => {
                client.upkeep()?;
                let mut lines = Vec::new();
                while let Some(event) = client.next_event(Drill::CONSUMER)? {
                    lines.push(lines::event(at, &event));
                    client.acknowledge(Drill::CONSUMER, event.record, event.index)?;
                }
                lines
            }
        };
        let differences = lines::differences(step, &lines);
        outcomes.push(Outcome { step: at, now: drill.now(), lines, differences });
    }
    Ok(outcomes)
}
