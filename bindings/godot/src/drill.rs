//! Drills.

use std::sync::{Arc, Mutex, PoisonError};

use godot::prelude::*;
use reprieve::client::{Error, ErrorKind};
use reprieve::drill::{Drill, Fault, Scenario};
use reprieve::terms::Kind;
use reprieve::time::{Instant, Span};
use serde_json::Value;

use crate::client::{Held, ReprieveClient, path, with_options};
use crate::errors::{Last, ReprieveError, argument, caught};
use crate::values::{ReprieveTask, number, seconds, text};

static BEGINNING: Last = Last::new();

/// A drill that lives as long as one of its clients does.
pub struct Live(Mutex<Option<Drill>>);

impl Live {
    fn call<R>(&self, call: impl FnOnce(&mut Drill) -> Result<R, Error>) -> Result<R, Error> {
        caught(|| {
            let mut drill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let closed = || Error::new(ErrorKind::Closed, "the drill was closed; begin it anew");
            call(drill.as_mut().ok_or_else(closed)?)
        })
    }
}

/// Seconds as the core has them, to the microsecond: what a float holds of them for centuries.
fn span(seconds: f64, what: &str) -> Result<Span, Error> {
    if !seconds.is_finite() || seconds.abs() > 1e10 {
        return Err(argument(format!("{what} by {seconds} s; use seconds, up to some 300 years")));
    }
    Ok(Span::nanos((seconds * 1e6).round() as i128 * 1000))
}

fn claims_of(what: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| Error::new(ErrorKind::Claims, format!("{what}: {error}")))
}

/// A drill: an authority, a clock and a ledger of its own, and a normal client on them, for tests and for teams.
///
/// A real client refuses a drill's ledger, and a drill a real one. When the drill and all clients taken from it are forgotten, its temporary
/// folder goes.
/// [codeblock]
/// var drill := ReprieveDrill.from_scenario(FileAccess.get_file_as_string("res://outage.json"))
/// for step in drill.step_count():
///     var task := drill.step(step)
///     var client := drill.client()   # a step may close one and open another
/// [/codeblock]
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveDrill {
    /// Why this thread's last call on this drill could not do its work; null if it could.
    #[var(get, no_set)]
    last_error: PhantomVar<Option<Gd<ReprieveError>>>,
    live: Arc<Live>,
    /// One for all clients of the moment, until a step opens another.
    steps: usize,
    last: Last,
    base: Base<RefCounted>,
}

impl ReprieveDrill {
    fn begun(begin: impl FnOnce() -> Result<(Drill, usize), Error>) -> Option<Gd<ReprieveDrill>> {
        let (drill, steps) = BEGINNING.note(caught(begin))?;
        let live = Arc::new(Live(Mutex::new(Some(drill))));
        Some(Gd::from_init_fn(|base| ReprieveDrill {
            last_error: PhantomVar::default(),
            live,
            steps,
            last: Last::new(),
            base,
        }))
    }

    fn call<R>(&self, call: impl FnOnce(&mut Drill) -> Result<R, Error>) -> Option<R> {
        self.last.note(self.live.call(call))
    }
}

#[godot_api]
impl ReprieveDrill {
    /// A drill that walks a scenario, on a simulated clock, in a temporary folder that goes with it. Null if that failed: [method get_open_error]
    /// says why.
    ///
    /// [param scenario]: its text, JSON or TOML.
    #[func]
    fn from_scenario(scenario: GString) -> Option<Gd<ReprieveDrill>> {
        Self::begun(|| {
            let scenario = Scenario::parse(&scenario.to_string())?;
            Ok((Drill::of(&scenario)?, scenario.steps.len()))
        })
    }

    /// A drill on the real clock in a folder that stays, which other processes can open. Null if that failed.
    ///
    /// [param policy]: the policy's claims as JSON; empty for none.
    #[func]
    fn create(folder: GString, #[opt(default = "")] policy: GString) -> Option<Gd<ReprieveDrill>> {
        Self::begun(|| {
            let policy = policy.to_string();
            let policy = if policy.is_empty() { None } else { Some(claims_of("policy", &policy)?) };
            Ok((Drill::create(&path(&folder.to_string(), "the drill's folder")?, policy.as_ref())?, 0))
        })
    }

    /// Opens a drill that [method create] made, in this process or another. Null if that failed.
    #[func]
    fn open(folder: GString) -> Option<Gd<ReprieveDrill>> {
        Self::begun(|| Ok((Drill::open(&path(&folder.to_string(), "the drill's folder")?)?, 0)))
    }

    /// Why this thread's last [method from_scenario], [method create] or [method open] failed; null if it did not.
    #[func]
    fn get_open_error() -> Option<Gd<ReprieveError>> {
        BEGINNING.get()
    }

    /// The consumer by which a scenario's events are taken.
    #[func]
    fn consumer() -> GString {
        GString::from(Drill::CONSUMER)
    }

    #[func]
    fn get_last_error(&self) -> Option<Gd<ReprieveError>> {
        self.last.get()
    }

    /// How many steps the scenario has; 0 for a drill without one.
    #[func]
    fn step_count(&self) -> i64 {
        number(self.steps as u64)
    }

    /// Does the world's part of a step, counting from 0, and says what the product has to do. Then ask [method client] for the client. Null if
    /// that failed.
    #[func]
    fn step(&self, step: i64) -> Option<Gd<ReprieveTask>> {
        let task = self.call(|drill| {
            let steps = self.steps;
            let odd = || argument(format!("step {step} of a drill with {steps}; steps count from 0"));
            drill.step(usize::try_from(step).ok().filter(|step| *step < steps).ok_or_else(odd)?)
        })?;
        Some(ReprieveTask::of(task))
    }

    /// The client of the moment: a new object on the drill's open ledger. Null if that failed.
    #[func]
    fn client(&self) -> Option<Gd<ReprieveClient>> {
        let client = self.call(|drill| drill.client())?;
        Some(ReprieveClient::of(Held::new(client, Some(self.live.clone()))))
    }

    /// Another client on the drill's ledger, as another product would have it. Null if that failed.
    ///
    /// [param options]: [code]upkeep[/code], [code]lock_timeout[/code] and [code]create[/code], as of [method ReprieveClient.open_with]; [code]{}[/code] for none.
    #[func]
    fn new_client(&self, options: VarDictionary) -> Option<Gd<ReprieveClient>> {
        let client = self.call(|drill| with_options(drill.builder(), &options, true)?.open())?;
        Some(ReprieveClient::of(Held::new(client, Some(self.live.clone()))))
    }

    /// Time passes, on the simulated clock of a scenario's drill. True if it did.
    #[func]
    fn advance(&self, seconds: f64) -> bool {
        let advanced = self.call(|drill| {
            if seconds < 0.0 {
                return Err(argument("time does not go back; shift the wall with set_wall"));
            }
            drill.advance(span(seconds, "an advance")?)
        });
        advanced.is_some()
    }

    /// Shifts the wall clock that the drill's clients see, back if negative. The machine's clock is never set. True if it did.
    #[func]
    fn set_wall(&self, seconds: f64) -> bool {
        self.call(|drill| drill.set_wall(span(seconds, "a shift")?)).is_some()
    }

    /// True time, which the drill's authority knows: seconds since 1970. 0.0 if the drill was closed.
    #[func]
    fn now(&self) -> f64 {
        self.call(|drill| Ok(drill.now())).map_or(0.0, seconds)
    }

    /// The same as exact text; empty if the drill was closed.
    #[func]
    fn now_text(&self) -> GString {
        text(self.call(|drill| -> Result<Instant, Error> { Ok(drill.now()) }))
    }

    /// Where the drill's files lie.
    #[func]
    fn folder(&self) -> GString {
        let folder = self.call(|drill| Ok(drill.folder().to_string_lossy().into_owned()));
        folder.map(|folder| GString::from(&folder)).unwrap_or_default()
    }

    /// Issues a document as the drill's authority: a token to import. Empty if that failed.
    ///
    /// [param kind]: [code]"lease"[/code], [code]"policy"[/code], [code]"notice"[/code], [code]"extension"[/code], [code]"revocation"[/code],
    /// [code]"ruling"[/code] or [code]"keys"[/code].[br]
    /// [param claims]: JSON, as the kind has them, instants in whole seconds since 1970; [code]iat[/code], and [code]ledger[/code] of a lease or
    /// ruling, are filled in. A text, as the engine writes the numbers of a [Dictionary] as it likes.[br]
    /// [param signers]: how many people of role support sign an extension.[br]
    /// [param fault]: how it is broken: empty, [code]"malformed"[/code], [code]"unknown_key"[/code], [code]"bad_signature"[/code],
    /// [code]"wrong_role"[/code] or [code]"wrong_ledger"[/code].
    #[func]
    fn issue(
        &self,
        kind: GString,
        claims: GString,
        #[opt(default = 1)] signers: i64,
        #[opt(default = "")] fault: GString,
    ) -> GString {
        let token = self.call(|drill| {
            let (kind, fault) = (kind.to_string(), fault.to_string());
            let kind = Kind::from_word(&kind).ok_or_else(|| {
                let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                argument(format!("`{kind}` is no kind of document; use {}", words.join(", ")))
            })?;
            let signers =
                usize::try_from(signers).map_err(|_| argument(format!("{signers} signers; use 0 or more")))?;
            let fault = if fault.is_empty() {
                None
            } else {
                let words = "malformed, unknown_key, bad_signature, wrong_role or wrong_ledger";
                let odd = || argument(format!("`{fault}` is no fault; use {words}"));
                Some(Fault::from_word(&fault).ok_or_else(odd)?)
            };
            drill.issue(kind, &claims_of("claims", &claims.to_string())?, signers, fault)
        });
        token.map(|token| GString::from(&*String::from_utf8_lossy(&token))).unwrap_or_default()
    }

    /// Ends the drill at once, and its temporary folder with it: its clients are then closed, and their checks unknown. Twice is no harm.
    #[func]
    fn close(&self) {
        let _ = self.last.note(caught(|| {
            drop(self.live.0.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        }));
    }
}
