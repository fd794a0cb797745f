#include "app/api/time_text.h"

#include <charconv>
#include <chrono>
#include <cstdio>

#include "app/api/api_error.h"

namespace peerbook::app {

namespace {

constexpr std::int64_t span_ms_max = std::int64_t{1} << 40;
constexpr std::int64_t last_ms = 253'402'300'799'999;  // of the year 9999
constexpr std::size_t time_length_max = 40;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_digits(std::string_view text) {
    for (const char c : text)
        if (!is_digit(c)) return false;
    return !text.empty();
}

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t value = 0;
    if (!is_digits(text)) return std::nullopt;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Error no_span(std::string_view text) {
    return {ErrorCode::invalid_input,
            "must be a span such as \"60s\", \"1500ms\", \"5m\" or \"2h\", not " + quoted(text)};
}

Error no_time(std::string_view text) {
    return {
        ErrorCode::invalid_input,
        "must be a time such as \"2026-11-20T12:00:00Z\", milliseconds since 1970, or a span from now such "
        "as \"60s\", not " +
            quoted(text)};
}

// Takes digits of a fixed count off the front, and the separator behind them.
class Cutter {
  public:
    explicit Cutter(std::string_view text) : text_(text) {}

    int number(std::size_t digits, char before = 0) {
        if (before != 0 && !take(before)) return 0;
        const auto value = number_of(text_.substr(0, std::min(digits, text_.size())));
        if (!value || text_.size() < digits) return failed_ = true, 0;
        text_.remove_prefix(digits);
        return static_cast<int>(*value);
    }
    bool take(char wanted) {
        if (!text_.starts_with(wanted)) return failed_ = true, false;
        text_.remove_prefix(1);
        return true;
    }
    bool take_if(char wanted) {
        if (!text_.starts_with(wanted)) return false;
        text_.remove_prefix(1);
        return true;
    }
    // One to three digits behind a point, as milliseconds; 0 without a point.
    int milliseconds() {
        if (!take_if('.')) return 0;
        int value = 0;
        int places = 0;
        for (; places < 3 && !text_.empty() && is_digit(text_.front()); ++places) {
            value = value * 10 + (text_.front() - '0');
            text_.remove_prefix(1);
        }
        if (places == 0) failed_ = true;
        for (; places < 3; ++places)
            value *= 10;
        return value;
    }
    bool failed() const { return failed_; }
    bool done() const { return text_.empty(); }

  private:
    std::string_view text_;
    bool failed_ = false;
};

std::optional<WallTime> parse_date(std::string_view text) {
    using namespace std::chrono;
    Cutter cutter(text);
    const int years = cutter.number(4);
    const int months = cutter.number(2, '-');
    const int days_ = cutter.number(2, '-');
    if (!cutter.take_if('T')) cutter.take('t');
    const int hours_ = cutter.number(2);
    const int minutes_ = cutter.number(2, ':');
    const int seconds_ = cutter.number(2, ':');
    const int ms = cutter.milliseconds();
    int offset_minutes = 0;
    if (!cutter.take_if('Z') && !cutter.take_if('z')) {
        const bool west = cutter.take_if('-');
        if (!west) cutter.take('+');
        const int offset_hours = cutter.number(2);
        const int rest = cutter.number(2, ':');
        if (offset_hours > 23 || rest > 59) return std::nullopt;
        offset_minutes = (offset_hours * 60 + rest) * (west ? -1 : 1);
    }
    if (cutter.failed() || !cutter.done()) return std::nullopt;
    const year_month_day date{year(years), month(static_cast<unsigned>(months)),
                              day(static_cast<unsigned>(days_))};
    if (!date.ok() || hours_ > 23 || minutes_ > 59 || seconds_ > 59) return std::nullopt;
    const auto day_ms = duration_cast<std::chrono::milliseconds>(sys_days(date).time_since_epoch()).count();
    const std::int64_t minute = hours_ * 60 + minutes_ - offset_minutes;
    return WallTime{day_ms + (minute * 60 + seconds_) * 1'000 + ms};
}

}  // namespace

Result<Duration> parse_span(std::string_view text) {
    if (text.size() > time_length_max) return no_span(text);
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]))
        ++digits;
    const auto count = number_of(text.substr(0, digits));
    if (!count) return no_span(text);
    const std::string_view unit = text.substr(digits);
    std::int64_t unit_ms = 0;
    if (unit.empty() || unit == "ms") unit_ms = 1;
    if (unit == "s") unit_ms = 1'000;
    if (unit == "m") unit_ms = 60'000;
    if (unit == "h") unit_ms = 3'600'000;
    if (unit_ms == 0) return no_span(text);
    if (*count > span_ms_max / unit_ms)
        return Error{ErrorCode::invalid_input, "is longer than any time that counts: " + quoted(text)};
    return Duration::milliseconds(*count * unit_ms);
}

Result<WallTime> parse_time(std::string_view text, std::optional<WallTime> now) {
    if (text.empty() || text.size() > time_length_max) return no_time(text);
    if (is_digits(text)) {
        const auto ms = number_of(text);
        if (!ms || *ms > last_ms)
            return Error{ErrorCode::invalid_input, "lies beyond the year 9999: " + quoted(text)};
        return WallTime{*ms};
    }
    if (const auto date = parse_date(text)) {
        if (date->ms >= 0) return *date;
        return Error{ErrorCode::invalid_input, "lies before 1970: " + quoted(text)};
    }
    const Result<Duration> span = parse_span(text);
    if (!span.ok()) return no_time(text);
    if (!now)
        return Error{ErrorCode::invalid_input,
                     "a span from now is not understood here; give a time such as \"2026-11-20T12:00:00Z\""};
    return WallTime{now->ms + span->ms()};
}

std::string format_time(WallTime time) {
    using namespace std::chrono;
    if (time.ms < 0 || time.ms > last_ms) return std::to_string(time.ms);
    const sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(time.ms)};
    const auto day_start = floor<days>(point);
    const year_month_day date(day_start);
    const hh_mm_ss clock(point - day_start);
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return buffer;
}

}  // namespace peerbook::app
