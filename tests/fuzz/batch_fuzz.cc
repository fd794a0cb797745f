// Any bytes as a binary batch and as the answer to one: refused, or it is bounded and can be written and read
// again without losing a command.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "app/api/batch_codec.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace peerbook;
    const ByteView bytes(data, size);
    if (const auto batch = app::decode_batch_request(bytes); batch.ok()) {
        PB_CHECK(!batch->intents.empty() && batch->intents.size() <= app::intents_per_request_max,
                 "a batch is bounded and not empty");
        app::BatchRequest request;
        for (const app::Intent& intent : batch->intents) {
            auto name = std::find(request.names.begin(), request.names.end(), intent.account);
            const auto index = static_cast<std::uint32_t>(name - request.names.begin());
            if (name == request.names.end()) request.names.push_back(intent.account);
            request.commands.push_back({index, intent.nonce.value_or(0), intent.body});
        }
        Bytes written;
        app::encode_batch_request(request, written);
        const auto again = app::decode_batch_request(written);
        PB_CHECK(again.ok(), "what is written can be read");
        PB_CHECK(again->intents.size() == batch->intents.size(), "no command is lost");
        for (std::size_t i = 0; i < batch->intents.size(); ++i)
            PB_CHECK(again->intents[i].account == batch->intents[i].account &&
                         again->intents[i].nonce == batch->intents[i].nonce &&
                         again->intents[i].body == batch->intents[i].body,
                     "each command keeps its name, nonce and body");
    }
    if (const auto reply = app::decode_batch_reply(bytes); reply.ok())
        PB_CHECK(reply->results.size() <= app::intents_per_request_max, "an answer is bounded");
    return 0;
}
