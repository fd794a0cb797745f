#include "app/cli/outcome.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/cli/json_text.h"

namespace peerbook::app::cli {

Failure failure_of(const Error& error) {
    return {error.code == ErrorCode::invalid_input ? Exit::usage : Exit::environment, to_string(error.code),
            error.message};
}

Exit report(const Failure& failure, bool as_json) {
    if (as_json) {
        JsonObject object;
        object.text("code", failure.code).text("message", failure.message);
        print(object.str() + "\n");
    } else {
        std::fprintf(stderr, "peerbook: %s\n", failure.message.c_str());
    }
    return failure.exit;
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

Exit finish_output(Exit exit) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit;
    std::fprintf(stderr, "peerbook: cannot write to standard output: %s\n", std::strerror(errno));
    return Exit::environment;
}

}  // namespace peerbook::app::cli
