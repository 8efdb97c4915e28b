//! Drills: a simulated authority, clock and world, and real clients in it.

use std::ffi::c_char;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reprieve_core::client::{Client, ErrorKind};
use reprieve_core::drill::{Drill, Fault, Scenario, Task};
use reprieve_core::terms::Kind;
use reprieve_core::time::Span;

use crate::builder::{BuilderObject, reprieve_builder};
use crate::bytes::{Buffer, reprieve_bytes};
use crate::client::reprieve_client;
use crate::error::reprieve_error;
use crate::guard::{Failure, call};
use crate::handle::{Object, free, object};
use crate::input::{self, argument};
use crate::output::{Out, Text, Zero};
use crate::status::reprieve_status;
use crate::types::reprieve_time;
use crate::words::{
    REPRIEVE_TASK_CHECK, REPRIEVE_TASK_EVENTS, REPRIEVE_TASK_IMPORT, REPRIEVE_TASK_NOTHING, REPRIEVE_TASK_REPORT,
};

/// A drill: its own authority, clock and ledger, marked as a drill's, which a real open refuses. Owned by the caller,
/// freed with `reprieve_drill_free`. Any thread; calls on one drill take turns.
pub struct reprieve_drill {
    _private: [u8; 0],
}

/// What a product has to do in a step of a scenario: owned by the caller, freed with `reprieve_task_free`. Nothing in
/// it changes; any thread.
pub struct reprieve_task {
    _private: [u8; 0],
}

/// What a drill's handle stands for.
pub struct DrillObject {
    steps: usize,
    drill: Mutex<Drill>,
}

impl DrillObject {
    fn object(drill: Drill, steps: usize) -> Object {
        Object::Drill(Box::new(DrillObject { steps, drill: Mutex::new(drill) }))
    }
}

/// What a task's handle stands for.
#[derive(Default)]
pub struct TaskObject {
    kind: u32,
    outage: u32,
    token: Option<Zero>,
    sku: Option<Zero>,
    feature: Option<Zero>,
}

impl TaskObject {
    fn new(task: Task) -> TaskObject {
        let nothing = TaskObject { kind: REPRIEVE_TASK_NOTHING, ..TaskObject::default() };
        match task {
            Task::Nothing => nothing,
            Task::Import(token) => {
                TaskObject { kind: REPRIEVE_TASK_IMPORT, token: Some(Zero::bytes(token)), ..nothing }
            }
            Task::Check { sku, feature } => TaskObject {
                kind: REPRIEVE_TASK_CHECK,
                sku: Some(Zero::new(&sku)),
                feature: Some(Zero::new(&feature)),
                ..nothing
            },
            Task::Report(outage) => TaskObject { kind: REPRIEVE_TASK_REPORT, outage: outage.number(), ..nothing },
            Task::Events => TaskObject { kind: REPRIEVE_TASK_EVENTS, ..nothing },
        }
    }
}

fn with<R>(
    drill: *const reprieve_drill,
    wish: impl FnOnce(MutexGuard<'_, Drill>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    object!(drill, Drill, |object: &DrillObject| wish(object.drill.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// A drill that walks a scenario, on a simulated clock, in a temporary folder that goes with it.
///
/// `scenario`: JSON, or TOML of the same shape; UTF-8, `scenario_len` bytes. `drill` (out, not NULL): owned by the
/// caller. Statuses: REPRIEVE_STATUS_SCENARIO, with the step and key in the message. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_from_scenario(
    scenario: *const c_char,
    scenario_len: usize,
    drill: *mut *mut reprieve_drill,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let drill = Out::handle("drill", drill).required()?;
            let scenario = Scenario::parse(input::text("the scenario", scenario, scenario_len)?)?;
            drill.put(DrillObject::object(Drill::of(&scenario)?, scenario.steps.len()))
        })
    }
}

/// A drill on the real clock in a folder that stays, which other processes can open.
///
/// `folder`: UTF-8. `policy`: the policy's claims as JSON, UTF-8; NULL and 0 for none. `drill` (out, not NULL): owned
/// by the caller. Statuses: REPRIEVE_STATUS_EXISTS if a drill is there already; REPRIEVE_STATUS_SCENARIO if the
/// policy is refused. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_create(
    folder: *const c_char,
    folder_len: usize,
    policy: *const c_char,
    policy_len: usize,
    drill: *mut *mut reprieve_drill,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let drill = Out::handle("drill", drill).required()?;
            let folder = self::folder(input::text("the folder", folder, folder_len)?)?;
            let policy = match input::optional("the policy", policy, policy_len)? {
                Some(text) => Some(object_of("the policy", ErrorKind::Policy, text)?),
                None => None,
            };
            drill.put(DrillObject::object(Drill::create(folder, policy.as_ref())?, 0))
        })
    }
}

fn folder(text: &str) -> Result<&Path, Failure> {
    if text.is_empty() { Err(argument("the folder is empty; pass a path")) } else { Ok(Path::new(text)) }
}

fn object_of(what: &str, kind: ErrorKind, text: &str) -> Result<serde_json::Value, Failure> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Failure::new(kind as u32, format!("{what} is no JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(Failure::new(kind as u32, format!("{what} is no JSON object"))) }
}

/// Opens a drill that `reprieve_drill_create` made, in this process or another.
///
/// `folder`: UTF-8. `drill` (out, not NULL): owned by the caller. Statuses: REPRIEVE_STATUS_MISSING if there is none.
/// Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_open(
    folder: *const c_char,
    folder_len: usize,
    drill: *mut *mut reprieve_drill,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let drill = Out::handle("drill", drill).required()?;
            let folder = self::folder(input::text("the folder", folder, folder_len)?)?;
            drill.put(DrillObject::object(Drill::open(folder)?, 0))
        })
    }
}

/// How many steps the scenario has; 0 for a drill without one. `count` (out, not NULL). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_step_count(
    drill: *const reprieve_drill,
    count: *mut usize,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let count = Out::new("count", count, 0).required()?;
            object!(drill, Drill, |object: &DrillObject| {
                count.set(object.steps);
                Ok(())
            })
        })
    }
}

/// Does the world's part of a step of the scenario, from 0, and says what the product has to do: then ask
/// `reprieve_drill_client` for the client, as a step may close one and open another.
///
/// `task` (out, not NULL): owned by the caller. Statuses: REPRIEVE_STATUS_ARGUMENT if there is no such step; or what
/// the ledger says. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_step(
    drill: *const reprieve_drill,
    step: usize,
    task: *mut *mut reprieve_task,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let task = Out::handle("task", task).required()?;
            let done = with(drill, |mut drill| Ok(drill.step(step)?))?;
            task.put(Object::Task(TaskObject::new(done)))
        })
    }
}

/// The client of the moment: a new handle that shares the drill's open ledger. `client` (out, not NULL): owned by the
/// caller. Statuses: REPRIEVE_STATUS_CLOSED if a step failed to open one. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_client(
    drill: *const reprieve_drill,
    client: *mut *mut reprieve_client,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let client = Out::handle("client", client).required()?;
            let found: Client = with(drill, |drill| Ok(drill.client()?))?;
            client.put(Object::Client(found))
        })
    }
}

/// A builder for another client on the drill's ledger, such as one that leaves upkeep to the product. `builder` (out,
/// not NULL): owned by the caller. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_builder(
    drill: *const reprieve_drill,
    builder: *mut *mut reprieve_builder,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let builder = Out::handle("builder", builder).required()?;
            let made = with(drill, |drill| Ok(drill.builder()))?;
            builder.put(BuilderObject::object(made))
        })
    }
}

/// Time passes, on the simulated clock of a scenario's drill. `seconds`: 0 or more. Statuses:
/// REPRIEVE_STATUS_UNSUPPORTED on the real clock. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_advance(
    drill: *const reprieve_drill,
    seconds: i64,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            if seconds < 0 {
                return Err(argument("time does not run backwards; shift the wall with reprieve_drill_set_wall"));
            }
            with(drill, |drill| Ok(drill.advance(Span::seconds(seconds))?))
        })
    }
}

/// Shifts the wall clock that the drill's clients see by so many seconds, back if negative. The machine's clock is
/// never set. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_set_wall(
    drill: *const reprieve_drill,
    seconds: i64,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { call(error, || with(drill, |drill| Ok(drill.set_wall(Span::seconds(seconds))?))) }
}

/// True time, which the drill's authority knows. `now` (out, not NULL). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_now(
    drill: *const reprieve_drill,
    now: *mut reprieve_time,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let now = Out::new("now", now, reprieve_time::default()).required()?;
            now.set(reprieve_time::of(with(drill, |drill| Ok(drill.now()))?));
            Ok(())
        })
    }
}

/// Where the drill's files lie. `folder` (out, not NULL): UTF-8, owned by the caller. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_folder(
    drill: *const reprieve_drill,
    folder: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let folder = Out::handle("folder", folder).required()?;
            let found = with(drill, |drill| Ok(drill.folder().to_string_lossy().into_owned()))?;
            folder.put(Object::Bytes(Buffer::new(found.into_bytes())))
        })
    }
}

/// Issues a document as the drill's authority.
///
/// `kind`: REPRIEVE_DOCUMENT_*. `claims`: JSON, UTF-8, as the kind has them, instants in seconds since 1970; `iat` is
/// now unless given, `ledger` of a lease or ruling this drill's, `effective` of a revocation its `iat`. `signers`:
/// how many people of role support sign an extension, 1 or more. `fault`: how it is broken: "malformed",
/// "unknown_key", "bad_signature", "wrong_role" or "wrong_ledger"; NULL and 0 for a good one. `token` (out, not
/// NULL): owned by the caller.
/// Statuses: REPRIEVE_STATUS_ARGUMENT, REPRIEVE_STATUS_CLAIMS. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_issue(
    drill: *const reprieve_drill,
    kind: u32,
    claims: *const c_char,
    claims_len: usize,
    signers: u32,
    fault: *const c_char,
    fault_len: usize,
    token: *mut *mut reprieve_bytes,
    error: *mut *mut reprieve_error,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(error, || {
            let token = Out::handle("token", token).required()?;
            let kind =
                Kind::ALL.iter().copied().find(|known| known.number() == kind).ok_or_else(|| {
                    argument(format!("{kind} is no kind of document; pass one of REPRIEVE_DOCUMENT_*"))
                })?;
            let claims = object_of("`claims`", ErrorKind::Claims, input::text("`claims`", claims, claims_len)?)?;
            let fault = match input::optional("the fault", fault, fault_len)? {
                Some(word) => {
                    let fault = Fault::from_word(word);
                    Some(fault.ok_or_else(|| argument(format!("`{}` is no fault", word.escape_debug())))?)
                }
                None => None,
            };
            let made = with(drill, |drill| Ok(drill.issue(kind, &claims, signers as usize, fault)?))?;
            token.put(Object::Bytes(Buffer::new(made)))
        })
    }
}

/// The consumer by which a scenario's events are taken. Static text; never NULL. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn reprieve_drill_consumer() -> *const c_char {
    c"drill".as_ptr()
}

/// Frees a drill, and its temporary folder if it has one: its own client is closed, and clients taken from it with
/// that. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_drill_free(drill: *mut reprieve_drill) {
    free!(drill, Drill);
}

/// What is to be done. `kind` (out, not NULL): REPRIEVE_TASK_*. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_task_kind(task: *const reprieve_task, kind: *mut u32) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let kind = Out::new("kind", kind, REPRIEVE_TASK_NOTHING).required()?;
            object!(task, Task, |task: &TaskObject| {
                kind.set(task.kind);
                Ok(())
            })
        })
    }
}

/// Which outage is to be reported. `outage` (out, not NULL): REPRIEVE_OUTAGE_*; 0 if none is. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_task_outage(task: *const reprieve_task, outage: *mut u32) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let outage = Out::new("outage", outage, 0).required()?;
            object!(task, Task, |task: &TaskObject| {
                outage.set(task.outage);
                Ok(())
            })
        })
    }
}

/// The body of a getter of text: `text` and `len` are set to NULL and 0 first.
///
/// # Safety
/// `text` and `len` are NULL or can be written.
unsafe fn text_of(
    task: *const reprieve_task,
    text: *mut *const c_char,
    len: *mut usize,
    which: impl FnOnce(&TaskObject) -> Option<&Zero>,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(task, Task, |task: &TaskObject| {
                text.set(which(task));
                Ok(())
            })
        })
    }
}

/// The token that is to be imported, with a NUL behind it; NULL and 0 if none is. Borrowed: good until the task is
/// freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_task_token(
    task: *const reprieve_task,
    token: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(task, token, len, |task| task.token.as_ref()) }
}

/// The SKU that is to be checked, UTF-8 with a NUL behind it; NULL and 0 if none is. Borrowed: good until the task is
/// freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_task_sku(
    task: *const reprieve_task,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(task, text, len, |task| task.sku.as_ref()) }
}

/// The feature that is to be checked, UTF-8 with a NUL behind it; NULL and 0 if none is. Borrowed: good until the
/// task is freed. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_task_feature(
    task: *const reprieve_task,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe { text_of(task, text, len, |task| task.feature.as_ref()) }
}

/// Frees a task. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_task_free(task: *mut reprieve_task) {
    free!(task, Task);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consumer_is_the_drills() {
        // SAFETY: static text with a NUL behind it.
        let consumer = unsafe { std::ffi::CStr::from_ptr(reprieve_drill_consumer()) };
        assert_eq!(consumer.to_str().unwrap(), Drill::CONSUMER);
    }
}
