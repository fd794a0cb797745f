// What the files of views share.
#pragma once

#include <string>

#include "app/cli/views.h"

namespace peerbook::app::cli {

inline Error missing(const char* name) {
    return {ErrorCode::invalid_input,
            std::string("it has no '") + name + "'; is the node of another version?"};
}

// A number with its thousands apart; other text as it is.
std::string grouped_text(const std::string& text);
// The list of that name as a table, with an empty line in front; nothing where there is none.
std::string other_ledgers(const Answer& answer, const char* name, const TerminalStyle& style);

inline Paint side_paint(const std::string& side) {
    return side == "buy" ? Paint::green : Paint::red;
}

}  // namespace peerbook::app::cli
