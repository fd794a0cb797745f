// Any text as a question to Grenache's RPC and as its answer: refused with an error, or bounded; and what
// comes in a stream comes back the same from being written and read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "p2p/grenache/rpc_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace peerbook;
    using namespace peerbook::p2p;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string body(text);
    if (const auto question = read_rpc_question(body)) {
        PB_CHECK(question->rid.size() <= rpc_rid_bytes_max && question->fields.size() <= rpc_fields_max + 1,
                 "a question is bounded");
        std::string answer = rpc_error(question->rid, question->mistake);
        PB_CHECK(!read_rpc_sent(question->rid, 200, answer).ok(), "an error is no result");
    } else {
        PB_CHECK(!question.error().message.empty(), "an error says what is wrong");
    }
    (void)read_rpc_opened("r", 200, text);
    (void)read_rpc_sent("r", 200, text);
    if (const auto received = read_rpc_received("r", 200, text)) {
        PB_CHECK(received->data.size() <= rpc_chunk_bytes_max, "what is received is bounded");
        const std::string written = rpc_result("r", rpc_received_json(*received));
        const auto again = read_rpc_received("r", 200, written);
        PB_CHECK(again.ok() && again->data == received->data && again->at == received->at &&
                     again->is_end == received->is_end,
                 "what is received comes back the same");
    }
    return 0;
}
