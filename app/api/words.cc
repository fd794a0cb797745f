#include "app/api/words.h"

#include "app/api/time_text.h"

namespace peerbook::app {

const char* text_of(exchange::Side side) {
    return side == exchange::Side::buy ? "buy" : "sell";
}

const char* text_of(exchange::MarketPhase phase) {
    switch (phase) {
        case exchange::MarketPhase::trading:
            return "trading";
        case exchange::MarketPhase::auction:
            return "auction";
        case exchange::MarketPhase::halted:
            return "halted";
    }
    return "unknown";
}

const char* text_of(exchange::MatchingMode mode) {
    return mode == exchange::MatchingMode::batch ? "batch" : "continuous";
}

const char* text_of(exchange::TriggerWhen when) {
    return when == exchange::TriggerWhen::at_or_above ? "at_or_above" : "at_or_below";
}

const char* type_of(const OrderView& order) {
    if (!order.trigger) return "limit";
    const bool rising = order.trigger->when == exchange::TriggerWhen::at_or_above;
    const bool is_stop = rising == (order.side == exchange::Side::buy);
    if (order.time_in_force == exchange::TimeInForce::ioc) return is_stop ? "stop" : "take_profit";
    return is_stop ? "stop_limit" : "take_profit_limit";
}

const char* state_of(const OrderView& order) {
    return order.trigger ? "waiting" : "resting";
}

const char* state_of(const OrderAnswer& answer) {
    return answer.state == OrderState::open ? "resting" : to_string(answer.state);
}

const char* time_in_force_of(const OrderView& order) {
    if (order.expires_at) return "gtd";
    switch (order.time_in_force) {
        case exchange::TimeInForce::gtc:
            return "gtc";
        case exchange::TimeInForce::ioc:
            return "ioc";
        case exchange::TimeInForce::fok:
            return "fok";
    }
    return "unknown";
}

std::string message_of(const CommandResult& result) {
    if (result.reason == exchange::Reason::none) return {};
    std::string text = exchange::describe(result.reason);
    if (result.limit != 0) text += " The limit is " + std::to_string(result.limit) + ".";
    if (result.try_again_at) text += " Try again from " + format_time(*result.try_again_at) + ".";
    return text;
}

}  // namespace peerbook::app
