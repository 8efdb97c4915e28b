//! Status codes. Numbers are stable and never reused.

/// What a call came to: `REPRIEVE_OK` or one of `REPRIEVE_STATUS_*`. A status says whether the question could be
/// asked; the answer to it ("denied", "refused") is never a status. Treat a number that you do not know as an error.
pub type reprieve_status = u32;

/// The call did what it says.
pub const REPRIEVE_OK: u32 = 0;
/// An argument is not what the call takes: no UTF-8, a NUL inside a text, NULL with a length, a number that is no
/// such value.
pub const REPRIEVE_STATUS_ARGUMENT: u32 = 100;
/// The application file cannot be read, or says something impossible.
pub const REPRIEVE_STATUS_APP: u32 = 101;
/// A scenario is malformed.
pub const REPRIEVE_STATUS_SCENARIO: u32 = 102;
/// A document cannot be made from these claims; or an authority's answer is empty, or its `documents` are no list of
/// tokens.
pub const REPRIEVE_STATUS_CLAIMS: u32 = 103;
/// A policy is not valid.
pub const REPRIEVE_STATUS_POLICY: u32 = 104;
/// The application's secret or the install secret does not open the ledger.
pub const REPRIEVE_STATUS_WRONG_KEY: u32 = 200;
/// No ledger lies there.
pub const REPRIEVE_STATUS_MISSING: u32 = 300;
/// Another process holds the ledger's lock: try again.
pub const REPRIEVE_STATUS_BUSY: u32 = 301;
/// The folder or file cannot be written.
pub const REPRIEVE_STATUS_READ_ONLY: u32 = 302;
/// The disk is full.
pub const REPRIEVE_STATUS_FULL: u32 = 303;
/// The folder is not there and cannot be made.
pub const REPRIEVE_STATUS_NO_FOLDER: u32 = 304;
/// What lies there is no ledger.
pub const REPRIEVE_STATUS_NOT_A_LEDGER: u32 = 305;
/// The ledger is of a newer format or level.
pub const REPRIEVE_STATUS_NEWER: u32 = 306;
/// A drill's ledger was opened as a real one, or the other way round.
pub const REPRIEVE_STATUS_DRILL: u32 = 307;
/// Something lies there already.
pub const REPRIEVE_STATUS_EXISTS: u32 = 308;
/// The ledger is damaged beyond what can be read.
pub const REPRIEVE_STATUS_DAMAGED: u32 = 309;
/// Any other error of the operating system.
pub const REPRIEVE_STATUS_IO: u32 = 310;
/// The client was closed.
pub const REPRIEVE_STATUS_CLOSED: u32 = 400;
/// The platform, or this kind of drill, cannot do this.
pub const REPRIEVE_STATUS_UNSUPPORTED: u32 = 401;
/// A record is larger than a ledger takes.
pub const REPRIEVE_STATUS_TOO_LARGE: u32 = 402;
/// A bug in the library.
pub const REPRIEVE_STATUS_INTERNAL: u32 = 900;
/// A bug in the library: a panic was caught at the border. The process and the handle go on.
pub const REPRIEVE_STATUS_PANIC: u32 = 901;
/// A handle or an out-parameter that the call needs is NULL.
pub const REPRIEVE_STATUS_NULL_POINTER: u32 = 902;
/// A handle was freed already, is of another type, or is none of this library's.
pub const REPRIEVE_STATUS_INVALID_HANDLE: u32 = 903;
/// `struct_size` of a structure is less than any release's: set it to `sizeof` before the call.
pub const REPRIEVE_STATUS_STRUCT_SIZE: u32 = 904;
/// A buffer is too small; the length that it needs was written.
pub const REPRIEVE_STATUS_BUFFER_TOO_SMALL: u32 = 905;
/// There is nothing at this index.
pub const REPRIEVE_STATUS_OUT_OF_RANGE: u32 = 906;
/// There are more than a million handles (65,536 on 32-bit machines): something is not freed.
pub const REPRIEVE_STATUS_HANDLES_EXHAUSTED: u32 = 907;

/// Every status with its word.
pub(crate) const WORDS: &[(u32, &std::ffi::CStr)] = &[
    (REPRIEVE_OK, c"ok"),
    (REPRIEVE_STATUS_ARGUMENT, c"argument"),
    (REPRIEVE_STATUS_APP, c"app"),
    (REPRIEVE_STATUS_SCENARIO, c"scenario"),
    (REPRIEVE_STATUS_CLAIMS, c"claims"),
    (REPRIEVE_STATUS_POLICY, c"policy"),
    (REPRIEVE_STATUS_WRONG_KEY, c"wrong_key"),
    (REPRIEVE_STATUS_MISSING, c"missing"),
    (REPRIEVE_STATUS_BUSY, c"busy"),
    (REPRIEVE_STATUS_READ_ONLY, c"read_only"),
    (REPRIEVE_STATUS_FULL, c"full"),
    (REPRIEVE_STATUS_NO_FOLDER, c"no_folder"),
    (REPRIEVE_STATUS_NOT_A_LEDGER, c"not_a_ledger"),
    (REPRIEVE_STATUS_NEWER, c"newer"),
    (REPRIEVE_STATUS_DRILL, c"drill"),
    (REPRIEVE_STATUS_EXISTS, c"exists"),
    (REPRIEVE_STATUS_DAMAGED, c"damaged"),
    (REPRIEVE_STATUS_IO, c"io"),
    (REPRIEVE_STATUS_CLOSED, c"closed"),
    (REPRIEVE_STATUS_UNSUPPORTED, c"unsupported"),
    (REPRIEVE_STATUS_TOO_LARGE, c"too_large"),
    (REPRIEVE_STATUS_INTERNAL, c"internal"),
    (REPRIEVE_STATUS_PANIC, c"panic"),
    (REPRIEVE_STATUS_NULL_POINTER, c"null_pointer"),
    (REPRIEVE_STATUS_INVALID_HANDLE, c"invalid_handle"),
    (REPRIEVE_STATUS_STRUCT_SIZE, c"struct_size"),
    (REPRIEVE_STATUS_BUFFER_TOO_SMALL, c"buffer_too_small"),
    (REPRIEVE_STATUS_OUT_OF_RANGE, c"out_of_range"),
    (REPRIEVE_STATUS_HANDLES_EXHAUSTED, c"handles_exhausted"),
];
