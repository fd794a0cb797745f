// Any bytes as rules and a stream of commands: the engine and the oracle of the model test agree on every
// event and on all state, and what is undone is as if it had never been.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/model/comparison.h"
#include "tests/model/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace peerbook::exchange::model;
    constexpr std::size_t bytes_max = 4'096;  // longer streams find nothing that shorter ones do not, later
    if (size > bytes_max) return 0;
    Reached reached;
    try {
        run(script_from({data, size}), reached);
    } catch (const Difference& difference) {
        std::fputs(difference.what(), stderr);
        std::abort();
    }
    return 0;
}
