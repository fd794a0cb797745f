// The routes of REST /api/v1, /health and /ready: from a request to calls of NodeService and PeerNetwork, and
// from their answers to JSON. Knows nothing of sockets. REST.md describes every endpoint.
//
// I/O thread only. handle() returns at once; the completion runs once, perhaps before handle() returns,
// perhaps long after the NativeApi is gone (it keeps alive what it needs; the NodeService must outlive its
// own completions).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/api/access.h"
#include "app/api/market_table.h"
#include "app/node/requests.h"
#include "base/time.h"
#include "p2p/peer_network.h"

namespace peerbook::app {

struct ApiRequest {
    std::string_view method;         // upper case
    std::string_view path;           // before the question mark, percent codes as sent
    std::string_view query;          // after it
    std::string_view host;           // header, empty if absent
    std::string_view authorization;  // header, empty if absent
    std::string_view content_type;   // header, empty if absent
    std::string_view origin;         // header, empty if absent
    std::string_view remote;         // address literal of the client, canonical
    std::string_view local;          // address literal at which it reached this server, canonical
    std::string body;                // JSON is parsed in place, so it is overwritten
};

struct ApiResponse {
    unsigned status = 200;
    const char* content_type = "application/json";
    std::string body;
    const char* allow = nullptr;  // with 405: the methods that exist
};

using ApiCompletion = std::function<void(ApiResponse)>;

// /ready needs no cookie: however often strangers ask, the node is asked this seldom.
inline constexpr Duration ready_time_max = Duration::milliseconds(100);

struct NativeApiOptions {
    PublicKey node;                       // this node's key: names of hosted accounts mean its accounts
    p2p::PeerNetwork* network = nullptr;  // null: peer-to-peer is switched off; else outlives the NativeApi
    // Lets an answer to /ready serve for ready_time_max; null: the node is asked each time.
    std::shared_ptr<const Clock> clock = nullptr;
};

class NativeApi {
  public:
    // `node` outlives every completion.
    NativeApi(NodeService& node, Access access, NativeApiOptions options);
    ~NativeApi();

    // Nothing if the request may go on, judged by its path and cookie alone; else the 401 to answer it with.
    // handle() asks the same again.
    std::optional<ApiResponse> refusal(const ApiRequest& request) const;
    // /health and /ready.
    static bool is_open_to_all(std::string_view path);

    // The request's views and body must stay alive until handle() returns.
    void handle(ApiRequest& request, ApiCompletion done);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

ApiResponse json_response(std::string body, unsigned status = 200);
ApiResponse text_response(unsigned status, std::string text);
ApiResponse method_not_allowed(const char* allow);
// The answer to a mistake, for handlers and for the HTTP server alike.
ApiResponse error_response(const struct ApiError& error);
ApiResponse error_response(ErrorCode code, std::string message);
unsigned http_status(ErrorCode code);

}  // namespace peerbook::app
