// Answers as people read them in a terminal. Pure.
#pragma once

#include <string>

#include "app/api/market_table.h"
#include "app/node/requests.h"
#include "app/shell/line_language.h"
#include "app/terminal/tables.h"
#include "p2p/peer_network.h"

namespace peerbook::app {

std::string result_text(const CommandResult& result, const SubmitAnswer& answer, const MarketTable& markets);
std::string book_text(const BookAnswer& book, const MarketTable& markets, const TerminalStyle& style);
std::string trades_text(const TradesAnswer& trades, const MarketTable& markets, const TerminalStyle& style);
std::string orders_text(const OrdersAnswer& orders, const MarketTable& markets, const TerminalStyle& style);
std::string order_text(const OrderAnswer& answer, const MarketTable& markets, const TerminalStyle& style);
std::string balances_text(const AccountView& account, const MarketTable& markets, const TerminalStyle& style);
std::string markets_text(const MarketsAnswer& states, const MarketTable& markets, const TerminalStyle& style);
std::string withdrawals_text(const WithdrawalsAnswer& withdrawals, const MarketTable& markets,
                             const TerminalStyle& style);
// Null network: peer-to-peer is switched off.
std::string peers_text(const p2p::PeerNetwork* network, const TerminalStyle& style);
std::string status_text(const StatusAnswer& status, const std::string& network_name,
                        const TerminalStyle& style);
std::string error_text(const LineError& error);

}  // namespace peerbook::app
