// Takes drafts to the node: gives market orders that came without a protection price one from the last trade,
// then submits. Used by REST and by standard input alike.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "app/api/api_error.h"
#include "app/api/market_table.h"
#include "app/api/order_drafts.h"

namespace peerbook::app {

using SubmitDone = std::function<void(ApiResult<SubmitAnswer>)>;

// `node` and `markets` outlive the call's completion. `done` runs once, on the I/O thread.
// Errors: no last price for a market order (field "protection"); those of NodeService.
void submit_drafts(NodeService& node, std::shared_ptr<const MarketTable> markets, std::vector<Draft> drafts,
                   Grade wait_for, SubmitDone done);

}  // namespace peerbook::app
