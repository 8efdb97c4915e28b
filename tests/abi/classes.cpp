// The C++ classes: what they give, what they throw, what they free.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "reprieve.hpp"

namespace {

int failed = 0;
int checked = 0;

#define EXPECT(condition) \
    do { \
        ++checked; \
        if (!(condition)) { \
            ++failed; \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

std::size_t allocations = 0;

template <typename Call> reprieve::Status status_of(Call call) {
    try {
        call();
    } catch (const reprieve::Error &error) {
        EXPECT(std::string(error.what()).size() > 10);
        return error.status();
    }
    return reprieve::Status::ok;
}

constexpr const char *scenario = R"({"sku": "cad", "steps": [
    {"lease": {"license": "L1", "features": ["core"], "ttl": "24h"}}, {"advance": "12h"}, {"report": "network"}]})";

constexpr const char *app = R"(vendor = "acme"
secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
endpoints = ["https://a.example/renew", "https://b.example/renew"]
roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
)";

void renewals() {
    using namespace std::chrono_literals;
    using reprieve::Status;

    const auto client = reprieve::Builder::from_toml(app).in_memory().open();
    reprieve::RenewalSettings settings;
    settings.timeout = 2s;
    const auto renewer = client.renewer(settings);
    EXPECT(renewer.state().outcome == reprieve::Outcome::none && !renewer.state().next && renewer.state().word.empty());
    auto task = renewer.poll();
    EXPECT(task.kind == reprieve::RenewalKind::send && task.time == 2s && task.method == "POST" && task.body.front() == '{');
    EXPECT(task.headers.size() == 3 && task.headers[0].first == "Content-Type" && task.url.find("https://") == 0);
    EXPECT(renewer.state().is_busy);
    renewer.failed(task.attempt, reprieve::Failure::certificate);
    auto state = renewer.state();
    EXPECT(state.outcome == reprieve::Outcome::failed && state.failure == reprieve::Failure::certificate);
    EXPECT(state.word == to_string(state.failure) && state.url == task.url && state.ago < 1min && state.took < 1min);
    task = renewer.poll();
    renewer.answered(task.attempt, 503, "Retry-After: 120\r\n", "<html>");
    task = renewer.poll();
    EXPECT(task.kind == reprieve::RenewalKind::wait && task.time > 110s && task.url.empty());
    state = renewer.state();
    EXPECT(state.status == 503 && state.word == "status 503" && state.next && *state.next > 110s);
    EXPECT(status_of([&] { renewer.failed(task.attempt, reprieve::Failure::none); }) == Status::argument);
    EXPECT(status_of([&] { renewer.answered(task.attempt, 0, {}, {}); }) == Status::argument);
    renewer.network_changed();
    renewer.renew_now();

    reprieve::RenewingOptions options;
    options.proxy = "none";
    options.headers = "no name";
    EXPECT(status_of([&] { client.renewing(options); }) == Status::argument);
    options.headers = "X-Product: classes\n";
    if (const auto renewing = client.try_renewing(options)) {
        renewing->network_changed();
        renewing->renew_now();
        renewing->stop();
        EXPECT(!renewing->state().is_busy || renewing->state().outcome == reprieve::Outcome::none);
    } else {
        EXPECT(renewing.status() == Status::unsupported);
    }
    client.close();
    EXPECT(status_of([&] { renewer.poll(); }) == Status::closed);
}

void run() {
    using namespace std::chrono_literals;
    using reprieve::Access;
    using reprieve::Status;

    static_assert(std::is_nothrow_move_constructible_v<reprieve::Client>);
    static_assert(!std::is_copy_constructible_v<reprieve::Client>);
    static_assert(!std::is_convertible_v<reprieve::Decision, bool>);
    static_assert(!std::is_constructible_v<bool, reprieve::Decision>);
    static_assert(noexcept(std::declval<reprieve::Client>().check("", "")));

    auto drill = reprieve::Drill::from_scenario(scenario);
    auto client = drill.client();
    EXPECT(drill.step_count() == 3);
    EXPECT(drill.now().str() == "2026-01-01T00:00:00Z");
    EXPECT(drill.now().seconds() == reprieve::Time::Seconds(1767225600s));
    EXPECT(client.check("cad", "core").access() == Access::denied);
    EXPECT(client.check("cad", "core").state() == reprieve::State::unlicensed);

    const reprieve::Task task = drill.step(0);
    EXPECT(task.kind == reprieve::TaskKind::import);
    const reprieve::Answer answer = client.import(task.token);
    EXPECT(answer.accepted && answer.fresh && !answer.known && answer.kind == reprieve::Document::lease);
    EXPECT(answer.license == "L1" && answer.error == reprieve::Refusal::none);
    EXPECT(client.import(task.token).known);

    reprieve::Decision decision = client.check("cad", "core");
    EXPECT(decision.status() == Status::ok && decision.access() == Access::full && decision.state() == reprieve::State::licensed);
    EXPECT(decision.reason() == reprieve::Reason::none && decision.lease_end() && decision.lease_end()->str() == "2026-01-02T00:00:00Z");
    EXPECT(decision.lease_end()->nanoseconds() - decision.t()->nanoseconds() == 24h);
    EXPECT(decision.until() == decision.lease_end() && decision.flags().drill && !decision.flags().in_memory && !decision.stage());
    EXPECT(client.explain("cad", "core").find("\"rule\":\"J1.4\"") != std::string::npos);

    // Neither a name nor text: unknown, never a refusal, never thrown.
    EXPECT(client.check("cad", "").access() == Access::unknown);
    EXPECT(client.check("cad", std::string_view("a\0b", 3)).status() == Status::argument);
    EXPECT(client.check("cad", "\xff").access() == Access::unknown);
    EXPECT(status_of([&] { client.explain("cad", "\xff"); }) == Status::argument);

    EXPECT(client.report(reprieve::Outage::network));
    EXPECT(!client.report(reprieve::Outage::network));
    const reprieve::Request request = client.request();
    EXPECT(request.body.find(request.nonce) != std::string::npos);
    const std::string lease = drill.issue(reprieve::Document::lease,
                                          R"({"license":"L2","sku":"cad","features":{"extra":1798761600},"nonce":")" + request.nonce + "\"}");
    const auto answers = client.renew("{\"documents\":[\"" + lease + "\",\"x\"]}");
    EXPECT(answers.size() == 2 && answers[0].accepted && answers[0].fresh && !answers[1].accepted);
    EXPECT(answers.size() == 2 && !answers[1].detail.empty());
    EXPECT(!client.import(drill.issue(reprieve::Document::lease, "{}", 1, "bad_signature")).accepted);
    EXPECT(status_of([&] { drill.issue(reprieve::Document::lease, "{}", 1, "odd"); }) == Status::argument);
    EXPECT(status_of([&] { drill.issue(reprieve::Document::lease, "3"); }) == Status::claims);

    int events = 0;
    while (const auto event = client.next_event("drill")) {
        EXPECT(event->at.str().size() >= 20 && !to_string(event->kind).empty());
        client.acknowledge("drill", *event);
        ++events;
    }
    EXPECT(events > 2);
    EXPECT(status_of([&] { client.next_event("no/consumer"); }) == Status::argument);

    const reprieve::LedgerStatus status = client.status("cad");
    EXPECT(status.features.size() == 2 && status.features[0].first == "core" && status.features[1].first == "extra");
    EXPECT(status.ledger_id == client.ledger_id() && status.records > 0 && status.folder && status.json.front() == '{');
    EXPECT(client.head().find(status.ledger_id) != std::string::npos);
    EXPECT(client.appeal("L1", "Help.").find("Help.") != std::string::npos);
    EXPECT(!client.appeal(std::nullopt, "Help.").empty());
    EXPECT(client.endpoints().empty() && client.diagnostics().front() == '[');

    drill.advance(25h);
    decision = client.check("cad", "core");
    EXPECT(decision.state() == reprieve::State::expired || decision.state() == reprieve::State::grace);
    drill.set_wall(-1h);
    EXPECT(status_of([&] { drill.advance(-1s); }) == Status::argument);
    client.upkeep();

    // Another client on the same ledger, by a builder.
    const auto own = drill.builder().upkeep(reprieve::Upkeep::own).lock_timeout(100ms).create(false).open();
    EXPECT(own.check("cad", "extra").access() == Access::full);

    // A feature that is held: the same answers, without an allocation of this side's, whatever becomes of the client.
    static_assert(std::is_nothrow_move_constructible_v<reprieve::Feature> && !std::is_copy_constructible_v<reprieve::Feature>);
    static_assert(noexcept(std::declval<reprieve::Feature>().check()) && noexcept(std::declval<reprieve::Feature>().allowed()));
    static_assert(std::is_trivially_copyable_v<reprieve::Decision> && sizeof(reprieve::Decision) <= sizeof(reprieve_decision) + 8);
    reprieve::Feature extra = client.feature("cad", "extra");
    const std::size_t before = allocations;
    decision = extra.check();
    EXPECT(extra.allowed() && decision.allowed() && decision.status() == Status::ok);
    EXPECT(client.check("cad", "extra").access() == decision.access());
    EXPECT(allocations == before);
    EXPECT(decision.raw().struct_size == sizeof(reprieve_decision) && decision.raw().access == REPRIEVE_ACCESS_FULL);
    EXPECT(!client.feature("cad", "none").allowed() && client.feature("cad", "none").check().access() == Access::denied);
    EXPECT(status_of([&] { client.feature("cad", ""); }) == Status::argument);
    EXPECT(status_of([&] { client.feature("\xff", "extra"); }) == Status::argument);
    EXPECT(!reprieve::Decision().allowed() && reprieve::Decision().access() == Access::unknown && !reprieve::Decision().stage());

    // Results in place of exceptions.
    EXPECT(client.try_head().value() == client.head() && client.try_head().status() == Status::ok);
    const auto refused = client.try_feature("cad", "");
    EXPECT(!refused && !refused.has_value() && refused.status() == Status::argument && std::string(refused.error().what()).size() > 10);
    EXPECT(status_of([&] { refused.value(); }) == Status::argument);
    EXPECT(client.try_upkeep().has_value() && reprieve::check_abi());

    // Moved, cloned, closed.
    reprieve::Client clone = client.clone();
    reprieve::Client moved = std::move(client);
    EXPECT(client.check("cad", "core").status() == Status::null_pointer); // NOLINT: what was moved from gives errors
    EXPECT(status_of([&] { client.upkeep(); }) == Status::null_pointer);
    moved = std::move(clone);
    EXPECT(moved.check("cad", "extra").access() == Access::full);
    EXPECT(extra.allowed());
    moved.close();
    moved.close();
    EXPECT(extra.check().access() == Access::unknown && extra.check().status() == Status::ok && !extra.allowed());
    reprieve::Feature taken = std::move(extra);
    EXPECT(extra.check().status() == Status::null_pointer && !extra.allowed()); // NOLINT: as above
    EXPECT(moved.check("cad", "extra").access() == Access::unknown);
    EXPECT(status_of([&] { moved.upkeep(); }) == Status::closed);
    EXPECT(moved.explain("cad", "extra").find("closed") != std::string::npos);

    EXPECT(status_of([] { reprieve::Client::open("/nowhere/reprieve.toml"); }) == Status::app);
    EXPECT(status_of([] { reprieve::Builder::from_toml("vendor = 3"); }) == Status::app);
    EXPECT(status_of([] { reprieve::Drill::from_scenario("{}"); }) == Status::scenario);
    EXPECT(status_of([] { reprieve::Drill::open("/nowhere"); }) == Status::missing);
    EXPECT(to_string(Status::panic) == "panic" && to_string(static_cast<Status>(12345)) == "unrecognized");
    EXPECT(reprieve::Time(reprieve_time{INT64_MAX, 0, 1}).nanoseconds() == (reprieve::Time::Nanoseconds::max)());
}

} // namespace

void *operator new(std::size_t size) {
    ++allocations;
    if (void *made = std::malloc(size)) {
        return made;
    }
    throw std::bad_alloc();
}
void operator delete(void *made) noexcept { std::free(made); }
void operator delete(void *made, std::size_t) noexcept { std::free(made); }

int main() {
    run();
    renewals();
    EXPECT(reprieve_handle_count() == 0);
    if (failed != 0) {
        std::fprintf(stderr, "classes: %d of %d checks failed\n", failed, checked);
        return 1;
    }
    std::printf("classes: %d checks\n", checked);
    return 0;
}
