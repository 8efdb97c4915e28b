// Walks scenarios and prints the lines that docs/semantics.md says: conformance FILE...
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "reprieve.hpp"

namespace {

using Text = std::optional<std::string_view>;

std::string quoted(std::string_view text) {
    std::string line = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        switch (byte) {
        case '"': line += "\\\""; break;
        case '\\': line += "\\\\"; break;
        case '\b': line += "\\b"; break;
        case '\f': line += "\\f"; break;
        case '\n': line += "\\n"; break;
        case '\r': line += "\\r"; break;
        case '\t': line += "\\t"; break;
        default:
            if (byte < 0x20) {
                char escape[8];
                std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
                line += escape;
            } else {
                line += character;
            }
        }
    }
    return line + "\"";
}

class Line {
public:
    explicit Line(std::size_t step) : line_("{\"step\":" + std::to_string(step)) {}
    Line &raw(std::string_view key, std::string_view value) {
        line_ += ",\"" + std::string(key) + "\":" + std::string(value);
        return *this;
    }
    Line &text(std::string_view key, Text value) { return raw(key, value ? quoted(*value) : "null"); }
    Line &text(std::string_view key, const std::optional<std::string> &value) {
        return raw(key, value ? quoted(*value) : "null");
    }
    Line &time(std::string_view key, const std::optional<reprieve::Time> &value) {
        return raw(key, value ? quoted(value->str()) : "null");
    }
    /// A word, or null for the value 0.
    template <typename Word> Line &word(std::string_view key, Word value) {
        return text(key, static_cast<std::uint32_t>(value) == 0 ? Text() : Text(to_string(value)));
    }
    void print() const { std::cout << line_ << "}\n"; }

private:
    std::string line_;
};

void walk(const char *path) {
    std::ifstream file(path, std::ios::binary);
    const std::string scenario{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto drill = reprieve::Drill::from_scenario(scenario);
    for (std::size_t step = 0; step < drill.step_count(); ++step) {
        const reprieve::Task task = drill.step(step);
        const reprieve::Client client = drill.client();
        switch (task.kind) {
        case reprieve::TaskKind::import: {
            const reprieve::Answer answer = client.import(task.token);
            Line(step)
                .word("document", answer.kind)
                .raw("accepted", answer.accepted ? "true" : "false")
                .word("error", answer.error)
                .print();
            break;
        }
        case reprieve::TaskKind::check: {
            const reprieve::Decision decision = client.check(task.sku, task.feature);
            Line(step)
                .time("t", decision.t())
                .text("sku", Text(task.sku))
                .text("feature", Text(task.feature))
                .text("access", Text(to_string(decision.access())))
                .word("state", decision.state())
                .word("reason", decision.reason())
                .time("until", decision.until())
                .time("ends", decision.ends())
                .word("clock", decision.clock())
                .word("ledger", decision.ledger())
                .print();
            break;
        }
        case reprieve::TaskKind::events:
            client.upkeep();
            while (const auto event = client.next_event(reprieve::Drill::consumer())) {
                Line(step)
                    .word("event", event->kind)
                    .time("at", event->at)
                    .text("license", event->license)
                    .text("feature", event->feature)
                    .text("access", event->access ? Text(to_string(*event->access)) : Text())
                    .word("state", event->state)
                    .text("reason", event->reason)
                    .raw("left", event->left ? std::to_string(event->left->count()) : "null")
                    .word("document", event->document)
                    .word("error", event->error)
                    .print();
                client.acknowledge(reprieve::Drill::consumer(), *event);
            }
            break;
        case reprieve::TaskKind::report: client.report(task.outage); break;
        case reprieve::TaskKind::nothing: break;
        }
    }
}

} // namespace

int main(int argc, char **argv) {
    try {
        for (int at = 1; at < argc; ++at) {
            walk(argv[at]);
        }
    } catch (const reprieve::Error &error) {
        std::cerr << to_string(error.status()) << ": " << error.what() << "\n";
        return 1;
    }
    if (reprieve_handle_count() != 0) {
        std::cerr << reprieve_handle_count() << " handles are left\n";
        return 1;
    }
    return 0;
}
