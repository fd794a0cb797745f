// One connection of the replay to one node's API, with typed questions and answers. Waits through the node's
// absence where told to: a node that is killed comes back with another cookie at the same address.
//
// One thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/api/batch_codec.h"
#include "app/cli/http_client.h"
#include "app/replay/record.h"
#include "base/result.h"
#include "exchange/market/market.h"

namespace peerbook::app::replay {

struct NodeAddress {
    std::string url;          // http://host:port or host:port
    std::string cookie_path;  // read at each connect; empty: no cookie is sent
};

struct NodeStatus {
    PublicKey node;
    std::uint64_t commits = 0, settled_commits = 0, unsettled_commands = 0;
    std::uint64_t commands_executed = 0, commands_replayed = 0, rollbacks = 0;
};

struct NodeDigests {
    std::uint64_t commits = 0, settled_commits = 0, settled_trades = 0;
    std::string settled_prefix, book, balances, state, trades;
};

struct AccountState {
    std::uint64_t next_nonce = 1;
    std::vector<exchange::Amount> available;  // one an asset of the network
};

struct BookTop {
    std::vector<MarketLevel> bids, asks;  // best first
};

// When a node does not answer, for how long to try again, and what to stop for.
struct Patience {
    Duration retry_for;
    const std::atomic<bool>* stop = nullptr;  // may be null; outlives the link
};

class NodeLink {
  public:
    // `timeout` bounds one request. Nothing is connected yet.
    NodeLink(NodeAddress address, Duration timeout, Patience patience);

    const std::string& url() const { return address_.url; }

    // The answer, and whether the batch was sent more than once: then commands rejected as nonce_used had
    // been executed before. Errors: unavailable or timed_out after the retries, invalid_input (the node
    // refuses it).
    struct Submitted {
        BatchReply reply;
        bool sent_again = false;
    };
    Result<Submitted> submit(const Bytes& batch);

    Result<exchange::NetworkRules> network();
    Result<NodeStatus> status();
    Result<NodeDigests> digests();
    // `account`: a name the node hosts, or an id in hex. Empty: the node does not know it.
    Result<std::optional<AccountState>> account(const std::string& account,
                                                const exchange::NetworkRules& rules);
    Result<BookTop> book(const exchange::MarketRules& market, std::size_t depth);
    // Returns when the node's block `seq` is settled; error timed_out if it is not within the node's own
    // limit.
    Status wait_settled(std::uint64_t seq);

  private:
    Result<HttpResponse> request(std::string_view method, const std::string& target, std::string_view type,
                                 std::string_view body, bool& sent_again);
    Result<HttpResponse> get(const std::string& target);

    NodeAddress address_;
    Duration timeout_;
    Patience patience_;
    std::unique_ptr<HttpClient> http_;
};

// Nodes of a directory made by scripts/testnet: DIR/testnet.json. Error: missing, malformed, no nodes.
Result<std::vector<NodeAddress>> read_testnet(const std::string& directory);

}  // namespace peerbook::app::replay
