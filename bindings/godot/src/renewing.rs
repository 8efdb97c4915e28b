//! Renewing by the library's own HTTP, on a thread that a game asks for.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use godot::prelude::*;
use reprieve::client::{Client, Error, ErrorKind, Standing, Watch};
use reprieve::http::{Options, Renewing};
use reprieve::renew::{Ended, Settings};
use reprieve::time::Span;

use crate::client::option_text;
use crate::errors::argument;

/// What a game says of renewing.
#[derive(Clone)]
pub struct Wishes {
    settings: Settings,
    options: Options,
}

/// Reads the options of `renewing_with` and `renew_options`.
pub fn wishes(given: &VarDictionary) -> Result<Wishes, Error> {
    let (mut settings, mut options) = (Settings::default(), Options::default());
    for (key, value) in given.iter_shared() {
        let name = key.to_string();
        match name.as_str() {
            "roots" => {
                options.roots = Some(match value.get_type() {
                    VariantType::PACKED_BYTE_ARRAY => value.to::<PackedByteArray>().to_vec(),
                    _ => option_text(&name, &value)?.into_bytes(),
                });
            }
            "proxy" => {
                options.proxy = match option_text(&name, &value)?.as_str() {
                    "" => None,
                    "none" => Some(String::new()),
                    url => Some(url.to_owned()),
                };
            }
            "headers" => {
                let headers = value.try_to::<VarDictionary>().map_err(|_| {
                    argument("the option headers is a dictionary of texts by name, such as {\"Authorization\": ...}")
                })?;
                for (name, value) in headers.iter_shared() {
                    let name = name.to_string();
                    // What it is stands in no message: it is a secret.
                    let value = option_text(&name, &value)
                        .map_err(|_| argument(format!("the value of the header {name} is not a text")))?;
                    options.headers.push((name, value));
                }
            }
            "timeout" => settings.timeout = option_span(&name, &value)?,
            "hedge" => settings.hedge = option_span(&name, &value)?,
            "pause" => settings.pause = option_span(&name, &value)?,
            "pause_most" => settings.pause_most = option_span(&name, &value)?,
            "retry_after_most" => settings.retry_after_most = option_span(&name, &value)?,
            "answered" => settings.answered = option_span(&name, &value)?,
            "renewed" => settings.renewed = option_span(&name, &value)?,
            _ => {
                let known =
                    "roots, proxy, headers, timeout, hedge, pause, pause_most, retry_after_most, answered and renewed";
                return Err(argument(format!("renewing has no option `{name}`; there are {known}")));
            }
        }
    }
    Ok(Wishes { settings, options })
}

/// Seconds, to the millisecond, as in every language.
fn option_span(name: &str, value: &Variant) -> Result<Span, Error> {
    let seconds = match value.get_type() {
        VariantType::INT => value.to::<i64>() as f64,
        VariantType::FLOAT => value.to::<f64>(),
        _ => f64::NAN,
    };
    if !(0.001..=1e7).contains(&seconds) {
        return Err(argument(format!("the option {name} of {value}; use seconds, from 0.001 to 10,000,000")));
    }
    Ok(Span::nanos((seconds * 1e3).round() as i128 * 1_000_000))
}

/// Threads that have not ended yet. Before the library goes, they are waited for: code must not vanish under a thread.
static THREADS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Renewals that may be under way still, whoever forgot them.
static LIVE: Mutex<Vec<Weak<Running>>> = Mutex::new(Vec::new());

/// Keeps a thread in mind until it has ended.
pub fn keep(thread: JoinHandle<()>) {
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    threads.retain(|thread| !thread.is_finished());
    threads.push(thread);
}

/// Stops all renewing, and waits for the threads of keepers that were told to stop. Each is at most within one call, which has a deadline; none waits
/// for the network.
pub fn wait_for_threads() {
    let live = std::mem::take(&mut *LIVE.lock().unwrap_or_else(PoisonError::into_inner));
    for running in live.iter().filter_map(Weak::upgrade) {
        running.stop();
    }
    loop {
        // Whoever ends may leave another behind, which stops what it had.
        let threads = std::mem::take(&mut *THREADS.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return;
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// Renewing under way, or stopped.
pub struct Running {
    /// Held for a moment only: whoever stops it takes it out first, and waits without the lock.
    renewing: Mutex<Option<Renewing>>,
    watch: Watch,
}

impl Running {
    /// Starts it: a thread, and a question to the system which proxy it has. The platform's certificates are read by the first attempt's own thread.
    pub fn start(client: &Client, wishes: &Wishes) -> Result<Arc<Running>, Error> {
        if cfg!(target_os = "android") && wishes.options.roots.is_none() {
            let text = "Android's own certificates cannot be asked from here: give `roots`, or renew by HTTPRequest, request and renew";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let renewing = Renewing::start(client, wishes.settings.clone(), &wishes.options)?;
        let watch = renewing.watch();
        let running = Arc::new(Running { renewing: Mutex::new(Some(renewing)), watch });
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|one| one.strong_count() > 0);
        live.push(Arc::downgrade(&running));
        Ok(running)
    }

    fn with(&self, wish: impl FnOnce(&Renewing)) -> bool {
        let renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        renewing.as_ref().map(wish).is_some()
    }

    fn take(&self) -> Option<Renewing> {
        self.renewing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A renewal is wanted though none is due. Whether it runs. Does not wait.
    pub fn renew_now(&self) -> bool {
        self.with(Renewing::renew_now)
    }

    /// The network is back, or another one is there. Whether it runs. Does not wait.
    pub fn network_changed(&self) -> bool {
        self.with(Renewing::network_changed)
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.with(|_| ())
    }

    /// How it stands, or stood when it was stopped. Does not wait.
    pub fn standing(&self) -> Standing {
        self.watch.standing()
    }

    /// Stops it. Waits for what is being written to the ledger, never for the network.
    pub fn stop(&self) {
        if let Some(renewing) = self.take() {
            renewing.stop();
        }
    }
}

/// It may be forgotten in a frame, which waits for nothing.
impl Drop for Running {
    fn drop(&mut self) {
        let Some(renewing) = self.take() else { return };
        let stopping = std::thread::Builder::new().name("reprieve-stop".to_owned()).spawn(move || renewing.stop());
        // Without a thread, what the closure holds is dropped here, which stops it too.
        if let Ok(thread) = stopping {
            keep(thread);
        }
    }
}

/// Renewals under way on a thread of the library's, with its own HTTP: see [method ReprieveClient.renewing].
///
/// A [ReprieveKeeper] has one by its [member ReprieveKeeper.renew]: then none of this is needed.
/// [codeblock]
/// var renewing := client.renewing_with({"headers": {"Authorization": "Bearer " + token}})
/// renewing.renew_now()
/// print(renewing.standing())
/// [/codeblock]
/// It ends when it is stopped or forgotten, when its client is closed, and with the engine. Forgotten in a frame, it ends on a thread of its own, and no
/// frame waits. Any thread may call it. Start one for each client: of all on a ledger, in whatever process, one at a time renews.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveRenewing {
    running: Arc<Running>,
    base: Base<RefCounted>,
}

impl ReprieveRenewing {
    /// What Godot sees of it.
    pub fn of(running: Arc<Running>) -> Gd<ReprieveRenewing> {
        Gd::from_init_fn(|base| ReprieveRenewing { running, base })
    }
}

#[godot_api]
impl ReprieveRenewing {
    /// A renewal is wanted though none is due: somebody pressed a button. It begins at once, or 5 seconds after the one before. False if it was stopped.
    /// Does not wait.
    #[func]
    fn renew_now(&self) -> bool {
        self.running.renew_now()
    }

    /// The network is back, or another one is there: a pause after failures ends within some seconds. False if it was stopped. Does not wait.
    #[func]
    fn network_changed(&self) -> bool {
        self.running.network_changed()
    }

    /// How renewing stands; or stood, when it was stopped. Does not wait, and makes an object: for a banner, not for each frame.
    #[func]
    fn standing(&self) -> Gd<ReprieveStanding> {
        ReprieveStanding::of(&self.running.standing())
    }

    /// Whether it was not stopped yet.
    #[func]
    fn is_running(&self) -> bool {
        self.running.is_running()
    }

    /// Stops. [b]Waits[/b] for what is being written to the ledger, at most for the lock's timeout, and never for the network: an attempt that is under way is
    /// dropped, and nothing is learned from it. Again is no harm.
    #[func]
    fn stop(&self) {
        self.running.stop();
    }
}

/// How renewing stands, as it was asked: [method ReprieveRenewing.standing] and [member ReprieveKeeper.renewal]. For a banner, or a support case.
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub struct ReprieveStanding {
    /// Whether a round of attempts is under way.
    #[var(no_set)]
    is_busy: bool,
    /// In how many seconds the next round begins, by what is known; [code]INF[/code] while one is under way, and without renewal servers.
    #[var(no_set)]
    next: f64,
    /// How the attempt that ended last did: an [code]OUTCOME_*[/code] of this class.
    #[var(no_set)]
    outcome: i64,
    /// All of that in a word or two, such as [code]"renewed"[/code], [code]"timed_out"[/code] or [code]"status 503"[/code]; empty if none has ended.
    #[var(no_set)]
    word: GString,
    /// Where that attempt went; empty if none has ended.
    #[var(no_set)]
    url: GString,
    /// How it failed, such as [code]"refused"[/code]; empty unless [member outcome] is [constant OUTCOME_FAILED].
    #[var(no_set)]
    failure: GString,
    /// The HTTP status; 0 unless [member outcome] is [constant OUTCOME_STATUS].
    #[var(no_set)]
    status: i64,
    /// Why the first document was refused, such as [code]"wrong_ledger"[/code]; empty unless [member outcome] is [constant OUTCOME_ANSWERED].
    #[var(no_set)]
    refusal: GString,
    /// How many seconds ago it ended; [code]INF[/code] if none has.
    #[var(no_set)]
    ago: f64,
    /// How many seconds it took.
    #[var(no_set)]
    took: f64,
    base: Base<RefCounted>,
}

impl ReprieveStanding {
    /// What Godot sees of how it stands.
    pub fn of(standing: &Standing) -> Gd<ReprieveStanding> {
        let (mut outcome, mut failure, mut status, mut refusal) = (Self::OUTCOME_NONE, "", 0, "");
        let (mut word, mut url, mut took) = (String::new(), "", 0.0);
        if let Some((last, _)) = &standing.last {
            (word, url) = (last.ended.to_string(), last.url.as_str());
            took = (last.until - last.since).as_nanos() as f64 * 1e-9;
            outcome = match &last.ended {
                Ended::Renewed => Self::OUTCOME_RENEWED,
                Ended::Answered(why) => {
                    refusal = why.as_ref().map_or("", |why| why.as_str());
                    Self::OUTCOME_ANSWERED
                }
                Ended::Failed(how) => {
                    failure = how.as_str();
                    Self::OUTCOME_FAILED
                }
                Ended::Status(number) => {
                    status = i64::from(*number);
                    Self::OUTCOME_STATUS
                }
                Ended::Dropped => Self::OUTCOME_DROPPED,
                Ended::Reached => Self::OUTCOME_REACHED,
                Ended::Fetched(_) => Self::OUTCOME_FETCHED,
                Ended::Unchanged => Self::OUTCOME_UNCHANGED,
                // One that this file does not know yet has its word at least.
                _ => Self::OUTCOME_NONE,
            };
        }
        Gd::from_init_fn(|base| ReprieveStanding {
            is_busy: standing.is_busy,
            next: standing.next.map_or(f64::INFINITY, |next: Duration| next.as_secs_f64()),
            outcome,
            word: GString::from(&word),
            url: GString::from(url),
            failure: GString::from(failure),
            status,
            refusal: GString::from(refusal),
            ago: standing.last.as_ref().map_or(f64::INFINITY, |(_, ago)| ago.as_secs_f64()),
            took,
            base,
        })
    }
}

#[godot_api]
impl IRefCounted for ReprieveStanding {
    fn to_string(&self) -> GString {
        let next = match (self.is_busy, self.next.is_finite()) {
            (true, _) => "renewing now".to_owned(),
            (false, true) => format!("the next round in {:.0} s", self.next),
            (false, false) => "no round is due".to_owned(),
        };
        let last = if self.word.is_empty() { String::new() } else { format!(", the last attempt: {}", self.word) };
        GString::from(&(next + &last))
    }
}

#[godot_api]
impl ReprieveStanding {
    /// No attempt has ended yet.
    #[constant]
    const OUTCOME_NONE: i64 = 0;
    /// It renewed.
    #[constant]
    const OUTCOME_RENEWED: i64 = 1;
    /// The authority answered, and gave no new lease: [member refusal] says why, if a document was refused.
    #[constant]
    const OUTCOME_ANSWERED: i64 = 2;
    /// There was no whole answer: [member failure].
    #[constant]
    const OUTCOME_FAILED: i64 = 3;
    /// A status of HTTP's without documents: [member status].
    #[constant]
    const OUTCOME_STATUS: i64 = 4;
    /// Another endpoint was quicker, or it was stopped.
    #[constant]
    const OUTCOME_DROPPED: i64 = 5;
    /// A probe was answered: the network leads there again.
    #[constant]
    const OUTCOME_REACHED: i64 = 6;
    /// A mirror gave documents.
    #[constant]
    const OUTCOME_FETCHED: i64 = 7;
    /// A mirror has nothing new.
    #[constant]
    const OUTCOME_UNCHANGED: i64 = 8;
}
