/*
 * Reprieve for C++17: a header over reprieve.h, with nothing to build and no other dependency.
 *
 *     #include <reprieve.hpp>
 *     #include <iostream>
 *
 *     int main(int argc, char **argv) {
 *         try {
 *             reprieve::Client client = reprieve::Client::open(argc > 1 ? argv[1] : "reprieve.toml");
 *             reprieve::Feature core = client.feature("cad", "core");
 *             const reprieve::Decision decision = core.check(); // in every frame
 *             std::cout << reprieve::to_string(decision.access()) << "\n";
 *             if (decision.access() == reprieve::Access::unknown) {
 *                 std::cout << client.explain("cad", "core") << "\n"; // could not be decided: this is no refusal
 *             }
 *         } catch (const reprieve::Error &error) {
 *             std::cerr << error.what() << "\n";
 *         }
 *     }
 *
 * Each call that can fail is there twice: `open` throws a reprieve::Error, `try_open` gives a reprieve::Result, which is a
 * value or an Error. Where exceptions are turned off, the second is there alone. A check can do neither: its decision has a
 * status. All classes can be moved, not copied; one that was moved from or closed gives errors, and nothing worse. Threads:
 * as in reprieve.h. Do not move or assign an object while another thread uses it.
 */

#ifndef REPRIEVE_HPP
#define REPRIEVE_HPP

#include "reprieve.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define REPRIEVE_EXCEPTIONS 1
#else
#define REPRIEVE_EXCEPTIONS 0
#endif

// Which file a library came from can be asked where that needs no library of its own.
#define REPRIEVE_DLADDR 0
#if defined(__APPLE__)
#undef REPRIEVE_DLADDR
#define REPRIEVE_DLADDR 1
#elif defined(__GLIBC__) && defined(_GNU_SOURCE)
#if __GLIBC__ > 2 || __GLIBC_MINOR__ >= 34
#undef REPRIEVE_DLADDR
#define REPRIEVE_DLADDR 1
#endif
#endif
#if REPRIEVE_DLADDR
#include <dlfcn.h>
#endif

namespace reprieve {

/// What a call came to.
enum class Status : std::uint32_t {
    ok = REPRIEVE_OK,
    argument = REPRIEVE_STATUS_ARGUMENT,
    app = REPRIEVE_STATUS_APP,
    scenario = REPRIEVE_STATUS_SCENARIO,
    claims = REPRIEVE_STATUS_CLAIMS,
    policy = REPRIEVE_STATUS_POLICY,
    wrong_key = REPRIEVE_STATUS_WRONG_KEY,
    missing = REPRIEVE_STATUS_MISSING,
    busy = REPRIEVE_STATUS_BUSY,
    read_only = REPRIEVE_STATUS_READ_ONLY,
    full = REPRIEVE_STATUS_FULL,
    no_folder = REPRIEVE_STATUS_NO_FOLDER,
    not_a_ledger = REPRIEVE_STATUS_NOT_A_LEDGER,
    newer = REPRIEVE_STATUS_NEWER,
    drill = REPRIEVE_STATUS_DRILL,
    exists = REPRIEVE_STATUS_EXISTS,
    damaged = REPRIEVE_STATUS_DAMAGED,
    io = REPRIEVE_STATUS_IO,
    closed = REPRIEVE_STATUS_CLOSED,
    unsupported = REPRIEVE_STATUS_UNSUPPORTED,
    too_large = REPRIEVE_STATUS_TOO_LARGE,
    internal = REPRIEVE_STATUS_INTERNAL,
    panic = REPRIEVE_STATUS_PANIC,
    null_pointer = REPRIEVE_STATUS_NULL_POINTER,
    invalid_handle = REPRIEVE_STATUS_INVALID_HANDLE,
    struct_size = REPRIEVE_STATUS_STRUCT_SIZE,
    buffer_too_small = REPRIEVE_STATUS_BUFFER_TOO_SMALL,
    out_of_range = REPRIEVE_STATUS_OUT_OF_RANGE,
    handles_exhausted = REPRIEVE_STATUS_HANDLES_EXHAUSTED
};

/// How much a product may do. `unknown` is no answer, and never a refusal.
enum class Access : std::uint32_t {
    unknown = REPRIEVE_ACCESS_UNKNOWN,
    denied = REPRIEVE_ACCESS_DENIED,
    limited = REPRIEVE_ACCESS_LIMITED,
    full = REPRIEVE_ACCESS_FULL
};

/// Where a feature stands; `none` if access is unknown.
enum class State : std::uint32_t {
    none = REPRIEVE_STATE_NONE,
    licensed = REPRIEVE_STATE_LICENSED,
    grace = REPRIEVE_STATE_GRACE,
    expired = REPRIEVE_STATE_EXPIRED,
    ledger_locked = REPRIEVE_STATE_LEDGER_LOCKED,
    clock_locked = REPRIEVE_STATE_CLOCK_LOCKED,
    revoked = REPRIEVE_STATE_REVOKED,
    not_entitled = REPRIEVE_STATE_NOT_ENTITLED,
    unlicensed = REPRIEVE_STATE_UNLICENSED
};

/// What grants grace; `none` outside grace.
enum class Reason : std::uint32_t {
    none = REPRIEVE_REASON_NONE,
    maintenance = REPRIEVE_REASON_MAINTENANCE,
    extension = REPRIEVE_REASON_EXTENSION,
    server = REPRIEVE_REASON_SERVER,
    network = REPRIEVE_REASON_NETWORK,
    unknown = REPRIEVE_REASON_UNKNOWN
};

/// What is known against the clock; `none` if nothing was read.
enum class ClockStanding : std::uint32_t {
    none = REPRIEVE_CLOCK_NONE,
    ok = REPRIEVE_CLOCK_OK,
    rolled_back = REPRIEVE_CLOCK_ROLLED_BACK,
    leaped = REPRIEVE_CLOCK_LEAPED
};

/// What is known against the ledger; `none` if nothing was read.
enum class LedgerStanding : std::uint32_t {
    none = REPRIEVE_LEDGER_NONE,
    ok = REPRIEVE_LEDGER_OK,
    suspect = REPRIEVE_LEDGER_SUSPECT,
    moved = REPRIEVE_LEDGER_MOVED
};

/// The kinds of document; `none` if it cannot be read or does not apply.
enum class Document : std::uint32_t {
    none = REPRIEVE_DOCUMENT_NONE,
    lease = REPRIEVE_DOCUMENT_LEASE,
    policy = REPRIEVE_DOCUMENT_POLICY,
    notice = REPRIEVE_DOCUMENT_NOTICE,
    extension = REPRIEVE_DOCUMENT_EXTENSION,
    revocation = REPRIEVE_DOCUMENT_REVOCATION,
    ruling = REPRIEVE_DOCUMENT_RULING,
    keys = REPRIEVE_DOCUMENT_KEYS
};

/// Why a document was refused; `none` if it was not.
enum class Refusal : std::uint32_t {
    none = REPRIEVE_REFUSAL_NONE,
    unknown_key = REPRIEVE_REFUSAL_UNKNOWN_KEY,
    bad_signature = REPRIEVE_REFUSAL_BAD_SIGNATURE,
    wrong_role = REPRIEVE_REFUSAL_WRONG_ROLE,
    unsupported = REPRIEVE_REFUSAL_UNSUPPORTED,
    malformed = REPRIEVE_REFUSAL_MALFORMED,
    wrong_ledger = REPRIEVE_REFUSAL_WRONG_LEDGER,
    wrong_policy = REPRIEVE_REFUSAL_WRONG_POLICY,
    stale = REPRIEVE_REFUSAL_STALE,
    approvals = REPRIEVE_REFUSAL_APPROVALS,
    over_limit = REPRIEVE_REFUSAL_OVER_LIMIT,
    unknown_license = REPRIEVE_REFUSAL_UNKNOWN_LICENSE
};

/// How a renewal failed.
enum class Outage : std::uint32_t { network = REPRIEVE_OUTAGE_NETWORK, server = REPRIEVE_OUTAGE_SERVER };

/// How an attempt to renew failed before there was an answer.
enum class Failure : std::uint32_t {
    none = 0,
    no_dns = REPRIEVE_FAILURE_NO_DNS,
    no_route = REPRIEVE_FAILURE_NO_ROUTE,
    timed_out = REPRIEVE_FAILURE_TIMED_OUT,
    refused = REPRIEVE_FAILURE_REFUSED,
    reset = REPRIEVE_FAILURE_RESET,
    certificate = REPRIEVE_FAILURE_CERTIFICATE,
    tls = REPRIEVE_FAILURE_TLS,
    protocol = REPRIEVE_FAILURE_PROTOCOL,
    too_long = REPRIEVE_FAILURE_TOO_LONG,
    local = REPRIEVE_FAILURE_LOCAL
};

/// How an attempt to renew ended; `none` if none has.
enum class Outcome : std::uint32_t {
    none = REPRIEVE_OUTCOME_NONE,
    renewed = REPRIEVE_OUTCOME_RENEWED,
    answered = REPRIEVE_OUTCOME_ANSWERED,
    failed = REPRIEVE_OUTCOME_FAILED,
    status = REPRIEVE_OUTCOME_STATUS,
    dropped = REPRIEVE_OUTCOME_DROPPED,
    reached = REPRIEVE_OUTCOME_REACHED,
    fetched = REPRIEVE_OUTCOME_FETCHED,
    unchanged = REPRIEVE_OUTCOME_UNCHANGED
};

/// What a driver of renewals does next.
enum class RenewalKind : std::uint32_t { wait = REPRIEVE_RENEWAL_WAIT, send = REPRIEVE_RENEWAL_SEND, abort = REPRIEVE_RENEWAL_ABORT };

/// What an event tells of. Skip a value that you do not know.
enum class EventKind : std::uint32_t {
    grace_started = REPRIEVE_EVENT_GRACE_STARTED,
    grace_ended = REPRIEVE_EVENT_GRACE_ENDED,
    access_changed = REPRIEVE_EVENT_ACCESS_CHANGED,
    grace_changed = REPRIEVE_EVENT_GRACE_CHANGED,
    grace_warning = REPRIEVE_EVENT_GRACE_WARNING,
    document_accepted = REPRIEVE_EVENT_DOCUMENT_ACCEPTED,
    document_refused = REPRIEVE_EVENT_DOCUMENT_REFUSED,
    clock_suspect = REPRIEVE_EVENT_CLOCK_SUSPECT,
    clock_restored = REPRIEVE_EVENT_CLOCK_RESTORED,
    ledger_suspect = REPRIEVE_EVENT_LEDGER_SUSPECT,
    ledger_restored = REPRIEVE_EVENT_LEDGER_RESTORED,
    ledger_recovered = REPRIEVE_EVENT_LEDGER_RECOVERED,
    appeal_filed = REPRIEVE_EVENT_APPEAL_FILED,
    appeal_received = REPRIEVE_EVENT_APPEAL_RECEIVED
};

/// Who does upkeep, which reads the clocks and the ledger and records what is due.
enum class Upkeep : std::uint32_t {
    /// Checks do it, at most every 10 ms.
    in_checks = REPRIEVE_UPKEEP_IN_CHECKS,
    /// The product calls `Client::upkeep` on a thread of its choice, every second or so; then a check never touches the disk. If
    /// none has run for 10 minutes, checks are unknown.
    own = REPRIEVE_UPKEEP_OWN
};

/// What a product has to do in a step of a drill's scenario.
enum class TaskKind : std::uint32_t {
    nothing = REPRIEVE_TASK_NOTHING,
    import = REPRIEVE_TASK_IMPORT,
    check = REPRIEVE_TASK_CHECK,
    report = REPRIEVE_TASK_REPORT,
    events = REPRIEVE_TASK_EVENTS
};

inline std::string_view to_string(Status value) noexcept { return reprieve_status_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Access value) noexcept { return reprieve_access_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(State value) noexcept { return reprieve_state_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Reason value) noexcept { return reprieve_reason_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(ClockStanding value) noexcept { return reprieve_clock_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(LedgerStanding value) noexcept { return reprieve_ledger_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Document value) noexcept { return reprieve_document_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Refusal value) noexcept { return reprieve_refusal_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Outage value) noexcept { return reprieve_outage_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(EventKind value) noexcept { return reprieve_event_kind_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Failure value) noexcept { return reprieve_failure_str(static_cast<std::uint32_t>(value)); }
inline std::string_view to_string(Outcome value) noexcept { return reprieve_outcome_str(static_cast<std::uint32_t>(value)); }

/// What went wrong with a call: `what()` says what happened, to which thing, and what to do next.
class Error : public std::runtime_error {
public:
    Error(Status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    /// For programs.
    Status status() const noexcept { return status_; }

private:
    Status status_;
};

namespace detail {

[[noreturn]] inline void fail(const Error &error) {
#if REPRIEVE_EXCEPTIONS
    throw error;
#else
    static_cast<void>(error);
    std::abort();
#endif
}

} // namespace detail

/// What a `try_` function gives: a value, or why there is none. As std::expected, which C++17 has not.
template <typename T> class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = Error;

    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    /// `ok` if there is a value.
    Status status() const noexcept { return has_value() ? Status::ok : error().status(); }
    /// Why there is no value. Only where there is none.
    const Error &error() const noexcept { return *std::get_if<1>(&held_); }

    /// Only where there is a value.
    T &operator*() & noexcept { return *std::get_if<0>(&held_); }
    const T &operator*() const & noexcept { return *std::get_if<0>(&held_); }
    T &&operator*() && noexcept { return std::move(*std::get_if<0>(&held_)); }
    T *operator->() noexcept { return std::get_if<0>(&held_); }
    const T *operator->() const noexcept { return std::get_if<0>(&held_); }

    /// The value; where there is none, throws the error (or ends the process, where there are no exceptions).
    T &value() & {
        need();
        return **this;
    }
    const T &value() const & {
        need();
        return **this;
    }
    T &&value() && {
        need();
        return *std::move(*this);
    }
    template <typename U> T value_or(U &&other) const & { return has_value() ? **this : static_cast<T>(std::forward<U>(other)); }
    template <typename U> T value_or(U &&other) && { return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other)); }

private:
    void need() const {
        if (!has_value()) {
            detail::fail(error());
        }
    }

    std::variant<T, Error> held_;
};

/// That a call was done, or why not.
template <> class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    using error_type = Error;

    Result() noexcept = default;
    Result(Error error) : error_(std::move(error)) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    /// `ok` if the call was done.
    Status status() const noexcept { return error_ ? error_->status() : Status::ok; }
    /// Why it was not done. Only where it was not.
    const Error &error() const noexcept { return *error_; }
    /// Where it was not done, throws the error (or ends the process, where there are no exceptions).
    void value() const {
        if (error_) {
            detail::fail(*error_);
        }
    }

private:
    std::optional<Error> error_;
};

namespace detail {

inline void release(reprieve_error *handle) noexcept { reprieve_error_free(handle); }
inline void release(reprieve_bytes *handle) noexcept { reprieve_bytes_free(handle); }
inline void release(reprieve_answers *handle) noexcept { reprieve_answers_free(handle); }
inline void release(reprieve_task *handle) noexcept { reprieve_task_free(handle); }
inline void release(reprieve_event *handle) noexcept { reprieve_event_free(handle); }
inline void release(reprieve_ledger_status *handle) noexcept { reprieve_ledger_status_free(handle); }
inline void release(reprieve_feature *handle) noexcept { reprieve_feature_free(handle); }
inline void release(reprieve_client *handle) noexcept { reprieve_client_free(handle); }
inline void release(reprieve_builder *handle) noexcept { reprieve_builder_free(handle); }
inline void release(reprieve_drill *handle) noexcept { reprieve_drill_free(handle); }
inline void release(reprieve_renewer *handle) noexcept { reprieve_renewer_free(handle); }
inline void release(reprieve_http_request *handle) noexcept { reprieve_http_request_free(handle); }
inline void release(reprieve_renewing *handle) noexcept { reprieve_renewing_free(handle); }

/// A handle that is freed once.
template <typename T> class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(T *handle) noexcept : handle_(handle) {}
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept {
        if (this != &other) {
            reset(std::exchange(other.handle_, nullptr));
        }
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { reset(nullptr); }
    T *get() const noexcept { return handle_; }
    /// Where a call puts a new handle; the old one is freed.
    T **put() noexcept {
        reset(nullptr);
        return &handle_;
    }

private:
    void reset(T *handle) noexcept {
        if (T *old = std::exchange(handle_, handle)) {
            release(old);
        }
    }

    T *handle_ = nullptr;
};

using ErrorHandle = Handle<reprieve_error>;
using BytesHandle = Handle<reprieve_bytes>;
using AnswersHandle = Handle<reprieve_answers>;

/// The error of a call that failed.
inline Error failure(reprieve_status status, const reprieve_error *error) {
    const char *text = nullptr;
    std::size_t len = 0;
    if (error != nullptr && reprieve_error_message(error, &text, &len) == REPRIEVE_OK) {
        return Error(static_cast<Status>(status), std::string(text, len));
    }
    return Error(static_cast<Status>(status), std::string("reprieve: ") + reprieve_status_str(status));
}

/// Calls, with an error object at the end of the arguments.
template <typename Function, typename... Arguments> Result<void> call(Function function, Arguments... arguments) {
    ErrorHandle error;
    const reprieve_status status = function(arguments..., error.put());
    return status == REPRIEVE_OK ? Result<void>() : Result<void>(failure(status, error.get()));
}

/// Calls what gives a handle, and makes an object of it.
template <typename Object, typename Function, typename... Arguments> Result<Object> made(Function function, Arguments... arguments) {
    ErrorHandle error;
    Object object(nullptr);
    const reprieve_status status = function(arguments..., object.handle_.put(), error.put());
    return status == REPRIEVE_OK ? Result<Object>(std::move(object)) : Result<Object>(failure(status, error.get()));
}

/// Calls what gives a text of its own.
template <typename Function, typename... Arguments> Result<std::string> text_of(Function function, Arguments... arguments) {
    ErrorHandle error;
    BytesHandle bytes;
    const char *data = nullptr;
    std::size_t len = 0;
    reprieve_status status = function(arguments..., bytes.put(), error.put());
    if (status == REPRIEVE_OK) {
        status = reprieve_bytes_get(bytes.get(), &data, &len);
    }
    return status == REPRIEVE_OK ? Result<std::string>(std::string(data, len)) : Result<std::string>(failure(status, error.get()));
}

/// Reads what a handle holds, and keeps the first status that is not good.
class Reader {
public:
    void read(reprieve_status status) noexcept {
        if (status_ == REPRIEVE_OK) {
            status_ = status;
        }
    }
    /// A borrowed text.
    template <typename Function, typename... Arguments> std::optional<std::string> text(Function function, Arguments... arguments) {
        const char *data = nullptr;
        std::size_t len = 0;
        read(function(arguments..., &data, &len));
        return data != nullptr ? std::optional<std::string>(std::string(data, len)) : std::nullopt;
    }
    /// The result, if all was read.
    template <typename T> Result<T> give(T value) const {
        return status_ == REPRIEVE_OK ? Result<T>(std::move(value)) : Result<T>(failure(status_, nullptr));
    }

private:
    reprieve_status status_ = REPRIEVE_OK;
};

inline const std::uint8_t *bytes(std::string_view text) noexcept { return reinterpret_cast<const std::uint8_t *>(text.data()); }

/// Where the library lies that was loaded, if the system can tell.
inline std::string library_file() {
#if REPRIEVE_DLADDR
    Dl_info info;
    // A text of the library's own: the address of a function may be one of the program's.
    if (dladdr(reprieve_version(), &info) != 0 && info.dli_fname != nullptr) {
        return info.dli_fname;
    }
#endif
    return "the reprieve library that was loaded";
}

inline std::string abi_text(std::uint32_t version) { return std::to_string(version >> 16) + "." + std::to_string(version & 0xffff); }

} // namespace detail

/// Whether the library that was loaded fits this header. What opens or makes something asks first, so that a program
/// which meets another library is told so, instead of failing in some odd way later.
inline Result<void> check_abi() {
    constexpr std::uint32_t built_for = (std::uint32_t{REPRIEVE_ABI_VERSION_MAJOR} << 16) | std::uint32_t{REPRIEVE_ABI_VERSION_MINOR};
    if (REPRIEVE_ABI_FITS()) {
        return {};
    }
    return Error(Status::unsupported, detail::library_file() + " (release " + reprieve_version() + ") has ABI version " +
                                          detail::abi_text(reprieve_abi_version()) + ", but this program was built for " +
                                          detail::abi_text(built_for) +
                                          "; install a library with that version, or a higher one with the same first number, or build the "
                                          "program with the header of that library");
}

namespace detail {

/// `made`, after a look at the ABI.
template <typename Object, typename Function, typename... Arguments> Result<Object> first(Function function, Arguments... arguments) {
    if (Result<void> fits = check_abi(); !fits) {
        return fits.error();
    }
    return made<Object>(function, arguments...);
}

} // namespace detail

/// An instant in UTC: any year, to the nanosecond.
class Time {
public:
    using Seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;
    using Nanoseconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

    Time() noexcept = default;
    explicit Time(const reprieve_time &time) noexcept : seconds_(time.seconds), nanos_(time.nanos) {}

    /// In whole seconds, rounded down.
    Seconds seconds() const noexcept { return Seconds(std::chrono::seconds(seconds_)); }
    /// The nanoseconds past them.
    std::chrono::nanoseconds nanos() const noexcept { return std::chrono::nanoseconds(nanos_); }
    /// To the nanosecond, which reaches from 1678 to 2262 only: an instant outside is the nearest one inside.
    Nanoseconds nanoseconds() const noexcept {
        constexpr std::int64_t last = INT64_MAX / 1000000000;
        if (seconds_ >= last) {
            return (Nanoseconds::max)();
        }
        if (seconds_ <= -last) {
            return (Nanoseconds::min)();
        }
        return Nanoseconds(std::chrono::nanoseconds(seconds_ * 1000000000 + nanos_));
    }
    /// RFC 3339, such as "2026-01-01T00:00:00Z".
    std::string str() const {
        char buffer[64];
        std::size_t len = 0;
        reprieve_time time;
        time.seconds = seconds_;
        time.nanos = nanos_;
        time.present = 1;
        // It cannot fail: the buffer is large enough, and the nanoseconds are the library's.
        return reprieve_time_format(&time, buffer, sizeof buffer, &len, nullptr) == REPRIEVE_OK ? std::string(buffer, len) : std::string();
    }

    friend bool operator==(const Time &a, const Time &b) noexcept { return a.seconds_ == b.seconds_ && a.nanos_ == b.nanos_; }
    friend bool operator!=(const Time &a, const Time &b) noexcept { return !(a == b); }
    friend bool operator<(const Time &a, const Time &b) noexcept {
        return a.seconds_ != b.seconds_ ? a.seconds_ < b.seconds_ : a.nanos_ < b.nanos_;
    }
    friend bool operator>(const Time &a, const Time &b) noexcept { return b < a; }
    friend bool operator<=(const Time &a, const Time &b) noexcept { return !(b < a); }
    friend bool operator>=(const Time &a, const Time &b) noexcept { return !(a < b); }

private:
    std::int64_t seconds_ = 0;
    std::uint32_t nanos_ = 0;
};

namespace detail {
inline std::optional<Time> time(const reprieve_time &time) noexcept {
    return time.present != 0 ? std::optional<Time>(Time(time)) : std::nullopt;
}
} // namespace detail

/// What there is to say of the ledger beside its standing.
struct Flags {
    /// It lies in memory and ends with the process.
    bool in_memory = false;
    /// A newer release wrote what this one does not know; nothing is appended.
    bool newer = false;
    /// It is a drill's.
    bool drill = false;
    /// It cannot be read or written at the moment.
    bool detached = false;

    Flags() noexcept = default;
    explicit Flags(std::uint32_t bits) noexcept
        : in_memory((bits & REPRIEVE_FLAG_IN_MEMORY) != 0), newer((bits & REPRIEVE_FLAG_NEWER) != 0),
          drill((bits & REPRIEVE_FLAG_DRILL) != 0), detached((bits & REPRIEVE_FLAG_DETACHED) != 0) {}
};

/// The answer to a check. There is no conversion to bool: denied and unknown are not the same.
class Decision {
public:
    /// Access is unknown.
    Decision() noexcept : raw_() { raw_.stage = REPRIEVE_STAGE_NONE; }
    explicit Decision(const reprieve_decision &raw) noexcept : raw_(raw) {}

    /// Whether the question could be asked. If it is not `ok`, access is unknown.
    Status status() const noexcept { return static_cast<Status>(status_); }
    /// What the product may do. Unknown is no refusal.
    Access access() const noexcept { return static_cast<Access>(raw_.access); }
    /// Whether access is limited or full. That it is not does not say that it is denied.
    bool allowed() const noexcept { return raw_.access >= REPRIEVE_ACCESS_LIMITED; }
    /// By which rule; `none` if access is unknown.
    State state() const noexcept { return static_cast<State>(raw_.state); }
    /// What grants grace; `none` outside grace.
    Reason reason() const noexcept { return static_cast<Reason>(raw_.reason); }
    /// The next instant at which access, state or reason changes if nothing else arrives.
    std::optional<Time> until() const noexcept { return detail::time(raw_.until); }
    /// The first later instant at which access is denied, if it is not now.
    std::optional<Time> ends() const noexcept { return detail::time(raw_.ends); }
    /// When the lease itself ends: grace is what comes after.
    std::optional<Time> lease_end() const noexcept { return detail::time(raw_.lease_end); }
    /// The time that it was decided at.
    std::optional<Time> t() const noexcept { return detail::time(raw_.t); }
    /// The stage of grace, counting from 0.
    std::optional<std::uint32_t> stage() const noexcept {
        return raw_.stage != REPRIEVE_STAGE_NONE ? std::optional<std::uint32_t>(raw_.stage) : std::nullopt;
    }
    /// What is known against the clock.
    ClockStanding clock() const noexcept { return static_cast<ClockStanding>(raw_.clock); }
    /// What is known against the ledger.
    LedgerStanding ledger() const noexcept { return static_cast<LedgerStanding>(raw_.ledger); }
    /// What else there is to say of the ledger.
    Flags flags() const noexcept { return Flags(raw_.flags); }
    /// As C has it.
    const reprieve_decision &raw() const noexcept { return raw_; }

private:
    friend class Feature;
    friend class Client;

    /// The library writes all of it, whatever a check comes to: so nothing is written twice.
    template <typename Check> static Decision made_by(Check check) noexcept {
        Decision decision{Unwritten()};
        decision.raw_.struct_size = sizeof decision.raw_;
        decision.status_ = check(&decision.raw_);
        return decision;
    }

    struct Unwritten {};
    explicit Decision(Unwritten) noexcept {}

    reprieve_decision raw_;
    reprieve_status status_ = REPRIEVE_OK;
};

/// What became of a document.
struct Answer {
    /// It is in force now.
    bool accepted = false;
    /// It was in force before; nothing changed.
    bool known = false;
    /// It is a lease that answered the newest request.
    bool fresh = false;
    /// Its kind, where it can be read.
    Document kind = Document::none;
    /// Why it was refused; `none` if it was accepted.
    Refusal error = Refusal::none;
    /// The licence that it is about, if there is one.
    std::optional<std::string> license;
    /// In English, what is wrong, and what to do.
    std::string detail;
};

/// A renewal request.
struct Request {
    /// What to send to the vendor's renewal server.
    std::string body;
    /// What the lease must echo.
    std::string nonce;
};

/// One event.
struct Event {
    /// The number of the record that it stands in. With `index` it names the event.
    std::uint64_t record = 0;
    /// Its place in that record.
    std::uint32_t index = 0;
    /// What it tells of.
    EventKind kind = EventKind::access_changed;
    /// The instant at which it took effect.
    Time at;
    /// The licence that it is about; as all that follows, only where it applies.
    std::optional<std::string> license;
    /// The feature that it is about.
    std::optional<std::string> feature;
    /// The new access.
    std::optional<Access> access;
    /// The new state.
    State state = State::none;
    /// What grants grace; or, of a suspicion, its kind.
    std::optional<std::string> reason;
    /// The warning threshold in force.
    std::optional<std::chrono::seconds> left;
    /// Which kind of document.
    Document document = Document::none;
    /// Why a document was refused.
    Refusal error = Refusal::none;
    /// An appeal's text.
    std::optional<std::string> text;
};

/// How a ledger stands.
struct LedgerStatus {
    /// The time.
    Time t;
    /// What is known against the clock.
    ClockStanding clock = ClockStanding::none;
    /// What is known against the ledger.
    LedgerStanding ledger = LedgerStanding::none;
    /// What else there is to say of it.
    Flags flags;
    /// The ledger's id, as leases and rulings name it.
    std::string ledger_id;
    /// Where it lies; none in memory.
    std::optional<std::string> folder;
    /// Which file of its line it is, counting from 0.
    std::uint64_t generation = 0;
    /// How many records it has.
    std::uint64_t records = 0;
    /// Accepted documents whose signatures do not hold with this product's keys. They give nothing.
    std::uint64_t unproven = 0;
    /// The id of the policy in force, if there is one.
    std::optional<std::string> policy;
    /// Its version; 0 if there is none.
    std::uint64_t policy_version = 0;
    /// Each feature with its decision, in the order of their names.
    std::vector<std::pair<std::string, Decision>> features;
    /// All of it, as JSON.
    std::string json;
};

/// A feature of a product, to ask about in every frame. It keeps its client's ledger open.
class Feature {
public:
    /// Takes a handle over.
    explicit Feature(reprieve_feature *handle) noexcept : handle_(handle) {}

    /// May the product use it now? As `Client::check`, and faster: it adds nothing to the call of C, `reprieve_feature_check`,
    /// which between two looks at the ledger takes no lock, no allocation and no system call. Throws nothing.
    Decision check() const noexcept {
        return Decision::made_by([this](reprieve_decision *into) { return reprieve_feature_check(get(), into, nullptr); });
    }

    /// Whether access is limited or full: see `Decision::allowed`.
    bool allowed() const noexcept { return check().allowed(); }

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_feature *get() const noexcept { return handle_.get(); }

private:
    template <typename Object, typename Function, typename... Arguments>
    friend Result<Object> detail::made(Function function, Arguments... arguments);

    detail::Handle<reprieve_feature> handle_;
};

/// How long things last when leases are renewed; 0 for what the library finds fit. Each from 1 ms to 49 days: see reprieve_renewal_settings.
struct RenewalSettings {
    std::chrono::milliseconds timeout{};
    std::chrono::milliseconds hedge{};
    std::chrono::milliseconds pause{};
    std::chrono::milliseconds pause_most{};
    std::chrono::milliseconds retry_after_most{};
    std::chrono::milliseconds answered{};
    std::chrono::milliseconds renewed{};
};

/// What the library's own HTTP trusts, and which way it goes.
struct RenewingOptions {
    RenewalSettings settings;
    /// Certificates of the vendor's own authorities, PEM, in place of those that the platform trusts.
    std::string roots;
    /// A proxy's URL; "none" for none; empty for what the platform says.
    std::string proxy;
    /// Header fields for each request, as HTTP writes them, one a line.
    std::string headers;
};

/// What a driver of renewals does next.
struct RenewalTask {
    RenewalKind kind = RenewalKind::wait;
    /// Names the attempt: to send, or to abort.
    std::uint64_t attempt = 0;
    /// To send: the attempt is over if there is no answer within so long. To wait: so long.
    std::chrono::milliseconds time{};
    /// To send, as all that follows.
    std::string method;
    std::string url;
    /// Names and values.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

/// How renewing stands.
struct RenewalState {
    /// Whether a round of attempts is under way.
    bool is_busy = false;
    /// In how long the next round begins, if that is known.
    std::optional<std::chrono::milliseconds> next;
    /// How the attempt that ended last did; as all that follows, only if one has.
    Outcome outcome = Outcome::none;
    Failure failure = Failure::none;
    /// HTTP's.
    std::uint32_t status = 0;
    Refusal refusal = Refusal::none;
    /// Where it went.
    std::string url;
    /// All of it in a word, such as "status 302" or "answered: wrong_ledger".
    std::string word;
    /// How long ago it ended.
    std::chrono::milliseconds ago{};
    /// How long it took.
    std::chrono::milliseconds took{};
};

namespace detail {

inline std::uint32_t milliseconds(std::chrono::milliseconds time) noexcept {
    const std::chrono::milliseconds::rep count = time.count(), most = UINT32_MAX;
    return static_cast<std::uint32_t>(count < 0 ? 0 : count > most ? most : count);
}

inline reprieve_renewal_settings settings(const RenewalSettings &from) noexcept {
    reprieve_renewal_settings made = {};
    made.struct_size = sizeof made;
    made.timeout = milliseconds(from.timeout);
    made.hedge = milliseconds(from.hedge);
    made.pause = milliseconds(from.pause);
    made.pause_most = milliseconds(from.pause_most);
    made.retry_after_most = milliseconds(from.retry_after_most);
    made.answered = milliseconds(from.answered);
    made.renewed = milliseconds(from.renewed);
    return made;
}

inline std::chrono::milliseconds duration(std::uint64_t count) noexcept {
    constexpr std::uint64_t most = INT64_MAX / 1000000;
    return std::chrono::milliseconds(static_cast<std::int64_t>(count < most ? count : most));
}

/// How a renewer, or what renews by itself, stands.
template <typename Function, typename T> Result<RenewalState> state(Function function, T *handle) {
    BytesHandle url;
    BytesHandle word;
    reprieve_renewal_state from = {};
    from.struct_size = sizeof from;
    if (auto called = call(function, handle, &from, url.put(), word.put()); !called) {
        return called.error();
    }
    Reader reader;
    RenewalState state;
    state.is_busy = from.is_busy != 0;
    if (from.has_next != 0) {
        state.next = duration(from.next_milliseconds);
    }
    state.outcome = static_cast<Outcome>(from.outcome);
    state.failure = static_cast<Failure>(from.failure);
    state.status = from.status;
    state.refusal = static_cast<Refusal>(from.refusal);
    state.ago = duration(from.ago_milliseconds);
    state.took = duration(from.took_milliseconds);
    if (url.get() != nullptr) {
        state.url = reader.text(reprieve_bytes_get, url.get()).value_or("");
        state.word = reader.text(reprieve_bytes_get, word.get()).value_or("");
    }
    return reader.give(std::move(state));
}

} // namespace detail

/// Renews a client's leases with HTTP of the product's own: see `reprieve_renewer`. Its calls may wait for the disk and for other processes.
class Renewer {
public:
    /// Takes a handle over.
    explicit Renewer(reprieve_renewer *handle) noexcept : handle_(handle) {}

    /// What to do next. `closed` once the client was closed.
    Result<RenewalTask> try_poll() const {
        detail::Handle<reprieve_http_request> request;
        reprieve_renewal_task from = {};
        from.struct_size = sizeof from;
        if (auto called = detail::call(reprieve_renewer_poll, get(), &from, request.put()); !called) {
            return called.error();
        }
        detail::Reader reader;
        RenewalTask task;
        task.kind = static_cast<RenewalKind>(from.kind);
        task.attempt = from.attempt;
        task.time = detail::duration(from.milliseconds);
        if (request.get() != nullptr) {
            std::size_t count = 0;
            task.method = reader.text(reprieve_http_request_method, request.get()).value_or("");
            task.url = reader.text(reprieve_http_request_url, request.get()).value_or("");
            task.body = reader.text(reprieve_http_request_body, request.get()).value_or("");
            reader.read(reprieve_http_request_header_count(request.get(), &count));
            for (std::size_t index = 0; index < count; ++index) {
                const char *name = nullptr, *value = nullptr;
                std::size_t name_len = 0, value_len = 0;
                reader.read(reprieve_http_request_header(request.get(), index, &name, &name_len, &value, &value_len));
                if (name != nullptr && value != nullptr) {
                    task.headers.emplace_back(std::string(name, name_len), std::string(value, value_len));
                }
            }
        }
        return reader.give(std::move(task));
    }

    /// An attempt was answered. `headers`: the answer's header fields as HTTP writes them, one a line.
    Result<void> try_answered(std::uint64_t attempt, std::uint32_t status, std::string_view headers, std::string_view body) const {
        return detail::call(
            reprieve_renewer_answered, get(), attempt, status, detail::bytes(headers), headers.size(), detail::bytes(body), body.size());
    }

    /// An attempt failed before there was a whole answer.
    Result<void> try_failed(std::uint64_t attempt, Failure failure) const {
        return detail::call(reprieve_renewer_failed, get(), attempt, static_cast<std::uint32_t>(failure));
    }

    /// The network is back, or another one is there. Poll after it.
    Result<void> try_network_changed() const { return detail::call(reprieve_renewer_network_changed, get()); }

    /// A renewal is wanted though none is due. Poll after it.
    Result<void> try_renew_now() const { return detail::call(reprieve_renewer_renew_now, get()); }

    /// How renewing stands. Does not wait.
    Result<RenewalState> try_state() const { return detail::state(reprieve_renewer_state, get()); }

#if REPRIEVE_EXCEPTIONS
    // The same, and a failure is thrown.
    RenewalTask poll() const { return try_poll().value(); }
    void answered(std::uint64_t attempt, std::uint32_t status, std::string_view headers, std::string_view body) const {
        try_answered(attempt, status, headers, body).value();
    }
    void failed(std::uint64_t attempt, Failure failure) const { try_failed(attempt, failure).value(); }
    void network_changed() const { try_network_changed().value(); }
    void renew_now() const { try_renew_now().value(); }
    RenewalState state() const { return try_state().value(); }
#endif

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_renewer *get() const noexcept { return handle_.get(); }

private:
    template <typename Object, typename Function, typename... Arguments>
    friend Result<Object> detail::made(Function function, Arguments... arguments);

    detail::Handle<reprieve_renewer> handle_;
};

/// Renewals under way on a thread of the library's, which ends with this object.
class Renewing {
public:
    /// Takes a handle over.
    explicit Renewing(reprieve_renewing *handle) noexcept : handle_(handle) {}

    /// The network is back, or another one is there. Does not wait.
    Result<void> try_network_changed() const { return detail::call(reprieve_renewing_network_changed, get()); }

    /// A renewal is wanted though none is due. Does not wait.
    Result<void> try_renew_now() const { return detail::call(reprieve_renewing_renew_now, get()); }

    /// How renewing stands, or stood when it was stopped.
    Result<RenewalState> try_state() const { return detail::state(reprieve_renewing_state, get()); }

    /// Stops: waits for what is being written to the ledger, never for the network.
    Result<void> try_stop() const { return detail::call(reprieve_renewing_stop, get()); }

#if REPRIEVE_EXCEPTIONS
    // The same, and a failure is thrown.
    void network_changed() const { try_network_changed().value(); }
    void renew_now() const { try_renew_now().value(); }
    RenewalState state() const { return try_state().value(); }
    void stop() const { try_stop().value(); }
#endif

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_renewing *get() const noexcept { return handle_.get(); }

private:
    template <typename Object, typename Function, typename... Arguments>
    friend Result<Object> detail::made(Function function, Arguments... arguments);

    detail::Handle<reprieve_renewing> handle_;
};

/// An open ledger.
class Client {
public:
    /// Takes a handle over.
    explicit Client(reprieve_client *handle) noexcept : handle_(handle) {}

    /// Opens the ledger of an application file with the defaults.
    static Result<Client> try_open(std::string_view app_file) {
        return detail::first<Client>(reprieve_client_open, app_file.data(), app_file.size());
    }

    /// Another object on the same open ledger.
    Result<Client> try_clone() const { return detail::made<Client>(reprieve_client_clone, get()); }

    /// A feature, to ask about again and again without naming it each time.
    Result<Feature> try_feature(std::string_view sku, std::string_view feature) const {
        return detail::made<Feature>(reprieve_client_feature, get(), sku.data(), sku.size(), feature.data(), feature.size());
    }

    /// May the product use this feature now? Never throws, never waits for another process. Good for every frame: between two
    /// looks at the ledger, some 10 ms apart (with `Upkeep::own`, between two upkeeps), the same decision is given again.
    Decision check(std::string_view sku, std::string_view feature) const noexcept {
        return Decision::made_by([&](reprieve_decision *into) {
            return reprieve_client_check(get(), sku.data(), sku.size(), feature.data(), feature.size(), into, nullptr);
        });
    }

    /// A check with all that stands behind it, as JSON: see `reprieve_client_explain`.
    Result<std::string> try_explain(std::string_view sku, std::string_view feature) const {
        return detail::text_of(reprieve_client_explain, get(), sku.data(), sku.size(), feature.data(), feature.size());
    }

    /// Imports a document; what is accepted is on disk before this returns.
    Result<Answer> try_import(std::string_view token) const {
        reprieve_answer answer = {};
        answer.struct_size = sizeof answer;
        detail::AnswersHandle details;
        if (auto called = detail::call(reprieve_client_import, get(), detail::bytes(token), token.size(), &answer, details.put()); !called) {
            return called.error();
        }
        detail::Reader reader;
        return reader.give(answer_at(reader, details, 0));
    }

    /// A renewal failed, in this way. Whether that was news.
    Result<bool> try_report(Outage outage) const {
        std::uint32_t news = 0;
        if (auto called = detail::call(reprieve_client_report, get(), static_cast<std::uint32_t>(outage), &news); !called) {
            return called.error();
        }
        return news != 0;
    }

    /// Makes a renewal request.
    Result<Request> try_request() const {
        detail::BytesHandle body;
        detail::BytesHandle nonce;
        if (auto called = detail::call(reprieve_client_request, get(), body.put(), nonce.put()); !called) {
            return called.error();
        }
        detail::Reader reader;
        Request request;
        request.body = reader.text(reprieve_bytes_get, body.get()).value_or("");
        request.nonce = reader.text(reprieve_bytes_get, nonce.get()).value_or("");
        return reader.give(std::move(request));
    }

    /// Takes the answer of the vendor's renewal server: one token, or JSON {"documents": [token, ...]}. `claims` if it is
    /// empty or its `documents` are no list of tokens; anything else is taken for a token, and refused as `malformed`.
    Result<std::vector<Answer>> try_renew(std::string_view answer) const {
        detail::AnswersHandle answers;
        std::uint32_t *const accepted = nullptr;
        if (auto called = detail::call(reprieve_client_renew, get(), detail::bytes(answer), answer.size(), accepted, answers.put()); !called) {
            return called.error();
        }
        detail::Reader reader;
        std::size_t count = 0;
        reader.read(reprieve_answers_count(answers.get(), &count));
        std::vector<Answer> list;
        for (std::size_t index = 0; index < count; ++index) {
            list.push_back(answer_at(reader, answers, index));
        }
        return reader.give(std::move(list));
    }

    /// The renewal servers of the application file, best first.
    Result<std::vector<std::string>> try_endpoints() const {
        std::size_t count = 0;
        if (auto called = detail::call(reprieve_client_endpoint_count, get(), &count); !called) {
            return called.error();
        }
        std::vector<std::string> list;
        for (std::size_t index = 0; index < count; ++index) {
            Result<std::string> endpoint = detail::text_of(reprieve_client_endpoint, get(), index);
            if (!endpoint) {
                return endpoint.error();
            }
            list.push_back(*std::move(endpoint));
        }
        return list;
    }

    /// Renews this client's leases with HTTP of the product's own.
    Result<Renewer> try_renewer(const RenewalSettings &settings = {}) const {
        const reprieve_renewal_settings made = detail::settings(settings);
        return detail::made<Renewer>(reprieve_client_renewer, get(), &made);
    }

    /// Starts a thread of the library's that renews this client's leases. `unsupported` if the library was built without HTTP.
    Result<Renewing> try_renewing(const RenewingOptions &options = {}) const {
        const reprieve_renewal_settings made = detail::settings(options.settings);
        return detail::made<Renewing>(
            reprieve_renewing_start, get(), &made, detail::bytes(options.roots), options.roots.size(), options.proxy.data(),
            options.proxy.size(), options.headers.data(), options.headers.size());
    }

    /// The next event that a consumer has not been given; none if there is none yet.
    Result<std::optional<Event>> try_next_event(std::string_view consumer) const {
        detail::Handle<reprieve_event> handle;
        if (auto called = detail::call(reprieve_client_next_event, get(), consumer.data(), consumer.size(), handle.put()); !called) {
            return called.error();
        }
        if (handle.get() == nullptr) {
            return std::optional<Event>();
        }
        detail::Reader reader;
        reprieve_event_info info = {};
        info.struct_size = sizeof info;
        reader.read(reprieve_event_get(handle.get(), &info));
        Event event;
        event.record = info.record;
        event.index = info.index;
        event.kind = static_cast<EventKind>(info.kind);
        event.at = Time(info.at);
        event.license = reader.text(reprieve_event_license, handle.get());
        event.feature = reader.text(reprieve_event_feature, handle.get());
        if (info.has_access != 0) {
            event.access = static_cast<Access>(info.access);
        }
        event.state = static_cast<State>(info.state);
        event.reason = reader.text(reprieve_event_reason, handle.get());
        if (info.has_left != 0) {
            event.left = std::chrono::seconds(info.left_seconds);
        }
        event.document = static_cast<Document>(info.document);
        event.error = static_cast<Refusal>(info.error);
        event.text = reader.text(reprieve_event_text, handle.get());
        return reader.give(std::optional<Event>(std::move(event)));
    }

    /// A consumer has dealt with an event, and with all before it.
    Result<void> try_acknowledge(std::string_view consumer, const Event &event) const {
        return detail::call(reprieve_client_acknowledge, get(), consumer.data(), consumer.size(), event.record, event.index);
    }

    /// All features of a SKU, as checks would answer, and how the ledger stands.
    Result<LedgerStatus> try_status(std::string_view sku) const {
        detail::Handle<reprieve_ledger_status> handle;
        if (auto called = detail::call(reprieve_client_status, get(), sku.data(), sku.size(), handle.put()); !called) {
            return called.error();
        }
        detail::Reader reader;
        reprieve_ledger_info info = {};
        info.struct_size = sizeof info;
        reader.read(reprieve_ledger_status_get(handle.get(), &info));
        LedgerStatus status;
        status.t = Time(info.t);
        status.clock = static_cast<ClockStanding>(info.clock);
        status.ledger = static_cast<LedgerStanding>(info.ledger);
        status.flags = Flags(info.flags);
        status.ledger_id = reader.text(reprieve_ledger_status_ledger_id, handle.get()).value_or("");
        status.folder = reader.text(reprieve_ledger_status_folder, handle.get());
        status.generation = info.generation;
        status.records = info.records;
        status.unproven = info.unproven;
        status.policy = reader.text(reprieve_ledger_status_policy, handle.get());
        status.policy_version = info.policy_version;
        for (std::size_t index = 0; index < info.features; ++index) {
            const char *name = nullptr;
            std::size_t len = 0;
            reprieve_decision decision = {};
            decision.struct_size = sizeof decision;
            reader.read(reprieve_ledger_status_feature(handle.get(), index, &name, &len, &decision));
            status.features.emplace_back(std::string(name != nullptr ? name : "", len), Decision(decision));
        }
        Result<std::string> json = detail::text_of(reprieve_ledger_status_json, handle.get());
        if (!json) {
            return json.error();
        }
        status.json = *std::move(json);
        return reader.give(std::move(status));
    }

    /// Files an appeal, about a licence or the ledger as such, and gives what to send to the vendor.
    Result<std::string> try_appeal(std::optional<std::string_view> license, std::string_view text) const {
        const char *name = license ? license->data() : nullptr;
        const std::size_t len = license ? license->size() : 0;
        return detail::text_of(reprieve_client_appeal, get(), name, len, text.data(), text.size());
    }

    /// Upkeep: reads the clocks and the ledger, and records what is due. With `Upkeep::own`, call it every second or so.
    Result<void> try_upkeep() const { return detail::call(reprieve_client_upkeep, get()); }

    /// The ledger's signed head.
    Result<std::string> try_head() const { return detail::text_of(reprieve_client_head, get()); }

    /// The ledger's id.
    Result<std::string> try_ledger_id() const { return detail::text_of(reprieve_client_ledger_id, get()); }

    /// What happened that nobody was told of, as JSON.
    Result<std::string> try_diagnostics() const { return detail::text_of(reprieve_client_diagnostics, get()); }

    /// Closes the ledger, for this object and its clones. Closing again is no error.
    Result<void> try_close() const { return detail::call(reprieve_client_close, get()); }

#if REPRIEVE_EXCEPTIONS
    // The same, and a failure is thrown.
    static Client open(std::string_view app_file) { return try_open(app_file).value(); }
    Client clone() const { return try_clone().value(); }
    Feature feature(std::string_view sku, std::string_view feature) const { return try_feature(sku, feature).value(); }
    std::string explain(std::string_view sku, std::string_view feature) const { return try_explain(sku, feature).value(); }
    Answer import(std::string_view token) const { return try_import(token).value(); }
    bool report(Outage outage) const { return try_report(outage).value(); }
    Request request() const { return try_request().value(); }
    std::vector<Answer> renew(std::string_view answer) const { return try_renew(answer).value(); }
    std::vector<std::string> endpoints() const { return try_endpoints().value(); }
    Renewer renewer(const RenewalSettings &settings = {}) const { return try_renewer(settings).value(); }
    Renewing renewing(const RenewingOptions &options = {}) const { return try_renewing(options).value(); }
    std::optional<Event> next_event(std::string_view consumer) const { return try_next_event(consumer).value(); }
    void acknowledge(std::string_view consumer, const Event &event) const { try_acknowledge(consumer, event).value(); }
    LedgerStatus status(std::string_view sku) const { return try_status(sku).value(); }
    std::string appeal(std::optional<std::string_view> license, std::string_view text) const { return try_appeal(license, text).value(); }
    void upkeep() const { try_upkeep().value(); }
    std::string head() const { return try_head().value(); }
    std::string ledger_id() const { return try_ledger_id().value(); }
    std::string diagnostics() const { return try_diagnostics().value(); }
    void close() const { try_close().value(); }
#endif

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_client *get() const noexcept { return handle_.get(); }

private:
    template <typename Object, typename Function, typename... Arguments>
    friend Result<Object> detail::made(Function function, Arguments... arguments);

    static Answer answer_at(detail::Reader &reader, const detail::AnswersHandle &answers, std::size_t index) {
        reprieve_answer from = {};
        from.struct_size = sizeof from;
        reader.read(reprieve_answers_get(answers.get(), index, &from));
        Answer answer;
        answer.accepted = from.accepted != 0;
        answer.known = from.known != 0;
        answer.fresh = from.fresh != 0;
        answer.kind = static_cast<Document>(from.kind);
        answer.error = static_cast<Refusal>(from.error);
        answer.license = reader.text(reprieve_answers_license, answers.get(), index);
        answer.detail = reader.text(reprieve_answers_detail, answers.get(), index).value_or("");
        return answer;
    }

    detail::Handle<reprieve_client> handle_;
};

/// How a ledger is opened.
class Builder {
public:
    /// Takes a handle over.
    explicit Builder(reprieve_builder *handle) noexcept : handle_(handle) {}

    /// The defaults, for an application file.
    static Result<Builder> try_from_file(std::string_view path) {
        return detail::first<Builder>(reprieve_builder_from_file, path.data(), path.size());
    }

    /// The defaults, for the text of an application file.
    static Result<Builder> try_from_toml(std::string_view toml) {
        return detail::first<Builder>(reprieve_builder_from_toml, toml.data(), toml.size());
    }

    /// The ledger's folder.
    Result<void> try_folder(std::string_view path) { return detail::call(reprieve_builder_set_folder, get(), path.data(), path.size()); }

    /// The witness's folder.
    Result<void> try_witness(std::string_view path) { return detail::call(reprieve_builder_set_witness, get(), path.data(), path.size()); }

    /// A ledger in memory.
    Result<void> try_in_memory() { return detail::call(reprieve_builder_set_in_memory, get()); }

    /// Who does upkeep.
    Result<void> try_upkeep(Upkeep upkeep) { return detail::call(reprieve_builder_set_upkeep, get(), static_cast<std::uint32_t>(upkeep)); }

    /// How long a call waits for the ledger's lock: from 0 to 49 days, 5 s unless said.
    Result<void> try_lock_timeout(std::chrono::milliseconds timeout) {
        using Count = std::chrono::milliseconds::rep;
        const Count count = timeout.count();
        const Count most = UINT32_MAX;
        const auto wait = static_cast<std::uint32_t>(count < 0 ? 0 : count > most ? most : count);
        return detail::call(reprieve_builder_set_lock_timeout, get(), wait);
    }

    /// Whether a ledger is made where none lies.
    Result<void> try_create(bool create) { return detail::call(reprieve_builder_set_create, get(), std::uint32_t{create ? 1U : 0U}); }

    /// Opens the ledger. The builder may open again.
    Result<Client> try_open() const { return detail::made<Client>(reprieve_builder_open, get()); }

#if REPRIEVE_EXCEPTIONS
    // The same, and a failure is thrown; in a chain, as `from_file(path).in_memory().open()`.
    static Builder from_file(std::string_view path) { return try_from_file(path).value(); }
    static Builder from_toml(std::string_view toml) { return try_from_toml(toml).value(); }
    Builder &folder(std::string_view path) { return done(try_folder(path)); }
    Builder &witness(std::string_view path) { return done(try_witness(path)); }
    Builder &in_memory() { return done(try_in_memory()); }
    Builder &upkeep(Upkeep upkeep) { return done(try_upkeep(upkeep)); }
    Builder &lock_timeout(std::chrono::milliseconds timeout) { return done(try_lock_timeout(timeout)); }
    Builder &create(bool create) { return done(try_create(create)); }
    Client open() const { return try_open().value(); }
#endif

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_builder *get() const noexcept { return handle_.get(); }

private:
    template <typename Object, typename Function, typename... Arguments>
    friend Result<Object> detail::made(Function function, Arguments... arguments);

#if REPRIEVE_EXCEPTIONS
    Builder &done(const Result<void> &result) {
        result.value();
        return *this;
    }
#endif

    detail::Handle<reprieve_builder> handle_;
};

/// What a product has to do in a step of a drill's scenario.
struct Task {
    TaskKind kind = TaskKind::nothing;
    /// To import.
    std::string token;
    /// To check.
    std::string sku;
    /// To check.
    std::string feature;
    /// To report.
    Outage outage = Outage::network;
};

/// A drill: its own authority, clock and ledger, and a normal client on them.
class Drill {
public:
    /// Takes a handle over.
    explicit Drill(reprieve_drill *handle) noexcept : handle_(handle) {}

    /// A drill that walks a scenario (JSON or TOML), on a simulated clock.
    static Result<Drill> try_from_scenario(std::string_view scenario) {
        return detail::first<Drill>(reprieve_drill_from_scenario, scenario.data(), scenario.size());
    }

    /// A drill on the real clock in a folder that stays. `policy`: the policy's claims as JSON.
    static Result<Drill> try_create(std::string_view folder, std::optional<std::string_view> policy = std::nullopt) {
        const char *text = policy ? policy->data() : nullptr;
        const std::size_t len = policy ? policy->size() : 0;
        return detail::first<Drill>(reprieve_drill_create, folder.data(), folder.size(), text, len);
    }

    /// Opens a drill that `create` made.
    static Result<Drill> try_open(std::string_view folder) {
        return detail::first<Drill>(reprieve_drill_open, folder.data(), folder.size());
    }

    /// The consumer by which a scenario's events are taken.
    static std::string_view consumer() noexcept { return reprieve_drill_consumer(); }

    /// How many steps the scenario has.
    Result<std::size_t> try_step_count() const {
        std::size_t count = 0;
        if (auto called = detail::call(reprieve_drill_step_count, get(), &count); !called) {
            return called.error();
        }
        return count;
    }

    /// Does the world's part of a step, and says what the product has to do.
    Result<Task> try_step(std::size_t at) const {
        detail::Handle<reprieve_task> handle;
        if (auto called = detail::call(reprieve_drill_step, get(), at, handle.put()); !called) {
            return called.error();
        }
        detail::Reader reader;
        std::uint32_t kind = 0;
        std::uint32_t outage = 0;
        reader.read(reprieve_task_kind(handle.get(), &kind));
        reader.read(reprieve_task_outage(handle.get(), &outage));
        Task task;
        task.kind = static_cast<TaskKind>(kind);
        if (outage != 0) {
            task.outage = static_cast<Outage>(outage);
        }
        task.token = reader.text(reprieve_task_token, handle.get()).value_or("");
        task.sku = reader.text(reprieve_task_sku, handle.get()).value_or("");
        task.feature = reader.text(reprieve_task_feature, handle.get()).value_or("");
        return reader.give(std::move(task));
    }

    /// The client of the moment. A step may close it and open another.
    Result<Client> try_client() const { return detail::made<Client>(reprieve_drill_client, get()); }

    /// A builder for another client on its ledger.
    Result<Builder> try_builder() const { return detail::made<Builder>(reprieve_drill_builder, get()); }

    /// Time passes, on a simulated clock.
    Result<void> try_advance(std::chrono::seconds by) const {
        return detail::call(reprieve_drill_advance, get(), static_cast<std::int64_t>(by.count()));
    }

    /// Shifts the wall clock that its clients see.
    Result<void> try_set_wall(std::chrono::seconds by) const {
        return detail::call(reprieve_drill_set_wall, get(), static_cast<std::int64_t>(by.count()));
    }

    /// True time.
    Result<Time> try_now() const {
        reprieve_time now = {};
        if (auto called = detail::call(reprieve_drill_now, get(), &now); !called) {
            return called.error();
        }
        return Time(now);
    }

    /// Where its files lie.
    Result<std::string> try_folder() const { return detail::text_of(reprieve_drill_folder, get()); }

    /// Issues a document: see `reprieve_drill_issue`.
    Result<std::string> try_issue(Document kind, std::string_view claims, std::uint32_t signers = 1,
                                  std::optional<std::string_view> fault = std::nullopt) const {
        const char *word = fault ? fault->data() : nullptr;
        const std::size_t len = fault ? fault->size() : 0;
        return detail::text_of(reprieve_drill_issue, get(), static_cast<std::uint32_t>(kind), claims.data(), claims.size(), signers, word, len);
    }

#if REPRIEVE_EXCEPTIONS
    // The same, and a failure is thrown.
    static Drill from_scenario(std::string_view scenario) { return try_from_scenario(scenario).value(); }
    static Drill create(std::string_view folder, std::optional<std::string_view> policy = std::nullopt) { return try_create(folder, policy).value(); }
    static Drill open(std::string_view folder) { return try_open(folder).value(); }
    std::size_t step_count() const { return try_step_count().value(); }
    Task step(std::size_t at) const { return try_step(at).value(); }
    Client client() const { return try_client().value(); }
    Builder builder() const { return try_builder().value(); }
    void advance(std::chrono::seconds by) const { try_advance(by).value(); }
    void set_wall(std::chrono::seconds by) const { try_set_wall(by).value(); }
    Time now() const { return try_now().value(); }
    std::string folder() const { return try_folder().value(); }
    std::string issue(Document kind, std::string_view claims, std::uint32_t signers = 1,
                      std::optional<std::string_view> fault = std::nullopt) const {
        return try_issue(kind, claims, signers, fault).value();
    }
#endif

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_drill *get() const noexcept { return handle_.get(); }

private:
    template <typename Object, typename Function, typename... Arguments>
    friend Result<Object> detail::made(Function function, Arguments... arguments);

    detail::Handle<reprieve_drill> handle_;
};

} // namespace reprieve

#endif // REPRIEVE_HPP
