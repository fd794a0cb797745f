// A settled trade as the index stores it. PROTOCOL.md, "Storage formats".
#pragma once

#include "app/node/requests.h"

namespace peerbook::app {

Bytes encode_trade_record(const TradeView& trade);
Result<TradeView> decode_trade_record(ByteView bytes);

}  // namespace peerbook::app
