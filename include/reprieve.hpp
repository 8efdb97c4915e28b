/*
 * Reprieve for C++17: a header over reprieve.h, with nothing to build and no other dependency.
 *
 *     #include <reprieve.hpp>
 *     #include <iostream>
 *
 *     int main(int argc, char **argv) {
 *         try {
 *             reprieve::Client client = reprieve::Client::open(argc > 1 ? argv[1] : "reprieve.toml");
 *             const reprieve::Decision decision = client.check("cad", "core");
 *             std::cout << reprieve::to_string(decision.access) << "\n";
 *             if (decision.access == reprieve::Access::unknown) {
 *                 std::cout << client.explain("cad", "core") << "\n"; // could not be decided: this is no refusal
 *             }
 *         } catch (const reprieve::Error &error) {
 *             std::cerr << error.what() << "\n";
 *         }
 *     }
 *
 * Calls that fail throw reprieve::Error; `Client::check` throws nothing. All classes can be moved, not copied; one that was moved from or closed
 * gives errors, and nothing worse. Threads: as in reprieve.h. Do not move or assign an object while another thread uses it.
 */

#ifndef REPRIEVE_HPP
#define REPRIEVE_HPP

#include "reprieve.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    appeal_filed = REPRIEVE_EVENT_APPEAL_FILED
};

/// Who does upkeep.
enum class Upkeep : std::uint32_t { in_checks = REPRIEVE_UPKEEP_IN_CHECKS, own = REPRIEVE_UPKEEP_OWN };

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

/// A call failed: `what()` says what happened, to which thing, and what to do next.
class Error : public std::runtime_error {
public:
    Error(Status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    /// For programs.
    Status status() const noexcept { return status_; }

private:
    Status status_;
};

namespace detail {

inline void release(reprieve_error *handle) noexcept { reprieve_error_free(handle); }
inline void release(reprieve_bytes *handle) noexcept { reprieve_bytes_free(handle); }
inline void release(reprieve_answers *handle) noexcept { reprieve_answers_free(handle); }
inline void release(reprieve_task *handle) noexcept { reprieve_task_free(handle); }
inline void release(reprieve_event *handle) noexcept { reprieve_event_free(handle); }
inline void release(reprieve_ledger_status *handle) noexcept { reprieve_ledger_status_free(handle); }
inline void release(reprieve_client *handle) noexcept { reprieve_client_free(handle); }
inline void release(reprieve_builder *handle) noexcept { reprieve_builder_free(handle); }
inline void release(reprieve_drill *handle) noexcept { reprieve_drill_free(handle); }

/// A handle that is freed once.
template <typename T> class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(T *handle) noexcept : handle_(handle) {}
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept {
        if (this != &other) {
            release(std::exchange(handle_, std::exchange(other.handle_, nullptr)));
        }
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { release(handle_); }
    T *get() const noexcept { return handle_; }
    /// Where a call puts a new handle; the old one is freed.
    T **put() noexcept {
        release(std::exchange(handle_, nullptr));
        return &handle_;
    }

private:
    T *handle_ = nullptr;
};

using ErrorHandle = Handle<reprieve_error>;
using BytesHandle = Handle<reprieve_bytes>;
using AnswersHandle = Handle<reprieve_answers>;
using TaskHandle = Handle<reprieve_task>;
using EventHandle = Handle<reprieve_event>;
using StatusHandle = Handle<reprieve_ledger_status>;

/// Throws if a call failed.
inline void check(reprieve_status status, const ErrorHandle &error) {
    if (status == REPRIEVE_OK) {
        return;
    }
    const char *text = nullptr;
    std::size_t len = 0;
    if (error.get() != nullptr && reprieve_error_message(error.get(), &text, &len) == REPRIEVE_OK) {
        throw Error(static_cast<Status>(status), std::string(text, len));
    }
    throw Error(static_cast<Status>(status), std::string("reprieve: ") + reprieve_status_str(status));
}

inline void check(reprieve_status status) { check(status, ErrorHandle()); }

/// Calls, with an error object at the end of the arguments.
template <typename Function, typename... Arguments> void call(Function function, Arguments... arguments) {
    ErrorHandle error;
    const reprieve_status status = function(arguments..., error.put());
    check(status, error);
}

inline std::string text(const BytesHandle &bytes) {
    const char *data = nullptr;
    std::size_t len = 0;
    check(reprieve_bytes_get(bytes.get(), &data, &len));
    return std::string(data, len);
}

template <typename T> std::optional<std::string> text(reprieve_status (*getter)(const T *, const char **, std::size_t *), const T *handle) {
    const char *data = nullptr;
    std::size_t len = 0;
    check(getter(handle, &data, &len));
    if (data == nullptr) {
        return std::nullopt;
    }
    return std::string(data, len);
}

inline const std::uint8_t *bytes(std::string_view text) noexcept { return reinterpret_cast<const std::uint8_t *>(text.data()); }

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
        detail::call(reprieve_time_format, &time, buffer, sizeof buffer, &len);
        return std::string(buffer, len);
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
struct Decision {
    /// Whether the question could be asked. If it is not `ok`, access is unknown.
    Status status = Status::ok;
    Access access = Access::unknown;
    State state = State::none;
    Reason reason = Reason::none;
    /// The next instant at which access, state or reason changes if nothing else arrives.
    std::optional<Time> until;
    /// The first later instant at which access is denied, if it is not now.
    std::optional<Time> ends;
    /// When the lease itself ends: grace is what comes after.
    std::optional<Time> lease_end;
    /// The time that it was decided at.
    std::optional<Time> t;
    /// The stage of grace, counting from 0.
    std::optional<std::uint32_t> stage;
    ClockStanding clock = ClockStanding::none;
    LedgerStanding ledger = LedgerStanding::none;
    Flags flags;

    Decision() noexcept = default;
    Decision(reprieve_status called, const reprieve_decision &from) noexcept
        : status(static_cast<Status>(called)), access(static_cast<Access>(from.access)), state(static_cast<State>(from.state)),
          reason(static_cast<Reason>(from.reason)), until(detail::time(from.until)), ends(detail::time(from.ends)),
          lease_end(detail::time(from.lease_end)), t(detail::time(from.t)), clock(static_cast<ClockStanding>(from.clock)),
          ledger(static_cast<LedgerStanding>(from.ledger)), flags(from.flags) {
        if (from.stage != REPRIEVE_STAGE_NONE) {
            stage = from.stage;
        }
    }
};

/// What became of a document.
struct Answer {
    bool accepted = false;
    /// It was in force before; nothing changed.
    bool known = false;
    /// It is a lease that answered the newest request.
    bool fresh = false;
    Document kind = Document::none;
    Refusal error = Refusal::none;
    std::optional<std::string> license;
    /// What is wrong, and what to do.
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
    std::uint64_t record = 0;
    std::uint32_t index = 0;
    EventKind kind = EventKind::access_changed;
    /// The instant at which it took effect.
    Time at;
    std::optional<std::string> license;
    std::optional<std::string> feature;
    std::optional<Access> access;
    State state = State::none;
    /// What grants grace; or, of a suspicion, its kind.
    std::optional<std::string> reason;
    /// The warning threshold in force.
    std::optional<std::chrono::seconds> left;
    Document document = Document::none;
    Refusal error = Refusal::none;
    /// An appeal's text.
    std::optional<std::string> text;
};

/// How a ledger stands.
struct LedgerStatus {
    Time t;
    ClockStanding clock = ClockStanding::none;
    LedgerStanding ledger = LedgerStanding::none;
    Flags flags;
    std::string ledger_id;
    /// None in memory.
    std::optional<std::string> folder;
    std::uint64_t generation = 0;
    std::uint64_t records = 0;
    std::uint64_t unproven = 0;
    std::optional<std::string> policy;
    std::uint64_t policy_version = 0;
    /// Each feature with its decision, in the order of their names.
    std::vector<std::pair<std::string, Decision>> features;
    /// All of it, as JSON.
    std::string json;
};

/// An open ledger.
class Client {
public:
    /// Takes a handle over.
    explicit Client(reprieve_client *handle) noexcept : handle_(handle) {}

    /// Opens the ledger of an application file with the defaults.
    static Client open(std::string_view app_file) {
        Client client(nullptr);
        detail::call(reprieve_client_open, app_file.data(), app_file.size(), client.handle_.put());
        return client;
    }

    /// Another object on the same open ledger.
    Client clone() const {
        Client client(nullptr);
        detail::call(reprieve_client_clone, get(), client.handle_.put());
        return client;
    }

    /// May the product use this feature now? Never throws, never waits for another process. Good for every frame.
    Decision check(std::string_view sku, std::string_view feature) const noexcept {
        reprieve_decision decision = {};
        decision.struct_size = sizeof decision;
        const reprieve_status status =
            reprieve_client_check(get(), sku.data(), sku.size(), feature.data(), feature.size(), &decision, nullptr);
        return Decision(status, decision);
    }

    /// A check with all that stands behind it, as JSON: see `reprieve_client_explain`.
    std::string explain(std::string_view sku, std::string_view feature) const {
        detail::BytesHandle json;
        detail::call(reprieve_client_explain, get(), sku.data(), sku.size(), feature.data(), feature.size(), json.put());
        return detail::text(json);
    }

    /// Imports a document; what is accepted is on disk before this returns.
    Answer import(std::string_view token) const {
        reprieve_answer answer = {};
        answer.struct_size = sizeof answer;
        detail::AnswersHandle details;
        detail::call(reprieve_client_import, get(), detail::bytes(token), token.size(), &answer, details.put());
        return answer_at(details, 0);
    }

    /// A renewal failed, in this way. Whether that was news.
    bool report(Outage outage) const {
        std::uint32_t news = 0;
        detail::call(reprieve_client_report, get(), static_cast<std::uint32_t>(outage), &news);
        return news != 0;
    }

    /// Makes a renewal request.
    Request request() const {
        detail::BytesHandle body;
        detail::BytesHandle nonce;
        detail::call(reprieve_client_request, get(), body.put(), nonce.put());
        return Request{detail::text(body), detail::text(nonce)};
    }

    /// Takes the answer of the vendor's renewal server.
    std::vector<Answer> renew(std::string_view answer) const {
        detail::AnswersHandle answers;
        detail::call(reprieve_client_renew, get(), detail::bytes(answer), answer.size(), static_cast<std::uint32_t *>(nullptr),
                     answers.put());
        std::size_t count = 0;
        detail::check(reprieve_answers_count(answers.get(), &count));
        std::vector<Answer> list;
        for (std::size_t index = 0; index < count; ++index) {
            list.push_back(answer_at(answers, index));
        }
        return list;
    }

    /// The renewal servers of the application file, best first.
    std::vector<std::string> endpoints() const {
        std::size_t count = 0;
        detail::call(reprieve_client_endpoint_count, get(), &count);
        std::vector<std::string> list;
        for (std::size_t index = 0; index < count; ++index) {
            detail::BytesHandle endpoint;
            detail::call(reprieve_client_endpoint, get(), index, endpoint.put());
            list.push_back(detail::text(endpoint));
        }
        return list;
    }

    /// The next event that a consumer has not been given; none if there is none yet.
    std::optional<Event> next_event(std::string_view consumer) const {
        detail::EventHandle handle;
        detail::call(reprieve_client_next_event, get(), consumer.data(), consumer.size(), handle.put());
        if (handle.get() == nullptr) {
            return std::nullopt;
        }
        reprieve_event_info info = {};
        info.struct_size = sizeof info;
        detail::check(reprieve_event_get(handle.get(), &info));
        Event event;
        event.record = info.record;
        event.index = info.index;
        event.kind = static_cast<EventKind>(info.kind);
        event.at = Time(info.at);
        event.license = detail::text<reprieve_event>(reprieve_event_license, handle.get());
        event.feature = detail::text<reprieve_event>(reprieve_event_feature, handle.get());
        if (info.has_access != 0) {
            event.access = static_cast<Access>(info.access);
        }
        event.state = static_cast<State>(info.state);
        event.reason = detail::text<reprieve_event>(reprieve_event_reason, handle.get());
        if (info.has_left != 0) {
            event.left = std::chrono::seconds(info.left_seconds);
        }
        event.document = static_cast<Document>(info.document);
        event.error = static_cast<Refusal>(info.error);
        event.text = detail::text<reprieve_event>(reprieve_event_text, handle.get());
        return event;
    }

    /// A consumer has dealt with an event, and with all before it.
    void acknowledge(std::string_view consumer, const Event &event) const {
        detail::call(reprieve_client_acknowledge, get(), consumer.data(), consumer.size(), event.record, event.index);
    }

    /// All features of a SKU, as checks would answer, and how the ledger stands.
    LedgerStatus status(std::string_view sku) const {
        detail::StatusHandle handle;
        detail::call(reprieve_client_status, get(), sku.data(), sku.size(), handle.put());
        reprieve_ledger_info info = {};
        info.struct_size = sizeof info;
        detail::check(reprieve_ledger_status_get(handle.get(), &info));
        LedgerStatus status;
        status.t = Time(info.t);
        status.clock = static_cast<ClockStanding>(info.clock);
        status.ledger = static_cast<LedgerStanding>(info.ledger);
        status.flags = Flags(info.flags);
        status.ledger_id = detail::text<reprieve_ledger_status>(reprieve_ledger_status_ledger_id, handle.get()).value_or("");
        status.folder = detail::text<reprieve_ledger_status>(reprieve_ledger_status_folder, handle.get());
        status.generation = info.generation;
        status.records = info.records;
        status.unproven = info.unproven;
        status.policy = detail::text<reprieve_ledger_status>(reprieve_ledger_status_policy, handle.get());
        status.policy_version = info.policy_version;
        for (std::uint64_t index = 0; index < info.features; ++index) {
            const char *name = nullptr;
            std::size_t len = 0;
            reprieve_decision decision = {};
            decision.struct_size = sizeof decision;
            const auto at = static_cast<std::size_t>(index);
            detail::check(reprieve_ledger_status_feature(handle.get(), at, &name, &len, &decision));
            status.features.emplace_back(std::string(name, len), Decision(REPRIEVE_OK, decision));
        }
        detail::BytesHandle json;
        detail::call(reprieve_ledger_status_json, handle.get(), json.put());
        status.json = detail::text(json);
        return status;
    }

    /// Files an appeal, about a licence or the ledger as such, and gives what to send to the vendor.
    std::string appeal(std::optional<std::string_view> license, std::string_view text) const {
        detail::BytesHandle packet;
        const char *name = license ? license->data() : nullptr;
        const std::size_t len = license ? license->size() : 0;
        detail::call(reprieve_client_appeal, get(), name, len, text.data(), text.size(), packet.put());
        return detail::text(packet);
    }

    /// Upkeep, on a thread of the product's own.
    void upkeep() const { detail::call(reprieve_client_upkeep, get()); }

    /// The ledger's signed head.
    std::string head() const {
        detail::BytesHandle note;
        detail::call(reprieve_client_head, get(), note.put());
        return detail::text(note);
    }

    /// The ledger's id.
    std::string ledger_id() const {
        detail::BytesHandle id;
        detail::call(reprieve_client_ledger_id, get(), id.put());
        return detail::text(id);
    }

    /// What happened that nobody was told of, as JSON.
    std::string diagnostics() const {
        detail::BytesHandle json;
        detail::call(reprieve_client_diagnostics, get(), json.put());
        return detail::text(json);
    }

    /// Closes the ledger, for this object and its clones. Closing again is no error.
    void close() const { detail::call(reprieve_client_close, get()); }

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_client *get() const noexcept { return handle_.get(); }

private:
    static Answer answer_at(const detail::AnswersHandle &answers, std::size_t index) {
        reprieve_answer from = {};
        from.struct_size = sizeof from;
        detail::check(reprieve_answers_get(answers.get(), index, &from));
        Answer answer;
        answer.accepted = from.accepted != 0;
        answer.known = from.known != 0;
        answer.fresh = from.fresh != 0;
        answer.kind = static_cast<Document>(from.kind);
        answer.error = static_cast<Refusal>(from.error);
        const char *text = nullptr;
        std::size_t len = 0;
        detail::check(reprieve_answers_license(answers.get(), index, &text, &len));
        if (text != nullptr) {
            answer.license = std::string(text, len);
        }
        detail::check(reprieve_answers_detail(answers.get(), index, &text, &len));
        answer.detail = std::string(text, len);
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
    static Builder from_file(std::string_view path) {
        Builder builder(nullptr);
        detail::call(reprieve_builder_from_file, path.data(), path.size(), builder.handle_.put());
        return builder;
    }

    /// The defaults, for the text of an application file.
    static Builder from_toml(std::string_view toml) {
        Builder builder(nullptr);
        detail::call(reprieve_builder_from_toml, toml.data(), toml.size(), builder.handle_.put());
        return builder;
    }

    /// The ledger's folder.
    Builder &folder(std::string_view path) {
        detail::call(reprieve_builder_set_folder, get(), path.data(), path.size());
        return *this;
    }

    /// The witness's folder.
    Builder &witness(std::string_view path) {
        detail::call(reprieve_builder_set_witness, get(), path.data(), path.size());
        return *this;
    }

    /// A ledger in memory.
    Builder &in_memory() {
        detail::call(reprieve_builder_set_in_memory, get());
        return *this;
    }

    /// Who does upkeep.
    Builder &upkeep(Upkeep upkeep) {
        detail::call(reprieve_builder_set_upkeep, get(), static_cast<std::uint32_t>(upkeep));
        return *this;
    }

    /// How long a call waits for the ledger's lock: from 0 to 49 days, 5 s unless said.
    Builder &lock_timeout(std::chrono::milliseconds timeout) {
        using Count = std::chrono::milliseconds::rep;
        const Count count = timeout.count();
        const Count most = UINT32_MAX;
        const auto wait = static_cast<std::uint32_t>(count < 0 ? 0 : count > most ? most : count);
        detail::call(reprieve_builder_set_lock_timeout, get(), wait);
        return *this;
    }

    /// Whether a ledger is made where none lies.
    Builder &create(bool create) {
        detail::call(reprieve_builder_set_create, get(), static_cast<std::uint32_t>(create ? 1 : 0));
        return *this;
    }

    /// Opens the ledger. The builder may open again.
    Client open() const {
        reprieve_client *client = nullptr;
        detail::call(reprieve_builder_open, static_cast<const reprieve_builder *>(get()), &client);
        return Client(client);
    }

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_builder *get() const noexcept { return handle_.get(); }

private:
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
    static Drill from_scenario(std::string_view scenario) {
        Drill drill(nullptr);
        detail::call(reprieve_drill_from_scenario, scenario.data(), scenario.size(), drill.handle_.put());
        return drill;
    }

    /// A drill on the real clock in a folder that stays. `policy`: the policy's claims as JSON.
    static Drill create(std::string_view folder, std::optional<std::string_view> policy = std::nullopt) {
        Drill drill(nullptr);
        const char *text = policy ? policy->data() : nullptr;
        const std::size_t len = policy ? policy->size() : 0;
        detail::call(reprieve_drill_create, folder.data(), folder.size(), text, len, drill.handle_.put());
        return drill;
    }

    /// Opens a drill that `create` made.
    static Drill open(std::string_view folder) {
        Drill drill(nullptr);
        detail::call(reprieve_drill_open, folder.data(), folder.size(), drill.handle_.put());
        return drill;
    }

    /// The consumer by which a scenario's events are taken.
    static std::string_view consumer() noexcept { return reprieve_drill_consumer(); }

    /// How many steps the scenario has.
    std::size_t step_count() const {
        std::size_t count = 0;
        detail::call(reprieve_drill_step_count, get(), &count);
        return count;
    }

    /// Does the world's part of a step, and says what the product has to do.
    Task step(std::size_t at) const {
        detail::TaskHandle handle;
        detail::call(reprieve_drill_step, get(), at, handle.put());
        std::uint32_t kind = 0;
        std::uint32_t outage = 0;
        detail::check(reprieve_task_kind(handle.get(), &kind));
        detail::check(reprieve_task_outage(handle.get(), &outage));
        Task task;
        task.kind = static_cast<TaskKind>(kind);
        if (outage != 0) {
            task.outage = static_cast<Outage>(outage);
        }
        task.token = detail::text<reprieve_task>(reprieve_task_token, handle.get()).value_or("");
        task.sku = detail::text<reprieve_task>(reprieve_task_sku, handle.get()).value_or("");
        task.feature = detail::text<reprieve_task>(reprieve_task_feature, handle.get()).value_or("");
        return task;
    }

    /// The client of the moment. A step may close it and open another.
    Client client() const {
        reprieve_client *client = nullptr;
        detail::call(reprieve_drill_client, get(), &client);
        return Client(client);
    }

    /// A builder for another client on its ledger.
    Builder builder() const {
        reprieve_builder *builder = nullptr;
        detail::call(reprieve_drill_builder, get(), &builder);
        return Builder(builder);
    }

    /// Time passes, on a simulated clock.
    void advance(std::chrono::seconds by) const {
        detail::call(reprieve_drill_advance, get(), static_cast<std::int64_t>(by.count()));
    }

    /// Shifts the wall clock that its clients see.
    void set_wall(std::chrono::seconds by) const {
        detail::call(reprieve_drill_set_wall, get(), static_cast<std::int64_t>(by.count()));
    }

    /// True time.
    Time now() const {
        reprieve_time now = {};
        detail::call(reprieve_drill_now, get(), &now);
        return Time(now);
    }

    /// Where its files lie.
    std::string folder() const {
        detail::BytesHandle folder;
        detail::call(reprieve_drill_folder, get(), folder.put());
        return detail::text(folder);
    }

    /// Issues a document: see `reprieve_drill_issue`.
    std::string issue(Document kind, std::string_view claims, std::uint32_t signers = 1,
                      std::optional<std::string_view> fault = std::nullopt) const {
        detail::BytesHandle token;
        const char *word = fault ? fault->data() : nullptr;
        const std::size_t len = fault ? fault->size() : 0;
        detail::call(reprieve_drill_issue, get(), static_cast<std::uint32_t>(kind), claims.data(), claims.size(), signers, word, len,
                     token.put());
        return detail::text(token);
    }

    /// The handle, for calls of reprieve.h; still owned by this object.
    reprieve_drill *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<reprieve_drill> handle_;
};

} // namespace reprieve

#endif // REPRIEVE_HPP
