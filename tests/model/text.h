// Commands and events as lines that a person can follow when a test fails.
#pragma once

#include <string>

#include "exchange/engine/command.h"
#include "exchange/engine/event.h"

namespace peerbook::exchange::model {

std::string text_of(const Event& event);
std::string text_of(const CommandBody& body);
const char* text_of(EventKind kind);

}  // namespace peerbook::exchange::model
