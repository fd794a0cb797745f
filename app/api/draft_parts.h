// The makers of command bodies behind make_draft(), one for each op. For order_drafts.cc and its parts only.
#pragma once

#include "app/api/field_reader.h"

namespace peerbook::app::drafts {

// Each may set more in the draft than the body. What it returns counts only if the reader has not failed.
using Maker = exchange::CommandBody (*)(FieldReader& reader, Draft& draft);

exchange::CommandBody limit(FieldReader& reader, Draft& draft);
exchange::CommandBody market(FieldReader& reader, Draft& draft);
exchange::CommandBody stop(FieldReader& reader, Draft& draft);
exchange::CommandBody stop_limit(FieldReader& reader, Draft& draft);
exchange::CommandBody take_profit(FieldReader& reader, Draft& draft);
exchange::CommandBody take_profit_limit(FieldReader& reader, Draft& draft);
exchange::CommandBody mass_quote(FieldReader& reader, Draft& draft);

exchange::CommandBody cancel(FieldReader& reader, Draft& draft);
exchange::CommandBody reduce(FieldReader& reader, Draft& draft);
exchange::CommandBody replace(FieldReader& reader, Draft& draft);
exchange::CommandBody cancel_all(FieldReader& reader, Draft& draft);
exchange::CommandBody cancel_after(FieldReader& reader, Draft& draft);

exchange::CommandBody open(FieldReader& reader, Draft& draft);
exchange::CommandBody faucet(FieldReader& reader, Draft& draft);
exchange::CommandBody transfer(FieldReader& reader, Draft& draft);
exchange::CommandBody issue(FieldReader& reader, Draft& draft);
exchange::CommandBody redeem(FieldReader& reader, Draft& draft);
exchange::CommandBody withdraw(FieldReader& reader, Draft& draft);
exchange::CommandBody settle(FieldReader& reader, Draft& draft);

exchange::CommandBody create_market(FieldReader& reader, Draft& draft);
exchange::CommandBody halt(FieldReader& reader, Draft& draft);
exchange::CommandBody resume(FieldReader& reader, Draft& draft);

// The command that cancel, reduce and settle name by its nonce.
exchange::CommandRef target_by_nonce(FieldReader& reader);

}  // namespace peerbook::app::drafts
