// The C++ product of the drill: checks ten times a second, and says what it is allowed, each line at once. Ends with its input.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "reprieve.hpp"

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: watcher APP_FILE\n");
        return 2;
    }
    try {
        const reprieve::Client client = reprieve::Client::open(argv[1]);
        for (;;) {
            const reprieve::Decision decision = client.check("cad", "core");
            std::printf("%s\n", std::string(to_string(decision.access())).c_str());
            if (std::fflush(stdout) != 0) {
                return 0;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "watcher: %s\n", error.what());
        return 1;
    }
}
