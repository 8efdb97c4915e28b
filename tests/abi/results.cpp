// The C++ classes where exceptions are turned off: every failure is a value.
#include <chrono>
#include <cstdio>
#include <string>

#include "reprieve.hpp"

#if REPRIEVE_EXCEPTIONS
#error "build this with -fno-exceptions"
#endif

namespace {

int failed = 0;
int checked = 0;

void expect(bool good, int line, const char *what) {
    ++checked;
    if (!good) {
        ++failed;
        std::fprintf(stderr, "results.cpp:%d: not so: %s\n", line, what);
    }
}
#define EXPECT(condition) expect(static_cast<bool>(condition), __LINE__, #condition)

constexpr const char *scenario = R"({"sku": "cad", "steps": [
    {"lease": {"license": "L1", "features": ["core"], "ttl": "24h"}}, {"report": "network"}]})";

// As a product without exceptions writes it.
reprieve::Result<reprieve::Decision> first_check(std::string_view text) {
    auto drill = reprieve::Drill::try_from_scenario(text);
    if (!drill) {
        return drill.error();
    }
    auto client = drill->try_client();
    auto task = drill->try_step(0);
    if (!client || !task) {
        return client ? task.error() : client.error();
    }
    if (auto answer = client->try_import(task->token); !answer) {
        return answer.error();
    }
    auto core = client->try_feature("cad", "core");
    if (!core) {
        return core.error();
    }
    return core->check();
}

void run() {
    using namespace std::chrono_literals;
    using reprieve::Status;
    const auto decision = first_check(scenario);
    EXPECT(decision && decision->allowed() && decision.status() == Status::ok);
    const auto wrong = first_check("{}");
    EXPECT(!wrong && wrong.status() == Status::scenario && std::string(wrong.error().what()).size() > 10);
    EXPECT(wrong.value_or(reprieve::Decision()).access() == reprieve::Access::unknown);

    auto drill = reprieve::Drill::try_from_scenario(scenario).value();
    EXPECT(*drill.try_step_count() == 2 && drill.try_now()->str() == "2026-01-01T00:00:00Z");
    EXPECT(drill.try_advance(1h) && !drill.try_advance(-1h) && drill.try_advance(-1h).status() == Status::argument);
    auto client = drill.try_client().value();
    EXPECT(!*client.try_next_event("tray"));
    EXPECT(client.try_import(drill.try_step(0)->token)->accepted);
    EXPECT(*client.try_report(reprieve::Outage::network) && !*client.try_report(reprieve::Outage::network));
    const auto event = client.try_next_event("tray");
    EXPECT(event && *event && !(*event)->at.str().empty() && client.try_acknowledge("tray", **event));
    EXPECT(client.try_next_event("no/consumer").status() == Status::argument);
    EXPECT(client.try_renew("").status() == Status::claims && client.try_renew("x")->size() == 1 && client.try_request()->body.size() > 10);
    EXPECT(client.try_status("cad")->features.size() == 1 && client.try_endpoints()->empty());
    EXPECT(client.try_appeal("L1", "").status() == Status::argument && client.try_appeal("L1", "Help.")->size() > 10);
    EXPECT(client.try_explain("cad", "core")->front() == '{' && client.try_diagnostics()->front() == '[');
    auto builder = drill.try_builder().value();
    EXPECT(builder.try_upkeep(reprieve::Upkeep::own) && builder.try_lock_timeout(100ms) && builder.try_create(false));
    EXPECT(builder.try_folder("").status() == Status::argument && builder.try_open()->check("cad", "core").allowed());
    EXPECT(reprieve::Client::try_open("/nowhere/reprieve.toml").status() == Status::app);
    EXPECT(client.try_close() && client.try_close() && client.try_upkeep().status() == Status::closed);
}

} // namespace

int main() {
    run();
    EXPECT(reprieve_handle_count() == 0);
    if (failed != 0) {
        std::fprintf(stderr, "results: %d of %d checks failed\n", failed, checked);
        return 1;
    }
    std::printf("results: %d checks\n", checked);
    return 0;
}
