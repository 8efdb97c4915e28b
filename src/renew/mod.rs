//! Asking the authority for new leases: what to send where, by when, and what a failure is evidence of (rule G1).
//!
//! Sans I/O: an [`Engine`] opens no socket, reads no clock and keeps no thread. A *driver* asks it what to do ([`Engine::poll`]), does it
//! with whatever HTTP its platform has, and tells it what came of it. So any HTTP can drive it, and a test runs it against any fault
//! without a socket. It never looks into a ledger either: the driver hands it the [`Outlook`], and the client's answers.
//!
//! One attempt at a time for all products on a ledger is the driver's to see to.
//!
//! ```
//! use reprieve::renew::{Action, Endpoint, Engine, HttpAnswer, Outcome, Outlook, Settings};
//! use reprieve::terms::Outage;
//! use reprieve::time::{Instant, Span};
//!
//! let mut engine = Engine::new(vec![Endpoint::new("https://eu.example/renew")], Settings::default(), 42);
//! let outlook = Outlook { t: Instant::EPOCH, terms: vec![], windows: vec![], appeal: false, look: Span::seconds(600) };
//! let now = Span::seconds(0);
//!
//! // No lease at all: one is asked for at once.
//! assert_eq!(engine.poll(now, &outlook), Action::Begin);
//! engine.begin(now);
//! let Action::Send { attempt, url, .. } = engine.poll(now, &outlook) else { panic!() };
//! assert_eq!(url, "https://eu.example/renew");
//!
//! // The driver POSTs `client.request()`, and the server is down.
//! let answer = HttpAnswer { status: 503, retry_after: Some("120".into()), ..HttpAnswer::default() };
//! assert!(!engine.ended(attempt, &Outcome::Answer(answer), now));
//! assert_eq!(engine.poll(now, &outlook), Action::Report(Outage::Server));
//! let Action::Wait(until) = engine.poll(now, &outlook) else { panic!() };
//! assert!(until >= Span::seconds(120));
//! ```

pub(crate) mod appeal;
mod armour;
mod chance;
mod date;
mod endpoint;
mod engine;
mod evidence;
mod look;
mod message;
mod problem;
mod round;
mod schedule;

pub use appeal::{APPEAL_TEXT, APPEALS_MOST, Appeal};
pub use armour::{CODE_MOST, NotRead, is_armoured};
pub use engine::{Action, Attempt, Engine, Learned, Settings};
pub use evidence::{Failure, Taken};
pub use message::{MAX_REQUEST, RenewalAnswer, RenewalRequest};
pub use problem::{Problem, problems};
pub use round::{AttemptId, Ended, HttpAnswer, Outcome};
pub use schedule::{Outlook, Term};

pub use crate::document::Endpoint;

/// How long an answer may be: a lease and whatever documents the ledger has not seen. A driver reads no further.
pub const MAX_ANSWER: usize = 4 << 20;
