// Answers as JSON text. Decimals and 64-bit integers are strings; ids and digests lower-case hex.
#pragma once

#include <string>
#include <vector>

#include "app/api/api_error.h"
#include "app/api/market_table.h"
#include "app/node/requests.h"
#include "p2p/peer_network.h"

namespace peerbook::app {

// {"code","message","field"?,"at"?}
std::string error_json(const ApiError& error);

// One result as an object; several, or where the request was an array, as {"results":[…]}.
std::string submit_json(const SubmitAnswer& answer, const MarketTable& markets, bool as_array);
// Null network: peer-to-peer is switched off.
std::string status_json(const StatusAnswer& status, const std::string& network_name,
                        const p2p::PeerNetwork* network);
std::string ledgers_json(const LedgersAnswer& ledgers);
std::string given_up_json(const GivenUpLedger& ledger);
std::string fork_json(const ForkAnswer& fork);
std::string digests_json(const DigestsAnswer& digests);
std::string book_json(const BookAnswer& book, const MarketTable& markets, bool with_orders);
std::string trades_json(const TradesAnswer& trades, const MarketTable& markets);
std::string orders_json(const OrdersAnswer& orders, const MarketTable& markets);
std::string order_json(const OrderAnswer& answer, const MarketTable& markets);
std::string accounts_json(const AccountsAnswer& accounts);
std::string account_json(const AccountView& account, const MarketTable& markets);
std::string withdrawals_json(const WithdrawalsAnswer& withdrawals, const MarketTable& markets);
std::string settled_json(const SettledAnswer& settled);
// Rules and state of each market.
std::string markets_json(const MarketsAnswer& states, const MarketTable& markets);
std::string network_json(const MarketTable& markets, const std::string& network_name);
// Null network: peer-to-peer is switched off.
class Json;
void write_gossip(Json& json, const p2p::PeerNetworkStats& stats);
void write_way_in(Json& json, const p2p::NatInfo& info);
std::string services_json(std::string_view service, const std::vector<p2p::ServiceInfo>& nodes);
std::string peers_json(const p2p::PeerNetwork* network, const std::vector<p2p::PeerInfo>& peers);
// {"name":"text"}
std::string single_json(const char* name, const std::string& text);

}  // namespace peerbook::app
