// A product in C++ that does what a plan says, until it is killed: each step is announced before, and acknowledged after it returned.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "reprieve.hpp"

namespace {

/// One line, in one write: it is in the pipe whole, whatever becomes of this process.
void say(const std::string &line) {
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

std::string place(const reprieve::Event &event) { return std::to_string(event.record) + " " + std::to_string(event.index); }

std::string events(const reprieve::Client &client, const std::string &consumer, int most) {
    std::optional<reprieve::Event> last;
    int told = 0;
    for (; told < most; ++told) {
        std::optional<reprieve::Event> next = client.next_event(consumer);
        if (!next) {
            break;
        }
        say("event " + place(*next));
        last = std::move(next);
    }
    if (last) {
        client.acknowledge(consumer, *last);
        say("acked " + place(*last));
    }
    return std::to_string(told);
}

std::string step(const reprieve::Client &client, const std::string &consumer, std::istringstream &words) {
    std::string what, first, second;
    words >> what >> first >> second;
    if (what == "import") {
        std::ifstream in(first, std::ios::binary);
        const reprieve::Answer answer = client.import(std::string(std::istreambuf_iterator<char>(in), {}));
        return answer.known ? "known" : answer.accepted ? "accepted" : std::string(to_string(answer.error));
    }
    if (what == "appeal") {
        client.appeal(std::nullopt, second + " " + std::string(std::stoul(first), '.'));
        return "filed";
    }
    if (what == "use") {
        const reprieve::Decision decision = client.check(first, second);
        client.upkeep();
        return std::string(to_string(decision.access()));
    }
    if (what == "report") {
        return client.report(first == "server" ? reprieve::Outage::server : reprieve::Outage::network) ? "news" : "old";
    }
    return events(client, consumer, std::stoi(first));
}

} // namespace

int main(int count, char **arguments) {
    if (count != 4) {
        std::fputs("usage: writer APPLICATION-FILE CONSUMER PLAN\n", stderr);
        return 2;
    }
    try {
        const reprieve::Client client = reprieve::Builder::from_file(arguments[1]).lock_timeout(std::chrono::seconds(30)).open();
        say("open");
        std::ifstream plan(arguments[3]);
        for (std::string line; std::getline(plan, line);) {
            std::istringstream words(line);
            std::string number;
            words >> number;
            say("begin " + number);
            say("done " + number + " " + step(client, arguments[2], words));
        }
        client.close();
        return 0;
    } catch (const reprieve::Error &error) {
        std::fprintf(stderr, "writer.cpp: %s\n", error.what());
        return 1;
    }
}
