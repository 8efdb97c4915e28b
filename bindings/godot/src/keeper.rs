//! A node that keeps a client's upkeep off the frame's thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use godot::classes::node::ProcessMode;
use godot::prelude::*;
use reprieve::client::{Brief, Client, Error, ErrorKind, Event, Feature};

use crate::client::{Held, ReprieveClient};
use crate::decision::ReprieveDecision;
use crate::errors::{ReprieveError, caught};
use crate::renewing::{self, ReprieveStanding, Running, Wishes, wishes};
use crate::values::ReprieveEvent;

/// What a thread says to its node. The node hears it in its next frame.
enum Said {
    /// A feature's first decision, or one that differs from that before.
    Decided { feature: String, brief: Brief, first: bool },
    /// The same to the rules, but decided later.
    Again { feature: String, brief: Brief },
    /// An event.
    Happened(Box<Event>),
    /// A round ended, in this way.
    Round(Option<Error>),
    /// Renewing began, ended, or could not begin.
    Renews(Result<Option<Arc<Running>>, Error>),
}

/// How the game wants leases renewed; none if it does not.
type Wish = Option<Result<Wishes, Error>>;

/// What the node holds of its thread. Dropped, it tells the thread to stop and does not wait for it.
struct Thread {
    stop: Arc<AtomicBool>,
    /// Which events were dealt with. Nobody waits for these: a frame that says so wakes no thread, which would be a system call.
    dealt: Sender<(u64, u32)>,
    /// Wakes the thread: by what is wished of renewing, and by being gone.
    awake: Option<Sender<Wish>>,
    said: Mutex<Receiver<Said>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.awake = None;
    }
}

struct Work {
    /// Goes before the client does.
    renews: Renews,
    held: Arc<Held>,
    sku: String,
    features: Vec<String>,
    consumer: String,
    interval: Duration,
    stop: Arc<AtomicBool>,
    dealt: Receiver<(u64, u32)>,
    asleep: Receiver<Wish>,
    says: Sender<Said>,
    /// What is wished, and was not done yet.
    wish: Option<Wish>,
}

/// What renews, until the thread ends, in whatever way.
#[derive(Default)]
struct Renews(Option<Arc<Running>>);

impl Renews {
    fn stop(&mut self) {
        if let Some(running) = self.0.take() {
            running.stop();
        }
    }
}

impl Drop for Renews {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Work {
    /// Rounds of upkeep until the node is gone.
    fn run(mut self) {
        let made = self.held.call(|client| {
            self.features.iter().map(|name| client.feature(&self.sku, name)).collect::<Result<Vec<Feature>, Error>>()
        });
        let features = match made {
            Ok(features) => features,
            Err(error) => {
                let _ = self.says.send(Said::Round(Some(error)));
                return;
            }
        };
        let mut last: Vec<Option<Brief>> = vec![None; features.len()];
        while !self.stop.load(Ordering::Acquire) {
            // A check after an upkeep that failed is still worth something: it decides from what was read before.
            let mut trouble = self.held.call(Client::upkeep).err();
            if trouble.as_ref().is_some_and(|trouble| trouble.kind() == ErrorKind::Closed) {
                // What renews finds that out when it wakes, which may be in hours.
                self.renews.stop();
            }
            for (feature, last) in features.iter().zip(&mut last) {
                let Ok(brief) = self.held.call(|_| Ok(feature.check())) else { continue };
                let feature = feature.name().to_owned();
                let same = last.as_ref().is_some_and(|last| {
                    (last.access(), last.state(), last.reason()) == (brief.access(), brief.state(), brief.reason())
                });
                let first = last.is_none();
                *last = Some(brief);
                let said = if same { Said::Again { feature, brief } } else { Said::Decided { feature, brief, first } };
                let _ = self.says.send(said);
            }
            while !self.stop.load(Ordering::Acquire) {
                match self.held.call(|client| client.next_event(&self.consumer)) {
                    Ok(Some(event)) => {
                        let _ = self.says.send(Said::Happened(Box::new(event)));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        trouble.get_or_insert(error);
                        break;
                    }
                }
            }
            if self.says.send(Said::Round(trouble)).is_err() {
                return;
            }
            // After the first decisions: a game waits for them, and for no lease.
            self.renew();
            if !self.wait() {
                return;
            }
        }
    }

    /// Does what is wished of renewing.
    fn renew(&mut self) {
        let Some(wish) = self.wish.take() else { return };
        self.renews.stop();
        let started = match &wish {
            None => Ok(None),
            Some(Err(error)) => Err(Error::new(error.kind(), error.message())),
            Some(Ok(wishes)) => self.held.call(|client| Running::start(client, wishes)).map(Some),
        };
        match &started {
            Ok(running) => self.renews.0.clone_from(running),
            // No thread, no random bytes: the system may have some by the next round.
            Err(error) if error.kind() == ErrorKind::Io => self.wish = Some(wish),
            Err(_) => {}
        }
        let _ = self.says.send(Said::Renews(started));
    }

    /// Waits for the next round, and then records which events were dealt with, at the end too. Whether the node is still there.
    fn wait(&mut self) -> bool {
        let woken = self.asleep.recv_timeout(self.interval);
        // The last covers them all.
        if let Some((record, index)) = self.dealt.try_iter().last() {
            let done = self.held.call(|client| client.acknowledge(&self.consumer, record, index));
            if let Err(error) = done {
                let _ = self.says.send(Said::Round(Some(error)));
            }
        }
        let there = match woken {
            Ok(wish) => {
                self.wish = Some(wish);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        };
        there && !self.stop.load(Ordering::Acquire)
    }
}

/// Does a client's upkeep in a thread of its own, off the frame's thread, and emits signals in the main thread.
///
/// Open the client with [code]upkeep = "own"[/code], and no check touches the disk any more. The thread begins when the node is in the tree and has a
/// [member client], and ends when the node leaves the tree: nothing waits for it then, but the engine's end. The node works while the game is paused, unless its
/// [member Node.process_mode] says otherwise.[br][br]
/// With [member renew] it has the library renew the leases too, at the renewal servers of the application file: that is all that a game needs of networking.
/// [codeblock]
/// var keeper := ReprieveKeeper.new()
/// keeper.client = ReprieveClient.open_with("res://reprieve.toml", {"upkeep": "own"})
/// keeper.sku = "cad"
/// keeper.features = ["core"]
/// keeper.renew = true
/// keeper.grace_warning.connect(func(event: ReprieveEvent) -> void: print(event.left))
/// add_child(keeper)
/// [/codeblock]
#[derive(GodotClass)]
#[class(init, base = Node)]
pub struct ReprieveKeeper {
    /// The client whose upkeep it does. Another, or null, ends the thread of the one before; its ledger stays open.
    #[var(get, set)]
    client: PhantomVar<Option<Gd<ReprieveClient>>>,
    /// The product whose [member features] are watched.
    #[export]
    #[var(get, set)]
    sku: PhantomVar<GString>,
    /// The features that are watched: [signal decision_changed] tells of each.
    #[export]
    #[var(get, set)]
    features: PhantomVar<PackedStringArray>,
    /// The name by which events are taken and acknowledged: one for each place that shows them. Where several users share a ledger, put the user
    /// into it.
    #[export]
    #[var(get, set)]
    consumer: PhantomVar<GString>,
    /// Seconds between two rounds of upkeep, 0.01 to 60.
    #[export]
    #[var(get, set)]
    interval: PhantomVar<f64>,
    /// Whether the library renews the leases of [member client], by its own HTTP on a thread of its own, while the node is in the tree. False unless said:
    /// nothing is sent that a game did not ask for. Without renewal servers in the application file it does nothing.
    ///
    /// It ends when the node leaves the tree, and an attempt that is under way is dropped then. So let one keeper live as long as the game does, as an autoload.
    #[export]
    #[var(get, set)]
    renew: PhantomVar<bool>,
    /// How [member renew] does it: the options of [method ReprieveClient.renewing_with], such as [code]headers[/code]. It is read when it is set, and when the
    /// thread begins.
    #[var(get, set)]
    renew_options: PhantomVar<VarDictionary>,
    /// How renewing stands, for a banner: null while nothing renews. Each look makes an object, and waits for nothing.
    #[var(get, no_set)]
    renewal: PhantomVar<Option<Gd<ReprieveStanding>>>,
    /// Why renewing could not begin; null if it could. See [signal renew_failed].
    #[var(get, no_set)]
    renew_error: PhantomVar<Option<Gd<ReprieveError>>>,
    /// What the thread does: a [code]STATE_*[/code] of this class.
    #[var(get, no_set)]
    state: PhantomVar<i64>,
    /// Why the last round failed; null if it did not. The next round tries again.
    #[var(get, no_set)]
    last_error: PhantomVar<Option<Gd<ReprieveError>>>,
    /// How many rounds have ended.
    #[var(get, no_set)]
    rounds: PhantomVar<i64>,
    held: Option<Gd<ReprieveClient>>,
    the_sku: String,
    the_features: Vec<String>,
    #[init(val = "godot".to_owned())]
    the_consumer: String,
    #[init(val = 1.0)]
    the_interval: f64,
    does_renew: bool,
    the_options: VarDictionary,
    renewing: Option<Arc<Running>>,
    cannot_renew: Option<Error>,
    thread: Option<Thread>,
    failed: Option<Error>,
    ended: bool,
    count: i64,
    decisions: HashMap<String, Brief>,
    base: Base<Node>,
}

impl ReprieveKeeper {
    /// Begins anew with what is set now.
    fn begin(&mut self) {
        self.thread = None;
        self.renewing = None;
        self.cannot_renew = None;
        self.failed = None;
        self.ended = false;
        self.decisions.clear();
        let Some(client) = self.held.as_ref() else { return };
        if !self.base().is_inside_tree() || godot::classes::Engine::singleton().is_editor_hint() {
            return;
        }
        let (says, said) = channel();
        let (dealt, receiver) = channel();
        let (awake, asleep) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            held: client.bind().held(),
            sku: self.the_sku.clone(),
            features: self.the_features.clone(),
            consumer: self.the_consumer.clone(),
            interval: Duration::from_secs_f64(self.the_interval),
            stop: stop.clone(),
            dealt: receiver,
            asleep,
            says,
            wish: self.does_renew.then(|| self.wish()),
            renews: Renews::default(),
        };
        let run = move || {
            let says = work.says.clone();
            if let Err(error) = caught(|| {
                work.run();
                Ok(())
            }) {
                let _ = says.send(Said::Round(Some(error)));
            }
        };
        match std::thread::Builder::new().name("reprieve-keeper".to_owned()).spawn(run) {
            Ok(handle) => {
                renewing::keep(handle);
                self.thread = Some(Thread { stop, dealt, awake: Some(awake), said: Mutex::new(said) });
            }
            Err(error) => {
                self.failed =
                    Some(Error::new(ErrorKind::Io, format!("no thread for upkeep: {error}; free memory or threads")));
                self.ended = true;
            }
        }
    }

    /// What the thread said since the last frame. Nothing waits: what is being said at this moment is heard in the next frame.
    fn hear(&mut self) -> Vec<Said> {
        let Some(thread) = &self.thread else { return Vec::new() };
        let Ok(said) = thread.said.try_lock() else { return Vec::new() };
        let mut heard = Vec::new();
        // Enough for a frame: who was away for long has many events to hear of.
        while heard.len() < 256 {
            match said.try_recv() {
                Ok(said) => heard.push(said),
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    self.ended = true;
                    break;
                }
            }
        }
        heard
    }

    fn wish(&self) -> Wish {
        self.does_renew.then(|| wishes(&self.the_options))
    }

    /// Tells the thread what is wished of renewing now.
    fn wish_anew(&self) {
        if let Some(awake) = self.thread.as_ref().and_then(|thread| thread.awake.as_ref()) {
            let _ = awake.send(self.wish());
        }
    }

    fn restart(&mut self) {
        if self.thread.is_some() {
            self.begin();
        }
    }
}

#[godot_api]
impl INode for ReprieveKeeper {
    fn enter_tree(&mut self) {
        if self.base().get_process_mode() == ProcessMode::INHERIT {
            self.base_mut().set_process_mode(ProcessMode::ALWAYS);
        }
        self.begin();
    }

    fn exit_tree(&mut self) {
        self.thread = None;
        self.renewing = None;
    }

    fn process(&mut self, _delta: f64) {
        let heard = self.hear();
        if heard.is_empty() {
            return;
        }
        let mut dealt = None;
        for said in heard {
            match said {
                Said::Again { feature, brief } => {
                    self.decisions.insert(feature, brief);
                }
                Said::Decided { feature, brief, first } => {
                    let (sku, name) = (GString::from(&self.the_sku), GString::from(&feature));
                    self.decisions.insert(feature, brief);
                    let decision = ReprieveDecision::brief(brief, sku, name.clone());
                    self.signals().decision_changed().emit(&name, &decision, first);
                }
                Said::Happened(event) => {
                    dealt = Some((event.record, event.index));
                    let warning = event.kind.as_str() == "grace_warning";
                    let event = ReprieveEvent::of(&event);
                    if warning {
                        self.signals().grace_warning().emit(&event);
                    }
                    self.signals().event().emit(&event);
                }
                Said::Renews(begun) => {
                    let news = match (&begun, &self.cannot_renew) {
                        (Err(now), Some(before)) => now.kind() != before.kind(),
                        (Err(_), None) => true,
                        (Ok(_), _) => false,
                    };
                    (self.renewing, self.cannot_renew) = match begun {
                        Ok(running) => (running, None),
                        Err(error) => (None, Some(error)),
                    };
                    if news && let Some(error) = &self.cannot_renew {
                        let error = ReprieveError::of(error);
                        self.signals().renew_failed().emit(&error);
                    }
                }
                Said::Round(error) => {
                    self.count = self.count.saturating_add(1);
                    // Once for each trouble, not once for each round in which it lasts.
                    let news = match (&error, &self.failed) {
                        (Some(now), Some(before)) => now.kind() != before.kind(),
                        (Some(_), None) => true,
                        (None, _) => false,
                    };
                    self.failed = error;
                    if news && let Some(error) = &self.failed {
                        let error = ReprieveError::of(error);
                        self.signals().upkeep_failed().emit(&error);
                    }
                }
            }
        }
        // Handlers may have stopped the thread: then the event comes again after the next open.
        if let (Some(dealt), Some(thread)) = (dealt, &self.thread) {
            let _ = thread.dealt.send(dealt);
        }
    }
}

#[godot_api]
impl ReprieveKeeper {
    /// There is no thread: no [member client], or not in the tree.
    #[constant]
    const STATE_STOPPED: i64 = 0;
    /// The thread runs, and its last round did its work.
    #[constant]
    const STATE_RUNNING: i64 = 1;
    /// The thread runs, but its last round failed: see [member last_error]. It tries again.
    #[constant]
    const STATE_TROUBLED: i64 = 2;
    /// The thread ended by itself: see [member last_error]. After 10 minutes checks are unknown.
    #[constant]
    const STATE_ENDED: i64 = 3;

    /// A watched feature's access, state or reason is another than before.
    ///
    /// [param first]: it is the first decision since the thread began.
    #[signal]
    fn decision_changed(feature: GString, decision: Gd<ReprieveDecision>, first: bool);

    /// Time runs out: [member ReprieveEvent.left] seconds remain at most for a licence's feature. [signal event] comes with it.
    #[signal]
    fn grace_warning(event: Gd<ReprieveEvent>);

    /// Something happened, in this or in another product. It is acknowledged after the handlers have run: an event comes at least once.
    #[signal]
    fn event(event: Gd<ReprieveEvent>);

    /// A round of upkeep failed, in a way that the round before did not. It is tried again.
    #[signal]
    fn upkeep_failed(error: Gd<ReprieveError>);

    /// Renewing could not begin: [member renew_options] are wrong, or the system gives no thread, which is tried again. A server that cannot be reached is
    /// no such failure: [member renewal] tells of that, and so do events.
    #[signal]
    fn renew_failed(error: Gd<ReprieveError>);

    /// A renewal is wanted though none is due: somebody pressed a button. It begins at once, or 5 seconds after the one before. False if nothing renews.
    /// Does not wait.
    #[func]
    fn renew_now(&self) -> bool {
        self.renewing.as_ref().is_some_and(|running| running.renew_now())
    }

    /// The network is back, or another one is there: a pause after failures ends within some seconds. False if nothing renews. Does not wait.
    #[func]
    fn network_changed(&self) -> bool {
        self.renewing.as_ref().is_some_and(|running| running.network_changed())
    }

    /// The newest decision about a watched feature; null before the first round. For each frame a [ReprieveFeature] is faster.
    #[func]
    fn decision(&self, feature: GString) -> Option<Gd<ReprieveDecision>> {
        let brief = self.decisions.get(&feature.to_string())?;
        Some(ReprieveDecision::brief(*brief, GString::from(&self.the_sku), feature))
    }

    #[func]
    fn get_client(&self) -> Option<Gd<ReprieveClient>> {
        self.held.clone()
    }

    #[func]
    fn set_client(&mut self, client: Option<Gd<ReprieveClient>>) {
        self.held = client;
        self.begin();
    }

    #[func]
    fn get_sku(&self) -> GString {
        GString::from(&self.the_sku)
    }

    #[func]
    fn set_sku(&mut self, sku: GString) {
        self.the_sku = sku.to_string();
        self.restart();
    }

    #[func]
    fn get_features(&self) -> PackedStringArray {
        self.the_features.iter().map(GString::from).collect()
    }

    #[func]
    fn set_features(&mut self, features: PackedStringArray) {
        self.the_features = features.as_slice().iter().map(|feature| feature.to_string()).collect();
        self.restart();
    }

    #[func]
    fn get_consumer(&self) -> GString {
        GString::from(&self.the_consumer)
    }

    #[func]
    fn set_consumer(&mut self, consumer: GString) {
        self.the_consumer = consumer.to_string();
        self.restart();
    }

    #[func]
    fn get_interval(&self) -> f64 {
        self.the_interval
    }

    #[func]
    fn set_interval(&mut self, interval: f64) {
        self.the_interval = if interval.is_finite() { interval.clamp(0.01, 60.0) } else { 1.0 };
        self.restart();
    }

    #[func]
    fn get_renew(&self) -> bool {
        self.does_renew
    }

    #[func]
    fn set_renew(&mut self, renew: bool) {
        if self.does_renew != renew {
            self.does_renew = renew;
            self.wish_anew();
        }
    }

    #[func]
    fn get_renew_options(&self) -> VarDictionary {
        self.the_options.clone()
    }

    #[func]
    fn set_renew_options(&mut self, options: VarDictionary) {
        self.the_options = options;
        if self.does_renew {
            self.wish_anew();
        }
    }

    #[func]
    fn get_renewal(&self) -> Option<Gd<ReprieveStanding>> {
        let running = self.renewing.as_ref().filter(|running| running.is_running())?;
        Some(ReprieveStanding::of(&running.standing()))
    }

    #[func]
    fn get_renew_error(&self) -> Option<Gd<ReprieveError>> {
        self.cannot_renew.as_ref().map(ReprieveError::of)
    }

    #[func]
    fn get_state(&self) -> i64 {
        match (&self.thread, self.ended, &self.failed) {
            (_, true, _) => Self::STATE_ENDED,
            (None, _, _) => Self::STATE_STOPPED,
            (Some(_), _, Some(_)) => Self::STATE_TROUBLED,
            (Some(_), _, None) => Self::STATE_RUNNING,
        }
    }

    #[func]
    fn get_last_error(&self) -> Option<Gd<ReprieveError>> {
        self.failed.as_ref().map(ReprieveError::of)
    }

    #[func]
    fn get_rounds(&self) -> i64 {
        self.count
    }
}
