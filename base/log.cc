#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace peerbook {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::off:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

std::shared_ptr<spdlog::logger>& root_logger() {
    static std::shared_ptr<spdlog::logger> logger = [] {
        auto made =
            std::make_shared<spdlog::logger>("peerbook", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
        return made;
    }();
    return logger;
}

bool& json_format() {
    static bool as_json = false;
    return as_json;
}

std::string json_escaped(const std::string& text) {
    std::string escaped;
    for (char c : text) {
        if (c == '"' || c == '\\') {
            escaped += '\\';
            escaped += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            escaped += ' ';
        } else {
            escaped += c;
        }
    }
    return escaped;
}

}  // namespace

Result<LogLevel> log_level_from(const std::string& name) {
    if (name == "trace") return LogLevel::trace;
    if (name == "debug") return LogLevel::debug;
    if (name == "info") return LogLevel::info;
    if (name == "warn") return LogLevel::warn;
    if (name == "error") return LogLevel::error;
    if (name == "off") return LogLevel::off;
    return Error{ErrorCode::invalid_input,
                 "log level '" + name + "' is not one of trace, debug, info, warn, error, off"};
}

void configure_logging(LogLevel level, bool as_json) {
    json_format() = as_json;
    root_logger()->set_level(to_spdlog(level));
    root_logger()->flush_on(spdlog::level::info);
    if (as_json)
        root_logger()->set_pattern("{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",\"level\":\"%l\",%v}",
                                   spdlog::pattern_time_type::utc);
}

void log_message(LogLevel level, const char* subsystem, const std::string& message) {
    const auto spdlog_level = to_spdlog(level);
    if (!root_logger()->should_log(spdlog_level)) return;
    if (json_format())
        root_logger()->log(spdlog_level, "\"subsystem\":\"{}\",\"message\":\"{}\"", subsystem,
                           json_escaped(message));
    else
        root_logger()->log(spdlog_level, "{}: {}", subsystem, message);
}

}  // namespace peerbook
