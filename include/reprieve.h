/*
 * Reprieve keeps a licensed product running, for a bounded and audited time, when its licence server cannot be
 * reached.
 *
 * This file is generated from bindings/c; change it there.
 *
 * EXAMPLE
 *
 *     #include <reprieve.h>
 *     #include <stdio.h>
 *     #include <string.h>
 *
 *     int main(int argc, char **argv) {
 *         const char *app = argc > 1 ? argv[1] : "reprieve.toml";
 *         reprieve_client *client = NULL;
 *         reprieve_error *error = NULL;
 *         if (reprieve_client_open(app, strlen(app), &client, &error) != REPRIEVE_OK) {
 *             const char *text = "";
 *             size_t len = 0;
 *             reprieve_error_message(error, &text, &len);
 *             fprintf(stderr, "%.*s\n", (int)len, text);
 *             reprieve_error_free(error);
 *         }
 *         reprieve_decision decision = {0};
 *         decision.struct_size = sizeof decision;
 *         reprieve_client_check(client, "cad", 3, "core", 4, &decision, NULL);
 *         switch (decision.access) {
 *         case REPRIEVE_ACCESS_FULL: puts("full"); break;
 *         case REPRIEVE_ACCESS_LIMITED: puts("limited"); break;
 *         case REPRIEVE_ACCESS_DENIED: puts("denied"); break;
 *         default: puts("could not be decided: this is no refusal"); break;
 *         }
 *         reprieve_client_free(client);
 *         return 0;
 *     }
 *
 * STATUS AND RESULTS
 * Every call that can fail gives a reprieve_status: 0 is REPRIEVE_OK, numbers are stable and never reused. Results go
 * through out-parameters, which are set to a safe value first (NULL, 0, REPRIEVE_ACCESS_UNKNOWN), whatever happens
 * then. A failed call never reads as a refusal: access 0 is unknown, 1 is denied. Refusals are answers, not statuses.
 * The last parameter of many calls is `error`: NULL, or where an error object goes if the call fails (NULL if it does
 * not); it is the caller's to free. No call ends or unwinds into the program, prints, or logs; none starts a thread or
 * opens a socket but reprieve_renewing_start. A panic of the library's is a bug, is caught, and gives
 * REPRIEVE_STATUS_PANIC.
 *
 * TEXT AND BYTES
 * A pointer goes with a length, and can be read or written for so long, until the call returns. Out-parameters can be
 * written. Text goes in as pointer and length, UTF-8, no closing NUL needed, none allowed inside; NULL goes with
 * length 0. It is copied where it is kept. Text comes out borrowed from a handle, which says until when it is good, or
 * as reprieve_bytes, which the caller frees. Either has a NUL behind it. Times are UTC: seconds since
 * 1970-01-01T00:00:00Z and nanoseconds.
 *
 * STRUCTURES
 * Those that start with `struct_size` grow by fields at their end. Set it to `sizeof` before the call: the library
 * writes what both know, and how much that was. All others never change.
 *
 * HANDLES
 * reprieve_client * and the like are made by calls whose text says "owned by the caller" and freed by the `free`
 * function of their type. They point to nothing: never look at what is there. NULL gives REPRIEVE_STATUS_NULL_POINTER,
 * and a handle that was freed already, or is of another type, REPRIEVE_STATUS_INVALID_HANDLE; freeing NULL or such a
 * handle does nothing. (On 32-bit machines a number comes round after 4096 handles in one place.) The order of freeing
 * does not matter: what belongs together is counted. There is no initialisation and no shutdown.
 *
 * THREADS
 * Every function may be called from any thread, at any time, also at the same time on the same handle, unless it says
 * otherwise. A handle may be freed while another thread is in a call on it: that call ends well. Borrowed text ends
 * with its handle, so do not free one while another thread reads from it. Checks wait for no other process; what waits
 * for the disk says so.
 *
 * FORK
 * A forked child may go on with the handles it inherited: the library sees the fork by the process's number, lets go
 * of what it inherited without unlocking, and opens the ledger again. Fork while no other thread is in a call on the
 * same client, as a child has no thread that could finish it.
 *
 * Several copies of this library in one process, and several clients on one ledger, do not disturb each other.
 */

#ifndef REPRIEVE_H
#define REPRIEVE_H

#include <stddef.h>
#include <stdint.h>

#ifndef REPRIEVE_API
#if defined(_WIN32) && !defined(REPRIEVE_STATIC)
#define REPRIEVE_API __declspec(dllimport)
#else
#define REPRIEVE_API
#endif
#endif

// Whether the library that was loaded is one that a program built with this header can use. A program that may meet
// another release asks before anything else; `reprieve_version` and `reprieve_abi_version` say what it has met.
#define REPRIEVE_ABI_FITS() \
  ((reprieve_abi_version() >> 16) == REPRIEVE_ABI_VERSION_MAJOR && \
   (reprieve_abi_version() & 0xffff) >= REPRIEVE_ABI_VERSION_MINOR)

// The call did what it says.
#define REPRIEVE_OK 0

// An argument is not what the call takes: no UTF-8, a NUL inside a text, NULL with a length, a number that is no
// such value.
#define REPRIEVE_STATUS_ARGUMENT 100

// The application file cannot be read, or says something impossible.
#define REPRIEVE_STATUS_APP 101

// A scenario is malformed.
#define REPRIEVE_STATUS_SCENARIO 102

// A document cannot be made from these claims; or an authority's answer is empty, or its `documents` are no list of
// tokens.
#define REPRIEVE_STATUS_CLAIMS 103

// A policy is not valid.
#define REPRIEVE_STATUS_POLICY 104

// The application's secret or the install secret does not open the ledger.
#define REPRIEVE_STATUS_WRONG_KEY 200

// No ledger lies there.
#define REPRIEVE_STATUS_MISSING 300

// Another process holds the ledger's lock: try again.
#define REPRIEVE_STATUS_BUSY 301

// The folder or file cannot be written.
#define REPRIEVE_STATUS_READ_ONLY 302

// The disk is full.
#define REPRIEVE_STATUS_FULL 303

// The folder is not there and cannot be made.
#define REPRIEVE_STATUS_NO_FOLDER 304

// What lies there is no ledger.
#define REPRIEVE_STATUS_NOT_A_LEDGER 305

// The ledger is of a newer format or level.
#define REPRIEVE_STATUS_NEWER 306

// A drill's ledger was opened as a real one, or the other way round.
#define REPRIEVE_STATUS_DRILL 307

// Something lies there already.
#define REPRIEVE_STATUS_EXISTS 308

// The ledger is damaged beyond what can be read.
#define REPRIEVE_STATUS_DAMAGED 309

// Any other error of the operating system.
#define REPRIEVE_STATUS_IO 310

// The client was closed.
#define REPRIEVE_STATUS_CLOSED 400

// The platform, or this kind of drill, cannot do this.
#define REPRIEVE_STATUS_UNSUPPORTED 401

// A record is larger than a ledger takes.
#define REPRIEVE_STATUS_TOO_LARGE 402

// A bug in the library.
#define REPRIEVE_STATUS_INTERNAL 900

// A bug in the library: a panic was caught at the border. The process and the handle go on.
#define REPRIEVE_STATUS_PANIC 901

// A handle or an out-parameter that the call needs is NULL.
#define REPRIEVE_STATUS_NULL_POINTER 902

// A handle was freed already, is of another type, or is none of this library's.
#define REPRIEVE_STATUS_INVALID_HANDLE 903

// `struct_size` of a structure is less than any release's: set it to `sizeof` before the call.
#define REPRIEVE_STATUS_STRUCT_SIZE 904

// A buffer is too small; the length that it needs was written.
#define REPRIEVE_STATUS_BUFFER_TOO_SMALL 905

// There is nothing at this index.
#define REPRIEVE_STATUS_OUT_OF_RANGE 906

// There are more than a million handles (65,536 on 32-bit machines): something is not freed.
#define REPRIEVE_STATUS_HANDLES_EXHAUSTED 907

// ABI version: rises when something was removed or changed. A program needs the same as it was built with.
#define REPRIEVE_ABI_VERSION_MAJOR 0

// ABI version: rises when something was added. A program needs this or a higher one.
#define REPRIEVE_ABI_VERSION_MINOR 1

// Access: the library could not decide. This is no refusal; `reprieve_client_explain` says why.
#define REPRIEVE_ACCESS_UNKNOWN 0

// Access: the rules give none.
#define REPRIEVE_ACCESS_DENIED 1

// Access: the product runs with what its vendor calls limited.
#define REPRIEVE_ACCESS_LIMITED 2

// Access: everything.
#define REPRIEVE_ACCESS_FULL 3

// State: none, as access is unknown.
#define REPRIEVE_STATE_NONE 0

// State: the lease is running.
#define REPRIEVE_STATE_LICENSED 1

// State: the lease has ended and a cover holds.
#define REPRIEVE_STATE_GRACE 2

// State: the lease has ended and no cover holds.
#define REPRIEVE_STATE_EXPIRED 3

// State: a suspicion of the ledger or of its place has reached its limit.
#define REPRIEVE_STATE_LEDGER_LOCKED 4

// State: the suspicion of the clock has reached its limit.
#define REPRIEVE_STATE_CLOCK_LOCKED 5

// State: the authority has taken the feature back.
#define REPRIEVE_STATE_REVOKED 6

// State: the lease does not name the feature.
#define REPRIEVE_STATE_NOT_ENTITLED 7

// State: there is no lease for the SKU.
#define REPRIEVE_STATE_UNLICENSED 8

// Reason: none, as there is no grace.
#define REPRIEVE_REASON_NONE 0

// Reason: a notice of the vendor's covers the time.
#define REPRIEVE_REASON_MAINTENANCE 1

// Reason: support has granted time.
#define REPRIEVE_REASON_EXTENSION 2

// Reason: the authority was reached, but it failed.
#define REPRIEVE_REASON_SERVER 3

// Reason: the authority gave no answer.
#define REPRIEVE_REASON_NETWORK 4

// Reason: nothing is known of why there was no renewal.
#define REPRIEVE_REASON_UNKNOWN 5

// Clock: nothing was read.
#define REPRIEVE_CLOCK_NONE 0

// Clock: the wall agrees with what is proven.
#define REPRIEVE_CLOCK_OK 1

// Clock: the wall lies before what is proven.
#define REPRIEVE_CLOCK_ROLLED_BACK 2

// Clock: the wall lies further ahead than the policy believes.
#define REPRIEVE_CLOCK_LEAPED 3

// Ledger: nothing was read.
#define REPRIEVE_LEDGER_NONE 0

// Ledger: nothing is known against it.
#define REPRIEVE_LEDGER_OK 1

// Ledger: it was damaged or put back from a copy.
#define REPRIEVE_LEDGER_SUSPECT 2

// Ledger: it is on another machine than its own.
#define REPRIEVE_LEDGER_MOVED 3

// Flag: the ledger lies in memory and ends with the process.
#define REPRIEVE_FLAG_IN_MEMORY 1

// Flag: a newer release wrote what this one does not know; nothing is appended.
#define REPRIEVE_FLAG_NEWER 2

// Flag: the ledger is a drill's.
#define REPRIEVE_FLAG_DRILL 4

// Flag: the ledger cannot be read or written at the moment; the decision rests on what was read before.
#define REPRIEVE_FLAG_DETACHED 8

// Document: none, or not readable.
#define REPRIEVE_DOCUMENT_NONE 0

// Document: a lease, which makes a licence good for a time.
#define REPRIEVE_DOCUMENT_LEASE 1

// Document: a policy, the rules of grace.
#define REPRIEVE_DOCUMENT_POLICY 2

// Document: a notice of maintenance that is planned, or of an outage.
#define REPRIEVE_DOCUMENT_NOTICE 3

// Document: an extension, granted by support.
#define REPRIEVE_DOCUMENT_EXTENSION 4

// Document: a revocation, which takes a licence back.
#define REPRIEVE_DOCUMENT_REVOCATION 5

// Document: a ruling, the outcome of an appeal.
#define REPRIEVE_DOCUMENT_RULING 6

// Document: keys, which say whose keys may say what.
#define REPRIEVE_DOCUMENT_KEYS 7

// Refusal: none; the document is in force.
#define REPRIEVE_REFUSAL_NONE 0

// Refusal: a signer is not in the trust store, or its key was not valid when the document was issued.
#define REPRIEVE_REFUSAL_UNKNOWN_KEY 1

// Refusal: a signature does not hold.
#define REPRIEVE_REFUSAL_BAD_SIGNATURE 2

// Refusal: a signer may not sign this kind.
#define REPRIEVE_REFUSAL_WRONG_ROLE 3

// Refusal: a kind, or a newer schema, that this release does not know.
#define REPRIEVE_REFUSAL_UNSUPPORTED 4

// Refusal: the document does not say what its kind must say.
#define REPRIEVE_REFUSAL_MALFORMED 5

// Refusal: the document is for another ledger.
#define REPRIEVE_REFUSAL_WRONG_LEDGER 6

// Refusal: the policy is of another line than the one in force.
#define REPRIEVE_REFUSAL_WRONG_POLICY 7

// Refusal: something newer is in force.
#define REPRIEVE_REFUSAL_STALE 8

// Refusal: too few people of role support have signed.
#define REPRIEVE_REFUSAL_APPROVALS 9

// Refusal: the extension is longer than the policy allows.
#define REPRIEVE_REFUSAL_OVER_LIMIT 10

// Refusal: no lease of the licence was ever accepted.
#define REPRIEVE_REFUSAL_UNKNOWN_LICENSE 11

// Outage: no answer: no DNS, no route, a timeout, a captive portal's or otherwise unauthentic answer.
#define REPRIEVE_OUTAGE_NETWORK 1

// Outage: reached, but it failed: refused, reset, HTTP 5xx or 429, a nonsense answer.
#define REPRIEVE_OUTAGE_SERVER 2

// Event: a feature went into grace.
#define REPRIEVE_EVENT_GRACE_STARTED 1

// Event: a feature came out of grace: look at the state.
#define REPRIEVE_EVENT_GRACE_ENDED 2

// Event: a feature's standing changed, outside grace.
#define REPRIEVE_EVENT_ACCESS_CHANGED 3

// Event: in grace, another access or reason, or more time than a warning said.
#define REPRIEVE_EVENT_GRACE_CHANGED 4

// Event: the runway is no longer than `left_seconds`.
#define REPRIEVE_EVENT_GRACE_WARNING 5

// Event: a document is in force.
#define REPRIEVE_EVENT_DOCUMENT_ACCEPTED 6

// Event: a document was refused.
#define REPRIEVE_EVENT_DOCUMENT_REFUSED 7

// Event: the clock is under suspicion.
#define REPRIEVE_EVENT_CLOCK_SUSPECT 8

// Event: the clock no longer is.
#define REPRIEVE_EVENT_CLOCK_RESTORED 9

// Event: the ledger, or its place, is under suspicion.
#define REPRIEVE_EVENT_LEDGER_SUSPECT 10

// Event: they no longer are.
#define REPRIEVE_EVENT_LEDGER_RESTORED 11

// Event: a torn tail was cut off after a crash; nothing acknowledged was lost.
#define REPRIEVE_EVENT_LEDGER_RECOVERED 12

// Event: the customer appealed.
#define REPRIEVE_EVENT_APPEAL_FILED 13

// Event: the vendor has the appeal.
#define REPRIEVE_EVENT_APPEAL_RECEIVED 14

// Upkeep: checks do it, at most every 10 ms.
#define REPRIEVE_UPKEEP_IN_CHECKS 0

// Upkeep: the product calls `reprieve_client_upkeep` on a thread of its choice, every second or so; then a check never
// touches the disk. If none has run for 10 minutes, checks are unknown.
#define REPRIEVE_UPKEEP_OWN 1

// Task of a drill's step: nothing is to be done.
#define REPRIEVE_TASK_NOTHING 0

// Task of a drill's step: import `reprieve_task_token`.
#define REPRIEVE_TASK_IMPORT 1

// Task of a drill's step: check `reprieve_task_sku` and `reprieve_task_feature`.
#define REPRIEVE_TASK_CHECK 2

// Task of a drill's step: report the outage `reprieve_task_outage`.
#define REPRIEVE_TASK_REPORT 3

// Task of a drill's step: do upkeep, then take and acknowledge events as `reprieve_drill_consumer` until there is
// none.
#define REPRIEVE_TASK_EVENTS 4

// Renewal: nothing, as the call failed.
#define REPRIEVE_RENEWAL_NOTHING 0

// Renewal: there is nothing to do for so long, unless an attempt ends.
#define REPRIEVE_RENEWAL_WAIT 1

// Renewal: send a request.
#define REPRIEVE_RENEWAL_SEND 2

// Renewal: stop an attempt if it still runs; nobody waits for it any more.
#define REPRIEVE_RENEWAL_ABORT 3

// How many bytes of an answer's body are read at most.
#define REPRIEVE_MAX_ANSWER 4194304

// Failure: the name could not be resolved.
#define REPRIEVE_FAILURE_NO_DNS 1

// Failure: there is no route to the host, or no network at all; or the customer's proxy gave none.
#define REPRIEVE_FAILURE_NO_ROUTE 2

// Failure: no answer in time, wherever it stopped.
#define REPRIEVE_FAILURE_TIMED_OUT 3

// Failure: the host refused the connection.
#define REPRIEVE_FAILURE_REFUSED 4

// Failure: the connection was reset or closed before the answer was whole.
#define REPRIEVE_FAILURE_RESET 5

// Failure: the certificate is another name's, has expired, or leads to no root that is trusted.
#define REPRIEVE_FAILURE_CERTIFICATE 6

// Failure: TLS failed in another way.
#define REPRIEVE_FAILURE_TLS 7

// Failure: what came is no HTTP.
#define REPRIEVE_FAILURE_PROTOCOL 8

// Failure: the answer is longer than REPRIEVE_MAX_ANSWER.
#define REPRIEVE_FAILURE_TOO_LONG 9

// Failure: this side could not even try: no memory, no socket, a URL that cannot be read. It is evidence of nothing.
#define REPRIEVE_FAILURE_LOCAL 10

// Outcome: none, as no attempt has ended yet.
#define REPRIEVE_OUTCOME_NONE 0

// Outcome: the lease was renewed.
#define REPRIEVE_OUTCOME_RENEWED 1

// Outcome: the authority answered, and every document was refused.
#define REPRIEVE_OUTCOME_ANSWERED 2

// Outcome: it failed before there was an answer.
#define REPRIEVE_OUTCOME_FAILED 3

// Outcome: an HTTP status without documents of the authority's.
#define REPRIEVE_OUTCOME_STATUS 4

// Outcome: another endpoint was quicker, or it was told to stop.
#define REPRIEVE_OUTCOME_DROPPED 5

// Outcome: a probe was answered; the network leads there.
#define REPRIEVE_OUTCOME_REACHED 6

// Outcome: a mirror gave documents.
#define REPRIEVE_OUTCOME_FETCHED 7

// Outcome: a mirror has nothing new.
#define REPRIEVE_OUTCOME_UNCHANGED 8

// `stage` of a decision outside grace.
#define REPRIEVE_STAGE_NONE 4294967295

// What became of the documents of one call: owned by the caller, freed with `reprieve_answers_free`. Nothing in it
// changes; any thread.
typedef struct reprieve_answers reprieve_answers;

// How a ledger will be opened: owned by the caller, freed with `reprieve_builder_free`. Any thread; calls on one
// builder take turns.
typedef struct reprieve_builder reprieve_builder;

// Bytes or text that a call gave: owned by the caller, freed with `reprieve_bytes_free`. Nothing in it changes; any
// thread.
typedef struct reprieve_bytes reprieve_bytes;

// An open ledger: owned by the caller, freed with `reprieve_client_free`. Any number of threads may use one client
// at once.
typedef struct reprieve_client reprieve_client;

// A drill: its own authority, clock and ledger, marked as a drill's, which a real open refuses. Owned by the caller,
// freed with `reprieve_drill_free`. Any thread; calls on one drill take turns.
typedef struct reprieve_drill reprieve_drill;

// Why a call failed: owned by the caller, freed with `reprieve_error_free`. Nothing in it changes; any thread.
typedef struct reprieve_error reprieve_error;

// One event: owned by the caller, freed with `reprieve_event_free`. Nothing in it changes; any thread.
typedef struct reprieve_event reprieve_event;

// A feature of a product, of one client, to ask about in every frame: owned by the caller, freed with
// `reprieve_feature_free`. It keeps its client's ledger open until then. Any number of threads may use one at once.
typedef struct reprieve_feature reprieve_feature;

// What a driver sends: owned by the caller, freed with `reprieve_http_request_free`. Nothing in it changes; any thread.
typedef struct reprieve_http_request reprieve_http_request;

// How a ledger stood at one moment, with a decision for each feature of a SKU: owned by the caller, freed with
// `reprieve_ledger_status_free`. Nothing in it changes; any thread.
typedef struct reprieve_ledger_status reprieve_ledger_status;

// Renews a client's leases with the HTTP of the product: owned by the caller, freed with `reprieve_renewer_free`. One
// for each client is enough; of all on a ledger, in whatever process, one at a time has the turn. Any thread; calls on
// one renewer take turns. Its calls may wait for the disk and for other processes: use it from a thread of its own or
// an event loop, never from a frame. It opens no socket and keeps no thread. A *driver* calls it so:
//
//     reprieve_renewal_task task = {0};
//     reprieve_http_request *request = NULL;
//     task.struct_size = sizeof task;
//     while (reprieve_renewer_poll(renewer, &task, &request, NULL) == REPRIEVE_OK) {
//         if (task.kind == REPRIEVE_RENEWAL_SEND) {
//             // Send `request` within `task.milliseconds`, then one of these:
//             //   reprieve_renewer_answered(renewer, task.attempt, 200, headers, headers_len, body, body_len, NULL);
//             //   reprieve_renewer_failed(renewer, task.attempt, REPRIEVE_FAILURE_REFUSED, NULL);
//             reprieve_http_request_free(request);
//         } else if (task.kind == REPRIEVE_RENEWAL_WAIT) {
//             // Sleep for `task.milliseconds`, or until an attempt ends or the product does.
//         } // REPRIEVE_RENEWAL_ABORT: stop `task.attempt`, if it still runs.
//     }
typedef struct reprieve_renewer reprieve_renewer;

// Renewals under way on a thread of the library's: owned by the caller, freed with `reprieve_renewing_free`. Any
// thread. A forked child has no such thread: it starts one of its own.
typedef struct reprieve_renewing reprieve_renewing;

// What a product has to do in a step of a scenario: owned by the caller, freed with `reprieve_task_free`. Nothing in
// it changes; any thread.
typedef struct reprieve_task reprieve_task;

// What a call came to: `REPRIEVE_OK` or one of `REPRIEVE_STATUS_*`. A status says whether the question could be
// asked; the answer to it ("denied", "refused") is never a status. Treat a number that you do not know as an error.
typedef uint32_t reprieve_status;

// An instant in UTC, or none. This structure never grows.
typedef struct reprieve_time {
  // Whole seconds since 1970-01-01T00:00:00Z, without leap seconds, rounded down.
  int64_t seconds;
  // The nanoseconds past them, 0 to 999,999,999.
  uint32_t nanos;
  // 1 if there is such an instant; 0 if there is none, and then the rest is 0.
  uint32_t present;
} reprieve_time;

// The answer to a check. Set `struct_size` to `sizeof(reprieve_decision)` before the call; all else is set by it.
typedef struct reprieve_decision {
  // Before the call: the size of the caller's structure. After it: how much of it was written.
  uint32_t struct_size;
  // What the product may do: REPRIEVE_ACCESS_*. Unknown (0) is no refusal.
  uint32_t access;
  // By which rule: REPRIEVE_STATE_*. None (0) if access is unknown.
  uint32_t state;
  // What grants grace: REPRIEVE_REASON_*. None (0) outside grace.
  uint32_t reason;
  // What is known against the clock: REPRIEVE_CLOCK_*.
  uint32_t clock;
  // What is known against the ledger: REPRIEVE_LEDGER_*.
  uint32_t ledger;
  // Bits: REPRIEVE_FLAG_*.
  uint32_t flags;
  // The stage of grace, counting from 0; REPRIEVE_STAGE_NONE outside grace.
  uint32_t stage;
  // The time that it was decided at.
  struct reprieve_time t;
  // The next instant at which access, state or reason changes if nothing else arrives.
  struct reprieve_time until;
  // The first later instant at which access is denied, if it is not now.
  struct reprieve_time ends;
  // When the lease itself ends: grace is what comes after.
  struct reprieve_time lease_end;
} reprieve_decision;

// What became of a document. Set `struct_size` to `sizeof(reprieve_answer)` before the call; all else is set by it.
typedef struct reprieve_answer {
  // Before the call: the size of the caller's structure. After it: how much of it was written.
  uint32_t struct_size;
  // 1 if the document is in force now.
  uint32_t accepted;
  // 1 if it was in force before, so that nothing changed.
  uint32_t known;
  // 1 if it is a lease that answered the newest request.
  uint32_t fresh;
  // Its kind, where it can be read: REPRIEVE_DOCUMENT_*.
  uint32_t kind;
  // Why it was refused: REPRIEVE_REFUSAL_*. None (0) if it was accepted.
  uint32_t error;
} reprieve_answer;

// An event's numbers. Set `struct_size` to `sizeof(reprieve_event_info)` before the call; all else is set by it.
typedef struct reprieve_event_info {
  // Before the call: the size of the caller's structure. After it: how much of it was written.
  uint32_t struct_size;
  // What it tells of: REPRIEVE_EVENT_*. Skip a kind that you do not know.
  uint32_t kind;
  // The number of the record that it stands in.
  uint64_t record;
  // Its place in that record. Record and index name it for `reprieve_client_acknowledge`.
  uint32_t index;
  // The new access: REPRIEVE_ACCESS_*, if `has_access`.
  uint32_t access;
  // 1 if the event tells of an access.
  uint32_t has_access;
  // The new state: REPRIEVE_STATE_*; none (0) if it does not apply.
  uint32_t state;
  // Which kind of document: REPRIEVE_DOCUMENT_*; none (0) if it does not apply.
  uint32_t document;
  // Why a document was refused: REPRIEVE_REFUSAL_*; none (0) if it does not apply.
  uint32_t error;
  // 1 if there is a warning threshold in force.
  uint32_t has_left;
  // Always 0.
  uint32_t reserved;
  // The warning threshold in force, in seconds.
  int64_t left_seconds;
  // The instant at which it took effect, also if no product ran then.
  struct reprieve_time at;
} reprieve_event_info;

// How a client sees its ledger. Set `struct_size` to `sizeof(reprieve_ledger_info)` before the call; all else is set
// by it.
typedef struct reprieve_ledger_info {
  // Before the call: the size of the caller's structure. After it: how much of it was written.
  uint32_t struct_size;
  // What is known against the clock: REPRIEVE_CLOCK_*.
  uint32_t clock;
  // What is known against the ledger: REPRIEVE_LEDGER_*.
  uint32_t ledger;
  // Bits: REPRIEVE_FLAG_*.
  uint32_t flags;
  // The time.
  struct reprieve_time t;
  // Which file of its line it is, counting from 0.
  uint64_t generation;
  // How many records it has.
  uint64_t records;
  // Accepted documents whose signatures do not hold with this product's keys. They give nothing.
  uint64_t unproven;
  // The version of the policy in force; 0 if there is none.
  uint64_t policy_version;
  // How many features there are: `reprieve_ledger_status_feature` gives each.
  uint64_t features;
} reprieve_ledger_info;

// How long things last when leases are renewed, in milliseconds; 0 for what the library finds fit. Set `struct_size`
// to `sizeof(reprieve_renewal_settings)`; NULL in place of the structure is all of it as it is fit.
typedef struct reprieve_renewal_settings {
  // The size of the caller's structure.
  uint32_t struct_size;
  // An attempt that has no answer after this has failed (15 s).
  uint32_t timeout;
  // After this the next endpoint is tried beside the one that has not answered yet (3 s).
  uint32_t hedge;
  // The pause after the first round that failed, at most; it doubles with each (30 s).
  uint32_t pause;
  // What it doubles up to (15 min).
  uint32_t pause_most;
  // What a `Retry-After` is believed up to (1 h).
  uint32_t retry_after_most;
  // What the authority answered without a lease is not asked for again before this (1 h).
  uint32_t answered;
  // Nor what it answered with one, whatever that says (1 min).
  uint32_t renewed;
} reprieve_renewal_settings;

// What a driver does next. Set `struct_size` to `sizeof(reprieve_renewal_task)` before the call; all else is set by it.
typedef struct reprieve_renewal_task {
  // Before the call: the size of the caller's structure. After it: how much of it was written.
  uint32_t struct_size;
  // REPRIEVE_RENEWAL_*. Nothing (0) if the call failed.
  uint32_t kind;
  // Names the attempt: to send, or to abort.
  uint64_t attempt;
  // To send: the attempt is over if there is no answer within so long. To wait: nothing is to be done for so long.
  uint64_t milliseconds;
} reprieve_renewal_task;

// How renewing stands. Set `struct_size` to `sizeof(reprieve_renewal_state)` before the call; all else is set by it.
typedef struct reprieve_renewal_state {
  // Before the call: the size of the caller's structure. After it: how much of it was written.
  uint32_t struct_size;
  // How the attempt that ended last did: REPRIEVE_OUTCOME_*. None (0) if none has ended yet.
  uint32_t outcome;
  // How it failed: REPRIEVE_FAILURE_*, if the outcome is REPRIEVE_OUTCOME_FAILED.
  uint32_t failure;
  // The HTTP status, if the outcome is REPRIEVE_OUTCOME_STATUS.
  uint32_t status;
  // Why the first document was refused: REPRIEVE_REFUSAL_*, if the outcome is REPRIEVE_OUTCOME_ANSWERED.
  uint32_t refusal;
  // 1 while a round of attempts is under way.
  uint32_t is_busy;
  // 1 if it is known when the next round begins: not while one is under way, before the first poll, or without
  // endpoints.
  uint32_t has_next;
  // Always 0.
  uint32_t reserved;
  // In how many milliseconds the next round begins, by what is known now.
  uint64_t next_milliseconds;
  // How many milliseconds ago the last attempt ended.
  uint64_t ago_milliseconds;
  // How many milliseconds it took.
  uint64_t took_milliseconds;
} reprieve_renewal_state;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The library's version, such as "0.1.0". Static text; never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_version(void);

// The library's ABI version, `major << 16 | minor`. A binding compares it when it loads the library: the major
// number must be equal to REPRIEVE_ABI_VERSION_MAJOR, the minor at least REPRIEVE_ABI_VERSION_MINOR. Any thread.
// Since 0.1.
REPRIEVE_API uint32_t reprieve_abi_version(void);

// How many handles live in this process, of all types: for tests that nothing is left. Any thread. Since 0.1.
REPRIEVE_API size_t reprieve_handle_count(void);

// The word of a status, such as "busy"; "unrecognized" for any other number. Static text; never NULL. Any thread.
// Since 0.1.
REPRIEVE_API const char *reprieve_status_str(uint32_t status);

// The word of an access, such as "full"; "unrecognized" for any other number. Static text; never NULL. Any thread.
// Since 0.1.
REPRIEVE_API const char *reprieve_access_str(uint32_t access);

// The word of a state, such as "grace"; "none" for 0, "unrecognized" for any other number. Static text; never NULL.
// Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_state_str(uint32_t state);

// The word of a reason, such as "network"; "none" for 0, "unrecognized" for any other number. Static text; never
// NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_reason_str(uint32_t reason);

// The word of a clock's standing, such as "rolled_back"; "none" for 0, "unrecognized" for any other number. Static
// text; never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_clock_str(uint32_t clock);

// The word of a ledger's standing, such as "suspect"; "none" for 0, "unrecognized" for any other number. Static
// text; never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_ledger_str(uint32_t ledger);

// The word of a kind of document, such as "lease"; "none" for 0, "unrecognized" for any other number. Static text;
// never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_document_str(uint32_t document);

// The word of a refusal, such as "stale"; "none" for 0, "unrecognized" for any other number. Static text; never
// NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_refusal_str(uint32_t refusal);

// The word of an outage, such as "server"; "none" for 0, "unrecognized" for any other number. Static text; never
// NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_outage_str(uint32_t outage);

// The word of an event's kind, such as "grace_started"; "none" for 0, "unrecognized" for any other number. Static
// text; never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_event_kind_str(uint32_t kind);

// The word of a failure to renew, such as "no_dns"; "none" for 0, "unrecognized" for any other number. Static text;
// never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_failure_str(uint32_t failure);

// The word of an attempt's outcome, such as "renewed"; "none" for 0, "unrecognized" for any other number. Static text;
// never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_outcome_str(uint32_t outcome);

// Writes an instant as text: RFC 3339 in UTC with as many digits of a second as there are, such as
// "2026-01-01T00:00:00Z"; for none, the empty text.
//
// `len` (out, not NULL): the length, without the closing NUL that is written too. With `buffer` NULL, that is all.
// 64 bytes are enough for any instant.
// Statuses: REPRIEVE_STATUS_BUFFER_TOO_SMALL if `capacity` is less than the length plus one; then nothing but `len`
// and, if there is any room, an empty text is written. REPRIEVE_STATUS_ARGUMENT if `nanos` is more than 999,999,999.
// Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_time_format(const struct reprieve_time *time,
                                     char *buffer,
                                     size_t capacity,
                                     size_t *len,
                                     struct reprieve_error **error);

// The status of an error; REPRIEVE_OK if `error` is NULL. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_error_status(const struct reprieve_error *error);

// What happened, to which thing, and what to do next, in English: UTF-8 in `text` and `len`, with a NUL behind it.
// For programs, use the status. The text is borrowed: it is good until the error is freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_error_message(const struct reprieve_error *error, const char **text, size_t *len);

// Frees an error. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_error_free(struct reprieve_error *error);

// The bytes, in `data` and `len`. A NUL stands behind them and is not counted. They are borrowed: good until the
// handle is freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_bytes_get(const struct reprieve_bytes *bytes, const char **data, size_t *len);

// Frees bytes. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_bytes_free(struct reprieve_bytes *bytes);

// Opens the ledger of an application file (`reprieve.toml`, the same for every product and language of a vendor)
// with the defaults, making the ledger if none lies there. `reprieve_builder_*` opens it in other ways.
//
// `path`: the application file, UTF-8, `path_len` bytes. `client` (out, not NULL): owned by the caller. Statuses:
// REPRIEVE_STATUS_APP, and those of the 200s and 300s. Nothing is created in the place of a file that cannot be
// opened. Any thread; waits for the disk, and for other processes 5 s at most. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_open(const char *path,
                                     size_t path_len,
                                     struct reprieve_client **client,
                                     struct reprieve_error **error);

// Another handle to the same open ledger, freed on its own. `other` (out, not NULL): owned by the caller. Any
// thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_clone(const struct reprieve_client *client,
                                      struct reprieve_client **other,
                                      struct reprieve_error **error);

// May the product use this feature now? Fast enough for every frame: between two looks at the ledger, some 10 ms
// apart (with REPRIEVE_UPKEEP_OWN, between two upkeeps), the same decision is given again, but not past its `until`.
// Never waits for another process.
//
// `sku`, `feature`: names, UTF-8. `decision` (in and out, not NULL): `struct_size` set; access is
// REPRIEVE_ACCESS_UNKNOWN unless the call decides.
// Statuses: REPRIEVE_STATUS_ARGUMENT if a text is no UTF-8 or holds a NUL. A text that is no name, a client that was
// closed or a ledger that cannot be read is no failure of the call: access is unknown, and `reprieve_client_explain`
// says why. Any thread, also at the same time. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_check(const struct reprieve_client *client,
                                      const char *sku,
                                      size_t sku_len,
                                      const char *feature,
                                      size_t feature_len,
                                      struct reprieve_decision *decision,
                                      struct reprieve_error **error);

// A check with all that stands behind it, as JSON: {"t", "sku", "feature", "access", "state", "reason", "until",
// "ends", "clock", "ledger", "license", "lease_end", "flags": {"in_memory", "newer", "drill", "detached"}, "rule",
// "cover": {"reason", "start", "end", "stage", "counts", "policy", "tier", "notice"}, "evidence": [{"outage",
// "since"}], "ways_out": [{"way", "text"}], "trouble"}. What does not apply is null. More fields may follow.
//
// `sku`, `feature`: names, UTF-8. `json` (out, not NULL): owned by the caller.
// Statuses: as `reprieve_client_check`. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_explain(const struct reprieve_client *client,
                                        const char *sku,
                                        size_t sku_len,
                                        const char *feature,
                                        size_t feature_len,
                                        struct reprieve_bytes **json,
                                        struct reprieve_error **error);

// Imports a document: a token as any JWT library makes it, compact or General JSON. Whether it was accepted is the
// answer, not a status; what is accepted is on disk before this returns.
//
// `token`: `token_len` bytes. `answer` (in and out, not NULL): `struct_size` set. `details` (out, or NULL): the
// answer with its texts, one of one; owned by the caller.
// Statuses: what the ledger says (300s); then nothing has changed. Any thread; waits for the disk, and for other
// processes at most the lock's timeout. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_import(const struct reprieve_client *client,
                                       const uint8_t *token,
                                       size_t token_len,
                                       struct reprieve_answer *answer,
                                       struct reprieve_answers **details,
                                       struct reprieve_error **error);

// A renewal failed, in this way.
//
// `outage`: REPRIEVE_OUTAGE_*. `news` (out, or NULL): 1 if it was not known yet.
// Statuses: REPRIEVE_STATUS_ARGUMENT, or what the ledger says (300s); then nothing has changed. Any thread; waits as
// `reprieve_client_import`. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_report(const struct reprieve_client *client,
                                       uint32_t outage,
                                       uint32_t *news,
                                       struct reprieve_error **error);

// Makes a renewal request: bytes to send to the vendor's renewal server, best by POST. The lease that answers it
// within 10 minutes is fresh; a newer request takes its place. The library does no networking.
//
// `body` (out, not NULL): JSON, with the ledger's signed head and proofs that it goes on from those sent before, and
// with appeals that the vendor may not have; owned by the caller. `nonce` (out, or NULL): what the lease must echo; owned by the caller.
// Statuses: what the ledger says (300s). Any thread; waits as `reprieve_client_import`. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_request(const struct reprieve_client *client,
                                        struct reprieve_bytes **body,
                                        struct reprieve_bytes **nonce,
                                        struct reprieve_error **error);

// Takes the answer of the vendor's renewal server: one token, or JSON {"documents": [token, ...]}. The documents are
// imported one by one, those of the kind keys first; after eight that nobody's key has signed the others are left alone,
// and have no answer. Anything else that is not empty, such as an HTML page, is taken for a token: its answer is a
// refusal, REPRIEVE_REFUSAL_MALFORMED.
//
// `answer`: `answer_len` bytes. `accepted` (out, or NULL): how many are in force now. `answers` (out, or NULL): what
// became of each; owned by the caller.
// Statuses: REPRIEVE_STATUS_CLAIMS if it is empty, or its `documents` are no list of tokens; else what the ledger says
// (300s), and then documents before the failure may have been imported: send the same again. Any thread; waits as
// `reprieve_client_import`. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_renew(const struct reprieve_client *client,
                                      const uint8_t *answer,
                                      size_t answer_len,
                                      uint32_t *accepted,
                                      struct reprieve_answers **answers,
                                      struct reprieve_error **error);

// How many renewal servers the application file names. `count` (out, not NULL). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_endpoint_count(const struct reprieve_client *client,
                                               size_t *count,
                                               struct reprieve_error **error);

// A renewal server of the application file, best first, from 0. `endpoint` (out, not NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_endpoint(const struct reprieve_client *client,
                                         size_t index,
                                         struct reprieve_bytes **endpoint,
                                         struct reprieve_error **error);

// The next event that a consumer has not been given, in the ledger's order. Poll it as often as you like, in an own
// thread or once a frame.
//
// `consumer`: the name of who takes them, UTF-8; each has its own place, and a new one starts at the end. `event`
// (out, not NULL): owned by the caller; NULL, with REPRIEVE_OK, if there is none yet. What is not acknowledged is
// given again after the next open: an event comes at least once.
// Statuses: REPRIEVE_STATUS_ARGUMENT if it is no name of a consumer; or what the ledger says (300s). Any thread.
// Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_next_event(const struct reprieve_client *client,
                                           const char *consumer,
                                           size_t consumer_len,
                                           struct reprieve_event **event,
                                           struct reprieve_error **error);

// A consumer has dealt with an event, and with all before it. `record` and `index` are the event's.
//
// Statuses: REPRIEVE_STATUS_ARGUMENT; or that the consumer's place cannot be written (300s). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_acknowledge(const struct reprieve_client *client,
                                            const char *consumer,
                                            size_t consumer_len,
                                            uint64_t record,
                                            uint32_t index,
                                            struct reprieve_error **error);

// All features of a SKU, as checks would answer, and how the ledger stands.
//
// `sku`: a name, UTF-8. `status` (out, not NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_ARGUMENT; or what the ledger says (300s). Any thread; waits as `reprieve_client_import`.
// Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_status(const struct reprieve_client *client,
                                       const char *sku,
                                       size_t sku_len,
                                       struct reprieve_ledger_status **status,
                                       struct reprieve_error **error);

// Files an appeal, in the customer's words, and gives what to send to the vendor: JSON with the text, the ledger's
// signed head and its recent history. Where there is a line, the next renewal takes it along by itself, and the
// event `REPRIEVE_EVENT_APPEAL_RECEIVED` tells that the vendor has it; sent by hand as well, it is one.
//
// `license`: the licence that it is about, UTF-8; NULL and 0 for the ledger as such. `text`: UTF-8, 1 to 10,000
// bytes. `packet` (out, not NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_ARGUMENT; or what the ledger says (300s). Any thread; waits as `reprieve_client_import`.
// Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_appeal(const struct reprieve_client *client,
                                       const char *license,
                                       size_t license_len,
                                       const char *text,
                                       size_t text_len,
                                       struct reprieve_bytes **packet,
                                       struct reprieve_error **error);

// Upkeep: reads the clocks and the ledger, and records what is due. For a client of REPRIEVE_UPKEEP_OWN: call it
// from a thread of the product's, every second or so. If none has run for 10 minutes, its checks are unknown.
//
// Statuses: what the ledger says (300s). Any thread; waits as `reprieve_client_import`. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_upkeep(const struct reprieve_client *client,
                                       struct reprieve_error **error);

// The ledger's signed head: a checkpoint note that anybody can check against the file without any secret. `note`
// (out, not NULL): text, owned by the caller.
//
// Statuses: REPRIEVE_STATUS_CLOSED; or what the ledger says (300s). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_head(const struct reprieve_client *client,
                                     struct reprieve_bytes **note,
                                     struct reprieve_error **error);

// The ledger's id, as leases and rulings name it. `id` (out, not NULL): text, owned by the caller.
//
// Statuses: REPRIEVE_STATUS_CLOSED. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_ledger_id(const struct reprieve_client *client,
                                          struct reprieve_bytes **id,
                                          struct reprieve_error **error);

// What happened that nobody was told of: the last few hundred notes of this client, as JSON [{"wall", "text"}]. The
// library logs nothing by itself. `json` (out, not NULL): owned by the caller. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_diagnostics(const struct reprieve_client *client,
                                            struct reprieve_bytes **json,
                                            struct reprieve_error **error);

// Closes the ledger, for this handle and its clones: what is due is recorded and synced, the files are let go. The
// handle stays, and must still be freed; checks are then unknown, other calls fail with REPRIEVE_STATUS_CLOSED.
// Closing again is no error.
//
// Statuses: what the ledger says (300s); it is closed all the same. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_client_close(const struct reprieve_client *client, struct reprieve_error **error);

// Frees a client; the last of its clones to go closes the ledger. NULL is a no-op. A call that another thread is in
// ends well, and what it gave stays good. Any thread. Since 0.1.
REPRIEVE_API void reprieve_client_free(struct reprieve_client *client);

// A feature, to ask about again and again without naming it each time.
//
// `sku`, `feature`: names, UTF-8. `handle` (out, not NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_ARGUMENT if a text is no name of a SKU or feature. Whether any licence has the feature is
// asked by each check, not here. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_feature(const struct reprieve_client *client,
                                        const char *sku,
                                        size_t sku_len,
                                        const char *feature,
                                        size_t feature_len,
                                        struct reprieve_feature **handle,
                                        struct reprieve_error **error);

// May the product use this feature now? As `reprieve_client_check`, and the fastest way to ask: between two looks at
// the ledger it reads one clock and copies the decision; no lock, no allocation, no system call.
//
// `decision` (in and out, not NULL): `struct_size` set; access is REPRIEVE_ACCESS_UNKNOWN unless the call decides.
// Statuses: a client that was closed or a ledger that cannot be read is no failure of the call: access is unknown, and
// `reprieve_client_explain` says why. Any thread, also at the same time. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_feature_check(const struct reprieve_feature *feature,
                                       struct reprieve_decision *decision,
                                       struct reprieve_error **error);

// Frees a feature. NULL is a no-op. A call that another thread is in ends well. Any thread. Since 0.1.
REPRIEVE_API void reprieve_feature_free(struct reprieve_feature *feature);

// How many answers there are, one for each document. `count` (out, not NULL). Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_answers_count(const struct reprieve_answers *answers, size_t *count);

// The answer at an index, from 0. `answer` (in and out, not NULL): `struct_size` set. Statuses:
// REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_answers_get(const struct reprieve_answers *answers,
                                     size_t index,
                                     struct reprieve_answer *answer);

// The licence that a document is about: UTF-8 with a NUL behind it; NULL and 0 if it is about none or cannot be
// read. Borrowed: good until `answers` is freed. Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_answers_license(const struct reprieve_answers *answers,
                                         size_t index,
                                         const char **text,
                                         size_t *len);

// In English words, what is wrong with a document and what to do; empty if nothing is. UTF-8 with a NUL behind it.
// Borrowed: good until `answers` is freed. Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_answers_detail(const struct reprieve_answers *answers,
                                        size_t index,
                                        const char **text,
                                        size_t *len);

// Frees answers. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_answers_free(struct reprieve_answers *answers);

// An event's numbers. `info` (in and out, not NULL): `struct_size` set. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_event_get(const struct reprieve_event *event, struct reprieve_event_info *info);

// The licence that an event is about: UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good
// until the event is freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_event_license(const struct reprieve_event *event, const char **text, size_t *len);

// The feature that an event is about: UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good
// until the event is freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_event_feature(const struct reprieve_event *event, const char **text, size_t *len);

// What grants grace (a word of `reprieve_reason_str`); or, of a suspicion, its kind: "rolled_back", "leaped",
// "damaged", "put_back" or "moved". UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good
// until the event is freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_event_reason(const struct reprieve_event *event, const char **text, size_t *len);

// An appeal's text: UTF-8 with a NUL behind it; NULL and 0 if it does not apply. Borrowed: good until the event is
// freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_event_text(const struct reprieve_event *event, const char **text, size_t *len);

// Frees an event. NULL is a no-op. Freeing does not acknowledge. Any thread. Since 0.1.
REPRIEVE_API void reprieve_event_free(struct reprieve_event *event);

// The numbers. `info` (in and out, not NULL): `struct_size` set. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_ledger_status_get(const struct reprieve_ledger_status *status,
                                           struct reprieve_ledger_info *info);

// The ledger's id, as leases and rulings name it: UTF-8 with a NUL behind it. Borrowed: good until the status is
// freed. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_ledger_status_ledger_id(const struct reprieve_ledger_status *status,
                                                 const char **text,
                                                 size_t *len);

// Where the ledger lies: UTF-8 with a NUL behind it (a path that is no UTF-8 is shown as far as it is); NULL and 0
// in memory. Borrowed: good until the status is freed. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_ledger_status_folder(const struct reprieve_ledger_status *status,
                                              const char **text,
                                              size_t *len);

// The id of the policy in force: UTF-8 with a NUL behind it; NULL and 0 if there is none. Borrowed: good until the
// status is freed. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_ledger_status_policy(const struct reprieve_ledger_status *status,
                                              const char **text,
                                              size_t *len);

// The feature at an index, from 0, in the order of their names: its name, UTF-8 with a NUL behind it, borrowed until
// the status is freed; and the decision, as a check would answer.
//
// `text`, `len` (out, not NULL). `decision` (in and out, or NULL): `struct_size` set. Statuses:
// REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_ledger_status_feature(const struct reprieve_ledger_status *status,
                                               size_t index,
                                               const char **text,
                                               size_t *len,
                                               struct reprieve_decision *decision);

// All of it, as JSON: {"t", "clock", "ledger", "flags", "ledger_id", "folder", "generation", "records", "policy",
// "unproven", "features": [...]}, each feature as `reprieve_client_explain` gives it. More fields may follow.
//
// `json` (out, not NULL): owned by the caller. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_ledger_status_json(const struct reprieve_ledger_status *status,
                                            struct reprieve_bytes **json,
                                            struct reprieve_error **error);

// Frees a status. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_ledger_status_free(struct reprieve_ledger_status *status);

// The defaults, for the application file at a path (`reprieve.toml`, the same for every product and language of a
// vendor).
//
// `path`: UTF-8, `path_len` bytes. `builder` (out, not NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_APP if the file cannot be read or says something impossible. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_from_file(const char *path,
                                           size_t path_len,
                                           struct reprieve_builder **builder,
                                           struct reprieve_error **error);

// The defaults, for the text of an application file, as a product may have it built in. A relative folder in it
// counts from the process's current folder.
//
// `toml`: UTF-8, `toml_len` bytes. `builder` (out, not NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_APP if it says something impossible. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_from_toml(const char *toml,
                                           size_t toml_len,
                                           struct reprieve_builder **builder,
                                           struct reprieve_error **error);

// The ledger's folder, in place of the application file's or the platform's. `path`: UTF-8, `path_len` bytes. Any
// thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_set_folder(struct reprieve_builder *builder,
                                            const char *path,
                                            size_t path_len,
                                            struct reprieve_error **error);

// The witness's folder, which shows if the ledger is put back from a copy. `path`: UTF-8, `path_len` bytes. Any
// thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_set_witness(struct reprieve_builder *builder,
                                             const char *path,
                                             size_t path_len,
                                             struct reprieve_error **error);

// A ledger in memory, for read-only machines: it ends with the client, and every decision says so
// (REPRIEVE_FLAG_IN_MEMORY). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_set_in_memory(struct reprieve_builder *builder,
                                               struct reprieve_error **error);

// Who does upkeep: REPRIEVE_UPKEEP_IN_CHECKS (unless said) or REPRIEVE_UPKEEP_OWN. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_set_upkeep(struct reprieve_builder *builder,
                                            uint32_t upkeep,
                                            struct reprieve_error **error);

// How long a call waits for the ledger's lock, in milliseconds: 5000 unless said. After it, the call fails with
// REPRIEVE_STATUS_BUSY. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_set_lock_timeout(struct reprieve_builder *builder,
                                                  uint32_t milliseconds,
                                                  struct reprieve_error **error);

// Whether a ledger is made where none lies: 1 (yes, unless said) or 0 (then opening fails with
// REPRIEVE_STATUS_MISSING). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_set_create(struct reprieve_builder *builder,
                                            uint32_t create,
                                            struct reprieve_error **error);

// Opens the ledger, making it if none lies there. The builder stays as it is and may open again.
//
// `client` (out, not NULL): owned by the caller.
// Statuses: those of the 200s and 300s, and REPRIEVE_STATUS_APP. Nothing is created in the place of a file that
// cannot be opened. Any thread; waits for the disk, and for other processes at most the lock's timeout. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_builder_open(const struct reprieve_builder *builder,
                                      struct reprieve_client **client,
                                      struct reprieve_error **error);

// Frees a builder. NULL is a no-op. Clients that it opened stay open. Any thread. Since 0.1.
REPRIEVE_API void reprieve_builder_free(struct reprieve_builder *builder);

// Renews a client's leases with HTTP of the product's own. The endpoints are those of the application file, and of the
// newest `keys` document.
//
// `settings`: how long things last, or NULL. `renewer` (out, not NULL): owned by the caller; it keeps the ledger open
// until it is freed. Statuses: REPRIEVE_STATUS_STRUCT_SIZE. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_client_renewer(const struct reprieve_client *client,
                                        const struct reprieve_renewal_settings *settings,
                                        struct reprieve_renewer **renewer,
                                        struct reprieve_error **error);

// What to do next. Call it again after each task, when a wait has passed, and when an attempt has ended.
//
// A wait counts while the machine sleeps too, and most timers do not: poll once it is awake. Send a request as it
// says, follow no redirect, verify certificates by the name in the URL, and read no more than REPRIEVE_MAX_ANSWER
// bytes of the body; then call `reprieve_renewer_answered` or `reprieve_renewer_failed`. Two may run at once: a slow
// one does not keep the next from being sent.
//
// `task` (in and out, not NULL): `struct_size` set. `request` (out, not NULL): of REPRIEVE_RENEWAL_SEND, owned by the
// caller; else NULL.
// Statuses: REPRIEVE_STATUS_CLOSED once the client was closed: that is the end of it. All else that goes wrong stands
// in the diagnostics and is tried again later. Any thread; waits as `reprieve_client_import`. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewer_poll(const struct reprieve_renewer *renewer,
                                      struct reprieve_renewal_task *task,
                                      struct reprieve_http_request **request,
                                      struct reprieve_error **error);

// An attempt was answered, whatever the status. Documents in the body are imported.
//
// `attempt`: the task's. `status`: HTTP's, such as 200. `headers`: the answer's header fields as HTTP writes them,
// `Name: value`, one a line; `headers_len` bytes, NULL and 0 for none. `Retry-After`, `Date` and `ETag` are looked at; pass all.
// `body`: decoded, `body_len` bytes; one that is longer than REPRIEVE_MAX_ANSWER is REPRIEVE_FAILURE_TOO_LONG. An
// attempt that is over already is nothing.
// Statuses: REPRIEVE_STATUS_ARGUMENT if `status` is not 100 to 999. Any thread; waits as `reprieve_client_import`.
// Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewer_answered(const struct reprieve_renewer *renewer,
                                          uint64_t attempt,
                                          uint32_t status,
                                          const uint8_t *headers,
                                          size_t headers_len,
                                          const uint8_t *body,
                                          size_t body_len,
                                          struct reprieve_error **error);

// An attempt failed before there was a whole answer.
//
// `attempt`: the task's. `failure`: REPRIEVE_FAILURE_*. An attempt that is over already is nothing.
// Statuses: REPRIEVE_STATUS_ARGUMENT. Any thread; waits as `reprieve_client_import`. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewer_failed(const struct reprieve_renewer *renewer,
                                        uint64_t attempt,
                                        uint32_t failure,
                                        struct reprieve_error **error);

// The network is back, or another one is there: a pause after failures ends within some seconds. Poll after it. What
// the authority asked for (`Retry-After`) is kept. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewer_network_changed(const struct reprieve_renewer *renewer,
                                                 struct reprieve_error **error);

// A renewal is wanted though none is due: somebody pressed a button. Poll after it: it begins at once, or some seconds
// after the round before. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewer_renew_now(const struct reprieve_renewer *renewer,
                                           struct reprieve_error **error);

// How renewing stands: for a page of settings, or a support case. Does not wait for other calls.
//
// `state` (in and out, not NULL): `struct_size` set. `url` (out, or NULL): where the attempt that ended last went;
// owned by the caller, NULL if none has. `word` (out, or NULL): how it ended, such as "renewed", "no_dns", "status
// 302" or "answered: wrong_ledger", as the diagnostics say it; owned by the caller, NULL if none has. Any thread.
// Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewer_state(const struct reprieve_renewer *renewer,
                                       struct reprieve_renewal_state *state,
                                       struct reprieve_bytes **url,
                                       struct reprieve_bytes **word,
                                       struct reprieve_error **error);

// Frees a renewer: what still runs is nobody's any more, and another product has the turn. NULL is a no-op. Any
// thread. Since 0.1.
REPRIEVE_API void reprieve_renewer_free(struct reprieve_renewer *renewer);

// The method of HTTP, such as "POST", with a NUL behind it. Borrowed: good until the request is freed. Any thread.
// Since 0.1.
REPRIEVE_API
reprieve_status reprieve_http_request_method(const struct reprieve_http_request *request,
                                             const char **text,
                                             size_t *len);

// Where to: a URL, UTF-8 with a NUL behind it. Borrowed: good until the request is freed. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_http_request_url(const struct reprieve_http_request *request,
                                          const char **text,
                                          size_t *len);

// The body, with a NUL behind it that is not counted; `len` is 0 if there is none to send. Borrowed: good until the
// request is freed. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_http_request_body(const struct reprieve_http_request *request,
                                           const char **data,
                                           size_t *len);

// How many header fields there are to send. `count` (out, not NULL). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_http_request_header_count(const struct reprieve_http_request *request,
                                                   size_t *count);

// The header field at an index, from 0: its name and its value, each with a NUL behind it, borrowed until the request
// is freed. `name`, `name_len`, `value`, `value_len` (out, not NULL). Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any
// thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_http_request_header(const struct reprieve_http_request *request,
                                             size_t index,
                                             const char **name,
                                             size_t *name_len,
                                             const char **value,
                                             size_t *value_len);

// Frees a request. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_http_request_free(struct reprieve_http_request *request);

// Starts a thread that renews a client's leases, with the library's own HTTP: the platform's certificates and proxies.
// It ends when it is stopped or freed, and when the client is closed. Start one for each client.
//
// `settings`: how long things last, or NULL. `roots`: certificates of the vendor's own authorities in PEM, in place of
// those that the platform trusts; `roots_len` bytes, NULL and 0 for the platform's. On Android they have to be given.
// `proxy`: UTF-8, the URL of a proxy, `http://HOST:PORT`; "none" for none; NULL and 0 for what the platform says
// (`HTTPS_PROXY`, `NO_PROXY`; where they name none, Windows's settings, but for a script of a proxy's). `headers`: UTF-8,
// header fields for each request, such as `Authorization: ...`, one a line; NULL and 0 for none. `renewing` (out, not
// NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_UNSUPPORTED if this library was built without HTTP (Cargo feature `http`), and on Android
// without `roots`, as its verifier cannot be asked from here: then drive a `reprieve_renewer` with HTTP of your own.
// REPRIEVE_STATUS_ARGUMENT, REPRIEVE_STATUS_IO if the system gives no thread. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewing_start(const struct reprieve_client *client,
                                        const struct reprieve_renewal_settings *settings,
                                        const uint8_t *roots,
                                        size_t roots_len,
                                        const char *proxy,
                                        size_t proxy_len,
                                        const char *headers,
                                        size_t headers_len,
                                        struct reprieve_renewing **renewing,
                                        struct reprieve_error **error);

// The network is back, or another one is there: a pause after failures ends within some seconds. Does not wait. Any
// thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewing_network_changed(const struct reprieve_renewing *renewing,
                                                  struct reprieve_error **error);

// A renewal is wanted though none is due: somebody pressed a button. Does not wait. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewing_renew_now(const struct reprieve_renewing *renewing,
                                            struct reprieve_error **error);

// How renewing stands; or stood, when it was stopped. As `reprieve_renewer_state`.
//
// `state` (in and out, not NULL): `struct_size` set. `url` (out, or NULL), `word` (out, or NULL): of the attempt that
// ended last; owned by the caller, NULL if none has. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewing_state(const struct reprieve_renewing *renewing,
                                        struct reprieve_renewal_state *state,
                                        struct reprieve_bytes **url,
                                        struct reprieve_bytes **word,
                                        struct reprieve_error **error);

// Stops: waits for what is being written to the ledger, never for the network: an attempt that is under way is given
// up, and its thread ends by its time-out. So once renewing was started, this library stays loaded until the process
// ends, whoever unloads it. Once is enough; the handle stays good until it is freed. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_renewing_stop(const struct reprieve_renewing *renewing,
                                       struct reprieve_error **error);

// Frees renewals, and stops them first. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_renewing_free(struct reprieve_renewing *renewing);

// A drill that walks a scenario, on a simulated clock, in a temporary folder that goes with it.
//
// `scenario`: JSON, or TOML of the same shape; UTF-8, `scenario_len` bytes. `drill` (out, not NULL): owned by the
// caller. Statuses: REPRIEVE_STATUS_SCENARIO, with the step and key in the message. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_from_scenario(const char *scenario,
                                             size_t scenario_len,
                                             struct reprieve_drill **drill,
                                             struct reprieve_error **error);

// A drill on the real clock in a folder that stays, which other processes can open.
//
// `folder`: UTF-8. `policy`: the policy's claims as JSON, UTF-8; NULL and 0 for none. `drill` (out, not NULL): owned
// by the caller. Statuses: REPRIEVE_STATUS_EXISTS if a drill is there already; REPRIEVE_STATUS_SCENARIO if the
// policy is refused. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_create(const char *folder,
                                      size_t folder_len,
                                      const char *policy,
                                      size_t policy_len,
                                      struct reprieve_drill **drill,
                                      struct reprieve_error **error);

// Opens a drill that `reprieve_drill_create` made, in this process or another.
//
// `folder`: UTF-8. `drill` (out, not NULL): owned by the caller. Statuses: REPRIEVE_STATUS_MISSING if there is none.
// Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_open(const char *folder,
                                    size_t folder_len,
                                    struct reprieve_drill **drill,
                                    struct reprieve_error **error);

// How many steps the scenario has; 0 for a drill without one. `count` (out, not NULL). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_step_count(const struct reprieve_drill *drill,
                                          size_t *count,
                                          struct reprieve_error **error);

// Does the world's part of a step of the scenario, from 0, and says what the product has to do: then ask
// `reprieve_drill_client` for the client, as a step may close one and open another.
//
// `task` (out, not NULL): owned by the caller. Statuses: REPRIEVE_STATUS_ARGUMENT if there is no such step; or what
// the ledger says. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_step(const struct reprieve_drill *drill,
                                    size_t step,
                                    struct reprieve_task **task,
                                    struct reprieve_error **error);

// The client of the moment: a new handle that shares the drill's open ledger. `client` (out, not NULL): owned by the
// caller. Statuses: REPRIEVE_STATUS_CLOSED if a step failed to open one. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_client(const struct reprieve_drill *drill,
                                      struct reprieve_client **client,
                                      struct reprieve_error **error);

// A builder for another client on the drill's ledger, such as one that leaves upkeep to the product. `builder` (out,
// not NULL): owned by the caller. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_builder(const struct reprieve_drill *drill,
                                       struct reprieve_builder **builder,
                                       struct reprieve_error **error);

// Time passes, on the simulated clock of a scenario's drill. `seconds`: 0 or more. Statuses:
// REPRIEVE_STATUS_UNSUPPORTED on the real clock. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_advance(const struct reprieve_drill *drill,
                                       int64_t seconds,
                                       struct reprieve_error **error);

// Shifts the wall clock that the drill's clients see by so many seconds, back if negative. The machine's clock is
// never set. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_set_wall(const struct reprieve_drill *drill,
                                        int64_t seconds,
                                        struct reprieve_error **error);

// True time, which the drill's authority knows. `now` (out, not NULL). Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_now(const struct reprieve_drill *drill,
                                   struct reprieve_time *now,
                                   struct reprieve_error **error);

// Where the drill's files lie. `folder` (out, not NULL): UTF-8, owned by the caller. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_folder(const struct reprieve_drill *drill,
                                      struct reprieve_bytes **folder,
                                      struct reprieve_error **error);

// Issues a document as the drill's authority.
//
// `kind`: REPRIEVE_DOCUMENT_*. `claims`: JSON, UTF-8, as the kind has them, instants in seconds since 1970; `iat` is
// now unless given, `ledger` of a lease or ruling this drill's, `effective` of a revocation its `iat`. `signers`:
// how many people of role support sign an extension, 1 or more. `fault`: how it is broken: "malformed",
// "unknown_key", "bad_signature", "wrong_role" or "wrong_ledger"; NULL and 0 for a good one. `token` (out, not
// NULL): owned by the caller.
// Statuses: REPRIEVE_STATUS_ARGUMENT, REPRIEVE_STATUS_CLAIMS. Any thread. Since 0.1.
REPRIEVE_API
reprieve_status reprieve_drill_issue(const struct reprieve_drill *drill,
                                     uint32_t kind,
                                     const char *claims,
                                     size_t claims_len,
                                     uint32_t signers,
                                     const char *fault,
                                     size_t fault_len,
                                     struct reprieve_bytes **token,
                                     struct reprieve_error **error);

// The consumer by which a scenario's events are taken. Static text; never NULL. Any thread. Since 0.1.
REPRIEVE_API const char *reprieve_drill_consumer(void);

// Frees a drill, and its temporary folder if it has one: its own client is closed, and clients taken from it with
// that. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_drill_free(struct reprieve_drill *drill);

// What is to be done. `kind` (out, not NULL): REPRIEVE_TASK_*. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_task_kind(const struct reprieve_task *task, uint32_t *kind);

// Which outage is to be reported. `outage` (out, not NULL): REPRIEVE_OUTAGE_*; 0 if none is. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_task_outage(const struct reprieve_task *task, uint32_t *outage);

// The token that is to be imported, with a NUL behind it; NULL and 0 if none is. Borrowed: good until the task is
// freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_task_token(const struct reprieve_task *task, const char **token, size_t *len);

// The SKU that is to be checked, UTF-8 with a NUL behind it; NULL and 0 if none is. Borrowed: good until the task is
// freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_task_sku(const struct reprieve_task *task, const char **text, size_t *len);

// The feature that is to be checked, UTF-8 with a NUL behind it; NULL and 0 if none is. Borrowed: good until the
// task is freed. Any thread. Since 0.1.
REPRIEVE_API reprieve_status reprieve_task_feature(const struct reprieve_task *task, const char **text, size_t *len);

// Frees a task. NULL is a no-op. Any thread. Since 0.1.
REPRIEVE_API void reprieve_task_free(struct reprieve_task *task);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* REPRIEVE_H */
