// The one door to spdlog: a logger a subsystem, key=value text. Only adapters log; logic returns facts.
// Thread-safe because spdlog's loggers are.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace peerbook {

enum class LogLevel : unsigned char { trace, debug, info, warn, error, off };

Result<LogLevel> log_level_from(const std::string& name);

// Call once, early. Logs go to standard error, so that standard output stays for answers.
void configure_logging(LogLevel level, bool as_json);

void log_message(LogLevel level, const char* subsystem, const std::string& message);

inline void log_debug(const char* subsystem, const std::string& message) {
    log_message(LogLevel::debug, subsystem, message);
}
inline void log_info(const char* subsystem, const std::string& message) {
    log_message(LogLevel::info, subsystem, message);
}
inline void log_warn(const char* subsystem, const std::string& message) {
    log_message(LogLevel::warn, subsystem, message);
}
inline void log_error(const char* subsystem, const std::string& message) {
    log_message(LogLevel::error, subsystem, message);
}

}  // namespace peerbook
