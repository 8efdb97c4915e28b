// A product in C++ on a drill's ledger, of whichever release it is run with: it does what each line asks for, and answers with a line
// of JSON.

#include <reprieve.hpp>

#include <iostream>
#include <optional>
#include <string>

namespace {

using namespace reprieve;

std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + "\"";
}

std::string failure(const Error &error) {
    return "{\"status\":" + std::to_string(static_cast<unsigned>(error.status())) + ",\"message\":" + quoted(error.what()) + "}";
}

std::string events(const Client &client, const std::string &consumer) {
    std::string out = "[";
    while (const auto event = client.next_event(consumer)) {
        client.acknowledge(consumer, *event);
        out += (out.size() > 1 ? "," : "") + quoted(std::string(to_string(event->kind)) + " " + event->feature.value_or("-"));
    }
    return out + "]";
}

Document document(const std::string &word) {
    for (auto kind : {Document::lease, Document::notice, Document::extension}) {
        if (to_string(kind) == word) {
            return kind;
        }
    }
    return Document::none;
}

std::string answer(const Drill &drill, Client &client, const std::string &word, const std::string &rest) {
    if (word == "check") {
        return client.explain("cad", rest);
    }
    if (word == "status") {
        return client.status("cad").json;
    }
    if (word == "events") {
        return events(client, rest);
    }
    if (word == "report") {
        return client.report(rest == "network" ? Outage::network : Outage::server) ? "true" : "false";
    }
    if (word == "appeal") {
        client.appeal(std::nullopt, rest);
    } else if (word == "upkeep") {
        client.upkeep();
    } else if (word == "request") {
        client.request();
    } else if (word == "close") {
        client.close();
    } else if (word == "reopen") {
        client.close();
        client = drill.builder().open();
    } else {
        const Answer became = client.import(drill.issue(document(word), rest));
        return became.accepted ? "true" : quoted(became.detail);
    }
    return "true";
}

} // namespace

int main(int argc, char **argv) {
    try {
        if (argc < 2) {
            return 2;
        }
        // With a policy it makes the drill.
        const Drill drill = argc > 2 ? Drill::create(argv[1], argv[2]) : Drill::open(argv[1]);
        Client client = drill.builder().open();
        std::cout << "true" << std::endl;
        for (std::string line; std::getline(std::cin, line);) {
            const auto blank = line.find(' ');
            const std::string rest = blank == std::string::npos ? "" : line.substr(blank + 1);
            try {
                std::cout << answer(drill, client, line.substr(0, blank), rest) << std::endl;
            } catch (const Error &error) {
                std::cout << failure(error) << std::endl;
            }
        }
    } catch (const Error &error) {
        std::cout << failure(error) << std::endl;
    }
}
