// Carries connections by Grenache's RPC, as the side that asks: HTTP POSTs to a node that serves the RPC
// (rpc_streams.h). One question that sends and one that waits for bytes are under way for each connection,
// each with at most rpc_chunk_bytes_max, so that what is held of one is bounded; the rest stays in the
// socket and holds its writer back. Any failure ends the connection, which is then made anew by its owner.
//
// I/O thread only.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "p2p/transport/stream_carrier.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

// More than rpc_receive_time_max (rpc_streams.h), for which an answer may be waited for.
inline constexpr Duration rpc_call_time_max = Duration::seconds(25);
// From the beginning of one question to that of the next of its kind, so that one connection asks 100 times a
// second at most.
inline constexpr Duration rpc_pause_min = Duration::milliseconds(20);

// `service`: rpc_service_name() of the network. `io` outlives the result.
std::unique_ptr<StreamCarrier> make_rpc_carrier(boost::asio::io_context& io, std::string service);

}  // namespace peerbook::p2p
