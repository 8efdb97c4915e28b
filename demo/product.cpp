// The C++ product of the demo: a command a line in, a line of JSON out.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "reprieve.hpp"

namespace {

std::string text(const std::optional<reprieve::Time> &time) { return time ? '"' + time->str() + '"' : "null"; }

/// A word, or null for none.
template <typename Word> std::string word(Word value) {
    return static_cast<std::uint32_t>(value) == 0 ? "null" : '"' + std::string(to_string(value)) + '"';
}

std::string line(const reprieve::Decision &decision) {
    std::string runway = "null";
    if (decision.ends() && decision.t()) {
        const std::chrono::duration<double> left = decision.ends()->nanoseconds() - decision.t()->nanoseconds();
        runway = std::to_string(left.count());
    }
    return "{\"t\":" + text(decision.t()) + ",\"access\":\"" + std::string(to_string(decision.access())) +
           "\",\"state\":" + word(decision.state()) + ",\"reason\":" + word(decision.reason()) +
           ",\"until\":" + text(decision.until()) + ",\"ends\":" + text(decision.ends()) + ",\"clock\":" + word(decision.clock()) +
           ",\"ledger\":" + word(decision.ledger()) + ",\"runway\":" + runway + "}";
}

std::string file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

std::string answer(const reprieve::Client &client, std::istringstream &words, const std::string &command) {
    std::string first, second;
    words >> first >> second;
    if (command == "check") {
        return line(client.check(first, second));
    }
    if (command == "import") {
        const reprieve::Answer imported = client.import(file(first));
        return std::string("{\"accepted\":") + (imported.accepted ? "true" : "false") + ",\"error\":" + word(imported.error) + "}";
    }
    if (command == "report") {
        const bool news = client.report(first == "server" ? reprieve::Outage::server : reprieve::Outage::network);
        return std::string("{\"news\":") + (news ? "true" : "false") + "}";
    }
    if (command == "request") {
        return "{\"nonce\":\"" + client.request().nonce + "\"}";
    }
    client.close();
    return "{\"closed\":true}";
}

} // namespace

int main(int count, char **arguments) {
    if (count != 2) {
        std::fputs("usage: product-cpp DRILL-FOLDER\n", stderr);
        return 2;
    }
    try {
        const reprieve::Drill drill = reprieve::Drill::open(arguments[1]);
        const reprieve::Client client = drill.client();
        std::string command, input;
        while (command != "quit" && std::getline(std::cin, input)) {
            std::istringstream words(input);
            words >> command;
            std::cout << answer(client, words, command) << std::endl;
        }
        return 0;
    } catch (const reprieve::Error &error) {
        std::fprintf(stderr, "product-cpp: %s\n", error.what());
        return 1;
    }
}
