#include "app/api/batch_codec.h"

#include <utility>

#include "app/api/order_drafts.h"
#include "base/codec.h"

namespace peerbook::app {

namespace {

constexpr std::uint64_t status_max = static_cast<std::uint64_t>(last_command_status);
constexpr std::uint64_t reason_max = static_cast<std::uint64_t>(exchange::last_reason);
// An answer is at most as large as the fills of one request can make it.
constexpr std::uint64_t fills_per_result_max = 1'000'000;
constexpr std::size_t smallest_fill_bytes = exchange::OrderId::size + 2;

std::uint8_t enum_value(Decoder& in, std::uint64_t max, const char* what) {
    const std::uint8_t value = in.u8();
    if (value > max) in.fail(what);
    return value;
}

}  // namespace

void encode_batch_request(const BatchRequest& request, Bytes& out) {
    Encoder encoder(out);
    encoder.varint(request.names.size());
    for (const std::string& name : request.names)
        encoder.text(name);
    encoder.varint(request.commands.size());
    for (const BatchCommand& command : request.commands) {
        encoder.varint(command.name);
        encoder.varint(command.nonce);
        exchange::encode_command_body(encoder, command.body);
    }
}

Result<SubmitRequest> decode_batch_request(ByteView bytes) {
    Decoder in(bytes);
    const std::uint64_t name_count = in.varint_max(intents_per_request_max, "too many account names");
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < name_count && in.ok(); ++i) {
        names.push_back(in.text(exchange::account_name_length_max, "an account name is too long"));
        if (in.ok() && !is_account_name(names.back()))
            in.fail("an account name is not made of a-z, 0-9, '.', '_', '-'");
    }
    const std::uint64_t count = in.varint_max(intents_per_request_max, "too many commands");
    SubmitRequest request;
    // A command has at least three bytes, so that a false count cannot make us allocate more than the input
    // is worth.
    request.intents.reserve(std::min<std::size_t>(static_cast<std::size_t>(count), in.remaining() / 3));
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        const std::uint64_t name = in.varint();
        if (in.ok() && name >= names.size()) in.fail("a name index is not in the list of names");
        const std::uint64_t nonce = in.varint();
        exchange::CommandBody body = exchange::decode_command_body(in);
        if (!in.ok()) break;
        Intent& intent = request.intents.emplace_back();
        intent.account = names[static_cast<std::size_t>(name)];
        if (nonce != 0) intent.nonce = nonce;
        intent.body = std::move(body);
    }
    if (in.ok() && count == 0) in.fail("the batch has no commands");
    if (Status status = in.finish(); !status.ok()) return status.error();
    return request;
}

std::string encode_batch_reply(const SubmitAnswer& answer) {
    Bytes out;
    out.reserve(16 + answer.results.size() * 12);
    Encoder encoder(out);
    encoder.u64(answer.block);
    encoder.varint(answer.results.size());
    for (const CommandResult& result : answer.results) {
        encoder.u8(static_cast<std::uint8_t>(result.status));
        encoder.u8(static_cast<std::uint8_t>(result.reason));
        encoder.varint(result.ref.nonce);
        encoder.svarint(result.filled.value());
        encoder.svarint(result.leaves.value());
        encoder.varint(result.fills.size());
        for (const FillView& fill : result.fills) {
            encoder.raw(fill.maker_order.view());
            encoder.svarint(fill.price.value());
            encoder.svarint(fill.quantity.value());
        }
    }
    return std::string(as_text(out));
}

Result<BatchReply> decode_batch_reply(ByteView bytes) {
    Decoder in(bytes);
    BatchReply reply;
    reply.block = in.u64();
    const std::uint64_t count = in.varint_max(intents_per_request_max, "too many results");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        BatchResult result;
        result.status = static_cast<CommandStatus>(enum_value(in, status_max, "unknown status"));
        result.reason = static_cast<exchange::Reason>(enum_value(in, reason_max, "unknown reason"));
        result.nonce = in.varint();
        result.filled = exchange::Quantity(in.svarint());
        result.leaves = exchange::Quantity(in.svarint());
        const std::uint64_t fills = in.varint_max(fills_per_result_max, "too many fills");
        if (in.ok() && fills > in.remaining() / smallest_fill_bytes) in.fail("fewer fills than announced");
        for (std::uint64_t k = 0; k < fills && in.ok(); ++k) {
            BatchFill fill;
            in.fixed(fill.maker_order);
            fill.price = exchange::Price(in.svarint());
            fill.quantity = exchange::Quantity(in.svarint());
            result.fills.push_back(fill);
        }
        reply.results.push_back(std::move(result));
    }
    if (Status status = in.finish(); !status.ok()) return status.error();
    return reply;
}

}  // namespace peerbook::app
