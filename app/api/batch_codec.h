// POST /api/v1/batch: many commands in one binary request, for programs that send hundreds of thousands a
// second. Encoded as base/codec.h says; both sides of the conversation are here.
//
//   request   varint n, n × text(≤ 64) hosted account names
//             varint n (≤ 4,096), each: varint name index, varint nonce (0: the node chooses), command body
//             as exchange/engine/command.h encodes it
//   answer    u64 block, varint n, each: u8 status, u8 reason, varint nonce, svarint filled lots, svarint
//   leaves
//             lots, varint n, n × (16 bytes maker order id, svarint price in ticks, svarint lots)
//
// Answers stand in the order of the commands. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/node/requests.h"

namespace peerbook::app {

struct BatchCommand {
    std::uint32_t name = 0;   // position in BatchRequest::names
    std::uint64_t nonce = 0;  // 0: the node chooses
    exchange::CommandBody body;
};

struct BatchRequest {
    std::vector<std::string> names;
    std::vector<BatchCommand> commands;
};

struct BatchFill {
    exchange::OrderId maker_order;
    exchange::Price price;
    exchange::Quantity quantity;
};

struct BatchResult {
    CommandStatus status = CommandStatus::done;
    exchange::Reason reason = exchange::Reason::none;
    std::uint64_t nonce = 0;
    exchange::Quantity filled;
    exchange::Quantity leaves;
    std::vector<BatchFill> fills;
};

struct BatchReply {
    std::uint64_t block = 0;
    std::vector<BatchResult> results;
};

// --- client
// -------------------------------------------------------------------------------------------------------

// Appends to `out`. Precondition: at most intents_per_request_max commands, names and indexes that fit.
void encode_batch_request(const BatchRequest& request, Bytes& out);
Result<BatchReply> decode_batch_reply(ByteView bytes);

// --- server
// -------------------------------------------------------------------------------------------------------

// Error: malformed bytes, too many commands, a name no account can have.
Result<SubmitRequest> decode_batch_request(ByteView bytes);
std::string encode_batch_reply(const SubmitAnswer& answer);

}  // namespace peerbook::app
