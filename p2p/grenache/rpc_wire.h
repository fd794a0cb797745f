// Grenache's RPC, as its HTTP transport carries it: a question [rid, key, payload] by POST, an answer
// [rid, error or null, result]. And what nodes say by it to carry the bytes of a connection: "stream.open",
// "stream.send", "stream.receive", "stream.close" (PROTOCOL.md, "Grenache's RPC"). Pure; both sides are
// strangers, so that everything is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace peerbook::p2p {

inline constexpr std::size_t rpc_chunk_bytes_max = 128 * 1024;  // of a stream in one message
// Of a question and of an answer by nodes: a chunk in hexadecimal, and what is around it.
inline constexpr std::size_t rpc_body_bytes_max = 2 * rpc_chunk_bytes_max + 1'024;
inline constexpr std::size_t rpc_rid_bytes_max = 100;
inline constexpr std::size_t rpc_fields_max = 8;

using RpcStreamId = FixedBytes<struct RpcStreamIdTag, 16>;

// The name under which nodes of a network are found that serve the RPC: 20 lower-case hexadecimal digits, as
// service_name() and for the same reason. It is the `key` of each question.
std::string rpc_service_name(const Digest& network);

// --- for who serves ---

struct RpcQuestion {
    std::string rid, key;
    // The payload: a text is a method without fields, an object has a method and fields that are texts or
    // integers, kept as text.
    std::string method;
    std::map<std::string, std::string, std::less<>> fields;
    std::string mistake;  // of the payload; empty: none
};
// Error: invalid_input, there is no rid to answer to.
Result<RpcQuestion> read_rpc_question(std::string_view body);
// Precondition: `json` is JSON.
std::string rpc_result(std::string_view rid, std::string_view json);
std::string rpc_error(std::string_view rid, std::string_view error);

// --- of streams ---

struct RpcReceived {
    std::uint64_t at = 0;  // bytes of this direction in front of `data`
    Bytes data;
    bool is_end = false;  // nothing comes behind it
};
std::string rpc_opened_json(const RpcStreamId& stream);
std::string rpc_sent_json(std::uint64_t at);
std::string rpc_received_json(const RpcReceived& received);

// Each is a whole question. Precondition: at most rpc_chunk_bytes_max of data.
std::string rpc_open_body(std::string_view rid, std::string_view key);
std::string rpc_send_body(std::string_view rid, std::string_view key, const RpcStreamId& stream,
                          std::uint64_t at, ByteView data);
std::string rpc_receive_body(std::string_view rid, std::string_view key, const RpcStreamId& stream,
                             std::uint64_t at);
std::string rpc_close_body(std::string_view rid, std::string_view key, const RpcStreamId& stream);

// Errors of the three: unavailable (the other side answers with an error), corrupt (it is no such RPC, or
// answers another question), too_large.
Result<RpcStreamId> read_rpc_opened(std::string_view rid, unsigned http_status, std::string_view body);
// Gives how many bytes the other side has now.
Result<std::uint64_t> read_rpc_sent(std::string_view rid, unsigned http_status, std::string_view body);
Result<RpcReceived> read_rpc_received(std::string_view rid, unsigned http_status, std::string_view body);

}  // namespace peerbook::p2p
