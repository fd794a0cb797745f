// Any text as a network file: it is refused with an error that names the input, or it is a network that comes
// back the same, with the same id, from being written and read. First byte: TOML or JSON.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "config/network_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace peerbook;
    if (size == 0) return 0;
    const bool is_json = data[0] % 2 == 1;
    const std::string text(data + 1, data + size);
    const Result<config::NetworkFile> network = config::parse_network_file(text, is_json, "input");
    if (!network.ok()) {
        PB_CHECK(network.error().message.starts_with("input"), "an error names the file");
        return 0;
    }
    const std::string written = config::to_toml(*network);
    const Result<config::NetworkFile> again = config::parse_network_file(written, false, "written");
    PB_CHECK(again.ok(), "what is written can be read");
    PB_CHECK(config::network_id(*again) == config::network_id(*network), "writing keeps the id");
    PB_CHECK(config::to_toml(*again) == written, "writing twice gives the same text");
    return 0;
}
