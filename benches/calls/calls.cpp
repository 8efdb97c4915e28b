// `calls-cpp APP ROUNDS COUNT`: times batches of checks by the C++ wrapper and from C in turns, in nanoseconds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <reprieve.hpp>

#include "loops.h"

static std::uint64_t loop(const reprieve::Feature &feature, std::uint64_t count) {
    bool good = true;
    const std::uint64_t start = loops_now();
    for (std::uint64_t n = 0; n < count; n++) {
        good &= feature.check().access() == reprieve::Access::full;
    }
    return good ? loops_now() - start : 0;
}

int main(int argc, char **argv) {
    if (argc != 4 || !loops_open(argv[1])) {
        std::fputs("the ledger cannot be opened\n", stderr);
        return 1;
    }
    const reprieve::Client client = reprieve::Client::open(argv[1]);
    const reprieve::Feature feature = client.feature("cad", "core");
    const int rounds = std::atoi(argv[2]);
    const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
    for (int round = 0; round <= rounds; round++) {
        std::uint64_t ours = 0, c = 0;
        if (round % 2 == 0) {
            ours = loop(feature, count);
            c = loops_handle(count);
        } else {
            c = loops_handle(count);
            ours = loop(feature, count);
        }
        if (ours == 0 || c == 0) {
            std::fputs("a check went wrong\n", stderr);
            return 1;
        }
        if (round > 0) {
            std::printf("%llu %llu\n", static_cast<unsigned long long>(ours), static_cast<unsigned long long>(c));
        }
    }
}
