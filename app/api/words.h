// What the exchange's enums are called in JSON, on standard input and in tables. Pure.
#pragma once

#include <string>

#include "app/node/requests.h"

namespace peerbook::app {

const char* text_of(exchange::Side side);
const char* text_of(exchange::MarketPhase phase);
const char* text_of(exchange::MatchingMode mode);
const char* text_of(exchange::TriggerWhen when);

// "limit", and of an order that waits for its trigger the op that placed it, such as "stop_limit".
const char* type_of(const OrderView& order);
// "waiting" for its trigger, or "resting" in the book.
const char* state_of(const OrderView& order);
// Also of one that ended: "filled", "cancelled", "expired", "replaced".
const char* state_of(const OrderAnswer& answer);
// "gtc", "gtd", "ioc" or "fok".
const char* time_in_force_of(const OrderView& order);
// Why something was refused or cancelled, with the limit and the time to try again where there is one; empty
// where there is no reason.
std::string message_of(const CommandResult& result);

}  // namespace peerbook::app
