// What the files of views share.
#pragma once

#include <string>

#include "app/cli/views.h"

namespace peerbook::app::cli {

inline Error missing(const char* name) {
    return {ErrorCode::invalid_input,
            std::string("it has no '") + name + "'; is the node of another version?"};
}

inline Paint side_paint(const std::string& side) {
    return side == "buy" ? Paint::green : Paint::red;
}

}  // namespace peerbook::app::cli
