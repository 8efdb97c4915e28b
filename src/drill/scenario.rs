//! Scenarios: a conformance case, a drill for a team, and an example in the docs, in one file.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use crate::client::{Error, ErrorKind};
use crate::terms::{Kind, Outage, is_name};
use crate::time::{Instant, Span};

/// A scenario, read and checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The SKU of its checks and leases, unless they say another.
    pub sku: String,
    /// When it starts.
    pub start: Instant,
    /// The policy that is accepted before step 0.
    pub policy: Option<Value>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// The fields to compare, or for events a list of them.
    pub expect: Option<Value>,
}

/// How a token is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A claim says what it must not.
    Malformed,
    /// Signed by a key that nobody knows.
    UnknownKey,
    /// A bit of the signature is another.
    BadSignature,
    /// Signed by a key of another role.
    WrongRole,
    /// For another ledger.
    WrongLedger,
}

impl Fault {
    /// The fault of a word.
    pub fn from_word(word: &str) -> Option<Fault> {
        Some(match word {
            "malformed" => Fault::Malformed,
            "unknown_key" => Fault::UnknownKey,
            "bad_signature" => Fault::BadSignature,
            "wrong_role" => Fault::WrongRole,
            "wrong_ledger" => Fault::WrongLedger,
            _ => return None,
        })
    }
}

/// What a lease answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// A request made just now.
    Now,
    /// The last request of this name.
    Named(String),
    /// Nothing: it came by file, or is for any ledger.
    Nothing,
}

/// A document to be issued.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Which kind.
    pub kind: Kind,
    /// What it says, as the scenario writes it: instants and durations still as text.
    pub body: Map<String, Value>,
    /// How long ago it was issued.
    pub age: Span,
    /// How it is broken.
    pub fault: Option<Fault>,
    /// Of an extension: how many people sign it.
    pub signers: usize,
    /// Of a lease.
    pub answers: Answers,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum Action {
    /// Time passes, machine on.
    Advance(Span),
    /// Clean close, machine off, boot, open.
    Reboot(Span),
    /// The same with no clean close.
    PowerLoss(Span),
    /// Clean close and open.
    Reopen,
    /// Shifts the wall.
    SetWall(Span),
    /// Like reboot, on another machine.
    Move(String, Span),
    /// A document is issued and imported.
    Document(Box<Draft>),
    /// A step's token again.
    Replay(usize),
    /// The client asks for a renewal.
    Request(String),
    /// A renewal failed.
    Report(Outage),
    /// Clean close, copy the ledger, open.
    Save(String),
    /// Clean close, put the copy back, open.
    Restore(String),
    /// A check.
    Check {
        /// The feature.
        feature: String,
        /// The SKU.
        sku: String,
    },
    /// Upkeep, and each event that was not printed yet.
    Events,
}

/// The most signers that a drill's authority has of one role.
pub const SIGNERS: usize = 8;

type Object = Map<String, Value>;

fn bad(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Scenario, text)
}

/// TOML's value as JSON has it. A number that JSON does not have is null.
fn of_toml(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        // Read as JSON's: what of TOML's is none there, as `inf`, is none in a scenario.
        DeValue::Float(number) => serde_json::from_str(number.as_str().trim_start_matches('+')).unwrap_or_default(),
        DeValue::Boolean(truth) => Value::Bool(truth),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => items.into_iter().map(|item| of_toml(item.into_inner())).collect(),
        DeValue::Table(table) => {
            table.into_iter().map(|(key, value)| (key.into_inner().into_owned(), of_toml(value.into_inner()))).collect()
        }
    }
}

impl Scenario {
    /// Reads a scenario from JSON, or from TOML of the same shape.
    ///
    /// # Errors
    /// [`ErrorKind::Scenario`], with the step and key.
    pub fn parse(text: &str) -> Result<Scenario, Error> {
        let value: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| bad(format!("the scenario is no JSON: {error}")))?
        } else {
            let table =
                DeTable::parse(text).map_err(|error| bad(format!("the scenario is neither JSON nor TOML: {error}")))?;
            of_toml(DeValue::Table(table.into_inner()))
        };
        Scenario::from_value(&value)
    }

    /// Reads a scenario from its value.
    ///
    /// # Errors
    /// [`ErrorKind::Scenario`], with the step and key.
    pub fn from_value(value: &Value) -> Result<Scenario, Error> {
        let object = value.as_object().ok_or_else(|| bad("the scenario is no object"))?;
        known(object, &["name", "sku", "start", "policy", "steps"], "the scenario")?;
        let name = text(object, "name", "the scenario")?.unwrap_or("scenario").to_owned();
        let sku = text(object, "sku", "the scenario")?.ok_or_else(|| bad("the scenario: `sku` is missing"))?.to_owned();
        if !is_name(&sku) {
            return Err(bad("the scenario: `sku` is no name"));
        }
        let start = match text(object, "start", "the scenario")? {
            Some(start) => start.parse().map_err(|error| bad(format!("the scenario: `start`: {error}")))?,
            None => Instant::from_seconds(1_767_225_600),
        };
        let policy = match object.get("policy") {
            None | Some(Value::Null) => None,
            Some(policy @ Value::Object(_)) => Some(policy.clone()),
            Some(_) => return Err(bad("the scenario: `policy` is no object")),
        };
        let steps = object
            .get("steps")
            .and_then(Value::as_array)
            .ok_or_else(|| bad("the scenario: `steps` is missing or no list"))?;
        let mut scenario = Scenario { name, sku, start, policy, steps: Vec::new() };
        for (at, step) in steps.iter().enumerate() {
            let step = scenario.step(step).map_err(|error| bad(format!("step {at}: {}", error.message())))?;
            scenario.steps.push(step);
        }
        scenario.cross_check()?;
        Ok(scenario)
    }

    fn step(&self, value: &Value) -> Result<Step, Error> {
        let object = value.as_object().ok_or_else(|| bad("it is no object"))?;
        let mut keys = object.keys().filter(|key| !matches!(key.as_str(), "expect" | "sku"));
        let key = keys.next().ok_or_else(|| bad("it says nothing to do"))?;
        if let Some(other) = keys.next() {
            return Err(bad(format!("it says both `{key}` and `{other}`; one step does one thing")));
        }
        if object.contains_key("sku") && key != "check" {
            return Err(bad("`sku` goes beside `check` only"));
        }
        let body = &object[key.as_str()];
        let action = match key.as_str() {
            "advance" => Action::Advance(span(body, key)?),
            "reboot" => Action::Reboot(off(body, key, true)?),
            "power_loss" => Action::PowerLoss(off(body, key, true)?),
            "reopen" => truth(body, key).map(|()| Action::Reopen)?,
            "set_wall" => Action::SetWall(signed(string(body, key)?, key)?),
            "move" => {
                let inner = body.as_object().ok_or_else(|| bad("`move` is no object"))?;
                known(inner, &["to", "off"], "`move`")?;
                let to =
                    text(inner, "to", "`move`")?.filter(|to| is_name(to)).ok_or_else(|| bad("`move.to` is no name"))?;
                Action::Move(to.to_owned(), inner.get("off").map_or(Ok(Span::ZERO), |off| span(off, "off"))?)
            }
            "request" => Action::Request(name(body, key)?),
            "save" => Action::Save(name(body, key)?),
            "restore" => Action::Restore(name(body, key)?),
            "report" => {
                let word = string(body, key)?;
                Action::Report(
                    Outage::from_word(word)
                        .ok_or_else(|| bad(format!("`report` is `{word}`; write \"network\" or \"server\"")))?,
                )
            }
            "replay" => {
                let step = body.as_u64().ok_or_else(|| bad("`replay` is no step's number"))?;
                Action::Replay(step as usize)
            }
            "check" => {
                let sku = match object.get("sku") {
                    Some(sku) => name(sku, "sku")?,
                    None => self.sku.clone(),
                };
                Action::Check { feature: name(body, key)?, sku }
            }
            "events" => truth(body, key).map(|()| Action::Events)?,
            word => match Kind::from_word(word) {
                Some(kind) if kind != Kind::Keys => Action::Document(Box::new(self.draft(kind, body)?)),
                _ => return Err(bad(format!("`{word}` is nothing that a step can do"))),
            },
        };
        let expect = match object.get("expect") {
            None => None,
            Some(expect) => Some(check_expect(&action, expect)?),
        };
        Ok(Step { action, expect })
    }

    fn draft(&self, kind: Kind, body: &Value) -> Result<Draft, Error> {
        let mut body = body.as_object().cloned().ok_or_else(|| bad(format!("`{kind}` is no object")))?;
        let fault = match body.shift_remove("fault") {
            None => None,
            Some(fault) => {
                let word = fault.as_str().unwrap_or_default();
                let fault =
                    Fault::from_word(word).ok_or_else(|| bad(format!("`fault` is `{word}`, which is no fault")))?;
                if fault == Fault::WrongLedger && !matches!(kind, Kind::Lease | Kind::Ruling) {
                    return Err(bad(format!("`wrong_ledger`: a {kind} names no ledger")));
                }
                Some(fault)
            }
        };
        let age = match body.shift_remove("age") {
            None => Span::ZERO,
            Some(_) if kind == Kind::Policy => return Err(bad("`age`: a policy is always issued now")),
            Some(age) => span(&age, "age")?,
        };
        let mut draft = Draft { kind, body, age, fault, signers: 1, answers: Answers::Nothing };
        match kind {
            Kind::Policy => {}
            Kind::Lease => self.lease(&mut draft)?,
            Kind::Notice => known(&draft.body, &["id", "start", "end", "skus", "features", "cancelled"], "`notice`")?,
            Kind::Extension => {
                if let Some(signers) = draft.body.shift_remove("signers") {
                    draft.signers = match signers.as_u64() {
                        Some(n) if (1..=SIGNERS as u64).contains(&n) => n as usize,
                        _ => return Err(bad(format!("`signers` is not 1 to {SIGNERS}"))),
                    };
                }
                known(&draft.body, &["license", "features", "until", "access"], "`extension`")?;
            }
            Kind::Revocation => known(&draft.body, &["license", "features", "effective"], "`revocation`")?,
            Kind::Ruling => known(&draft.body, &["license", "features", "void", "clears"], "`ruling`")?,
            Kind::Keys => {}
        }
        // Instants and durations are the scenario's own words: they must be right even where a claim is to be wrong.
        for key in ["start", "end", "until", "effective"] {
            if let Some(value) = draft.body.get(key).filter(|_| kind != Kind::Policy) {
                signed(string(value, key)?, key)?;
            }
        }
        if let Some(void) = draft.body.get("void").filter(|_| kind == Kind::Ruling) {
            let void = void.as_object().ok_or_else(|| bad("`void` is no object"))?;
            known(void, &["from", "to"], "`void`")?;
            for key in ["from", "to"] {
                signed(string(void.get(key).unwrap_or(&Value::Null), key)?, key)?;
            }
        }
        Ok(draft)
    }

    fn lease(&self, draft: &mut Draft) -> Result<(), Error> {
        known(&draft.body, &["license", "sku", "features", "ttl", "fresh", "answers", "ledger"], "`lease`")?;
        draft.body.entry("sku").or_insert_with(|| Value::String(self.sku.clone()));
        let fresh = match draft.body.shift_remove("fresh") {
            None => true,
            Some(Value::Bool(fresh)) => fresh,
            Some(_) => return Err(bad("`fresh` is not true or false")),
        };
        let any = match draft.body.get("ledger") {
            None => false,
            Some(Value::String(ledger)) if ledger == "*" => true,
            Some(_) => return Err(bad("`ledger` can only be \"*\"")),
        };
        draft.answers = match draft.body.shift_remove("answers") {
            Some(answers) => Answers::Named(name(&answers, "answers")?),
            None if fresh && !any => Answers::Now,
            None => Answers::Nothing,
        };
        match draft.body.get("features") {
            Some(Value::Array(features)) if features.iter().all(Value::is_string) => {
                span(draft.body.get("ttl").ok_or_else(|| bad("`ttl` is missing"))?, "ttl").map(|_| ())
            }
            Some(Value::Object(features)) if !draft.body.contains_key("ttl") => {
                features.iter().try_for_each(|(feature, ttl)| span(ttl, feature).map(|_| ()))
            }
            _ => Err(bad("`features` is a list of names with a `ttl`, or an object of names with theirs")),
        }
    }

    /// What one step says of another.
    fn cross_check(&self) -> Result<(), Error> {
        for (at, step) in self.steps.iter().enumerate() {
            let before = &self.steps[..at];
            let found = match &step.action {
                Action::Replay(of) => {
                    before.get(*of).is_some_and(|s| matches!(s.action, Action::Document(_) | Action::Replay(_)))
                }
                Action::Restore(name) => {
                    before.iter().any(|s| matches!(&s.action, Action::Save(saved) if saved == name))
                }
                Action::Document(draft) => match &draft.answers {
                    Answers::Named(name) => {
                        before.iter().any(|s| matches!(&s.action, Action::Request(asked) if asked == name))
                    }
                    _ => true,
                },
                _ => true,
            };
            if !found {
                return Err(bad(format!("step {at}: it refers to a step that does not come before it")));
            }
        }
        Ok(())
    }
}

fn check_expect(action: &Action, expect: &Value) -> Result<Value, Error> {
    let fits = match action {
        Action::Events => expect.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
        Action::Check { .. } | Action::Document(_) | Action::Replay(_) => expect.is_object(),
        _ => return Err(bad("`expect`: this step prints nothing")),
    };
    if fits { Ok(expect.clone()) } else { Err(bad("`expect` is an object, for events a list of objects")) }
}

fn known(object: &Object, keys: &[&str], what: &str) -> Result<(), Error> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(bad(format!("{what}: `{key}` is unknown; known are {}", keys.join(", ")))),
        None => Ok(()),
    }
}

fn text<'a>(object: &'a Object, key: &str, what: &str) -> Result<Option<&'a str>, Error> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(format!("{what}: `{key}` is no text"))),
    }
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| bad(format!("`{key}` is missing or no text")))
}

fn name(value: &Value, key: &str) -> Result<String, Error> {
    let text = string(value, key)?;
    if is_name(text) { Ok(text.to_owned()) } else { Err(bad(format!("`{key}` is `{text}`, which is no name"))) }
}

fn truth(value: &Value, key: &str) -> Result<(), Error> {
    if value == &Value::Bool(true) { Ok(()) } else { Err(bad(format!("`{key}` can only be true"))) }
}

fn span(value: &Value, key: &str) -> Result<Span, Error> {
    string(value, key)?.parse().map_err(|error| bad(format!("`{key}`: {error}")))
}

fn off(value: &Value, key: &str, required: bool) -> Result<Span, Error> {
    let object = value.as_object().ok_or_else(|| bad(format!("`{key}` is no object")))?;
    known(object, &["off"], &format!("`{key}`"))?;
    match object.get("off") {
        Some(off) => span(off, "off"),
        None if required => Err(bad(format!("`{key}.off` is missing"))),
        None => Ok(Span::ZERO),
    }
}

/// A span with its sign: `+30h`, `-2h`.
pub(super) fn signed(text: &str, key: &str) -> Result<Span, Error> {
    let span = |rest: &str| rest.parse::<Span>().map_err(|error| bad(format!("`{key}`: {error}")));
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => span(rest),
        (_, Some(rest)) => span(rest).map(|span| -span),
        _ => Err(bad(format!("`{key}` is `{text}`; write a sign and a duration, as in +30h"))),
    }
}
