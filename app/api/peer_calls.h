// /api/v1/peers and what lies below it: the list of peers, sorted by any figure, and what their operator does
// with them. REST.md describes each call. The gate of the API has checked the cookie, which is its owner's.
//
// Answers at once; I/O thread only.
#pragma once

#include <string_view>
#include <vector>

#include "app/api/api_error.h"
#include "app/api/native_api.h"

namespace peerbook::app {

inline constexpr std::uint64_t ban_hours = 24, ban_hours_max = 10 * 365 * 24;

// `call` is the part of the path after peers/, empty for peers itself; null network: peer-to-peer is switched
// off.
ApiResponse answer_peer_call(ApiRequest& request, std::string_view call, p2p::PeerNetwork* network);

// In place, by one of the fields of a peer. Error: there is no such field, or `order` is neither "asc",
// "desc" nor empty (then figures fall and texts rise).
std::optional<ApiError> sort_peers(std::vector<p2p::PeerInfo>& peers, std::string_view field,
                                   std::string_view order);

// A whole id, or its beginning of at least 8 digits where just one of the peers has it. Error: not_found;
// invalid_input.
ApiResult<p2p::PeerId> find_peer_id(const std::vector<p2p::PeerInfo>& peers, std::string_view text);

}  // namespace peerbook::app
