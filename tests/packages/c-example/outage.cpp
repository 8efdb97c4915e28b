// As frame.c, in C++.
#include <reprieve.hpp>

#include <chrono>
#include <iostream>

constexpr const char *scenario = R"({"sku": "cad", "steps": [
    {"policy": {"schema": 1, "id": "acme", "version": 1, "default_tier": "basic",
     "tiers": {"basic": {"network": {"allowance": "14d"}}}}},
    {"lease": {"license": "L1", "features": ["core"], "ttl": "24h"}},
    {"report": "network"}]})";

int main() {
    try {
        const auto drill = reprieve::Drill::from_scenario(scenario);
        const auto client = drill.client();
        for (std::size_t step = 0; step < drill.step_count(); ++step) {
            const reprieve::Task task = drill.step(step);
            if (task.kind == reprieve::TaskKind::import) {
                client.import(task.token);
            } else if (task.kind == reprieve::TaskKind::report) {
                client.report(task.outage);
            }
        }
        const reprieve::Feature core = client.feature("cad", "core");
        for (int day = 0; day <= 20; day += 10) {
            const reprieve::Decision decision = core.check();
            std::cout << "day " << day << ": " << to_string(decision.access()) << ", " << to_string(decision.state()) << "\n";
            drill.advance(std::chrono::hours(240));
            client.upkeep();
        }
    } catch (const reprieve::Error &error) {
        std::cerr << "outage: " << error.what() << "\n";
        return 1;
    }
}
