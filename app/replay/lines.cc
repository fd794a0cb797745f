#include "app/replay/lines.h"

#include <zlib.h>

#include <cstring>
#include <memory>

namespace peerbook::app::replay {

namespace {

struct CloseGz {
    void operator()(gzFile_s* file) const { gzclose(file); }
};

Error at_line(const Error& error, const std::string& path, std::uint32_t number) {
    return error.within(path + " line " + std::to_string(number));
}

Error bad_field(const char* what, std::string_view text, const std::string& why) {
    constexpr std::size_t shown_max = 40;
    std::string shown(text.substr(0, shown_max));
    if (text.size() > shown_max) shown += "…";
    return {ErrorCode::invalid_input, std::string(what) + " \"" + shown + "\" " + why};
}

}  // namespace

Status for_each_line(const std::string& path, std::uint32_t lines_max,
                     const std::function<Status(std::string_view, std::uint32_t)>& each) {
    std::unique_ptr<gzFile_s, CloseGz> file(gzopen(path.c_str(), "rb"));
    if (!file) return Error{ErrorCode::io, path + ": cannot open it: " + std::strerror(errno)};
    gzbuffer(file.get(), 128 * 1024);

    std::vector<char> buffer(64 * 1024);
    std::string line;
    std::uint32_t number = 0;
    bool at_end = false;
    const auto finish_line = [&]() -> Status {
        ++number;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find('\0') != std::string::npos)
            return at_line({ErrorCode::invalid_input, "contains a NUL byte"}, path, number);
        Status status = each(line, number);
        line.clear();
        if (!status.ok()) return at_line(status.error(), path, number);
        return {};
    };
    while (!at_end && number < lines_max) {
        const int got = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
        int code = Z_OK;
        const char* reason = gzerror(file.get(), &code);
        if (got < 0 || code == Z_BUF_ERROR || code == Z_DATA_ERROR)
            return Error{code == Z_ERRNO ? ErrorCode::io : ErrorCode::corrupt,
                         path + ": cannot read it: " + reason};
        at_end = got == 0;
        std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
        while (!rest.empty() && number < lines_max) {
            const std::size_t end = rest.find('\n');
            const std::string_view part = rest.substr(0, end);
            if (line.size() + part.size() > line_bytes_max)
                return at_line(
                    {ErrorCode::too_large, "longer than " + std::to_string(line_bytes_max) + " bytes"}, path,
                    number + 1);
            line += part;
            if (end == std::string_view::npos) break;
            rest.remove_prefix(end + 1);
            if (Status status = finish_line(); !status.ok()) return status;
        }
    }
    if (!line.empty() && number < lines_max) return finish_line();
    return {};
}

bool split_columns(std::string_view line, std::size_t count, std::vector<std::string_view>& out) {
    out.clear();
    while (true) {
        const std::size_t comma = line.find(',');
        out.push_back(line.substr(0, comma));
        if (out.size() > count) return false;
        if (comma == std::string_view::npos) return out.size() == count;
        line.remove_prefix(comma + 1);
    }
}

Result<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max,
                                   const char* what) {
    std::string_view digits = text;
    const bool negative = min < 0 && !digits.empty() && digits.front() == '-';
    if (negative) digits.remove_prefix(1);
    if (digits.empty()) return bad_field(what, text, "is not a whole number");
    for (const char c : digits)
        if (c < '0' || c > '9') return bad_field(what, text, "is not a whole number");
    __int128 value = 0;
    for (const char c : digits) {
        value = value * 10 + (c - '0');
        if (value > static_cast<__int128>(INT64_MAX)) break;
    }
    if (negative) value = -value;
    if (value < min || value > max)
        return bad_field(what, text, "is outside " + std::to_string(min) + " … " + std::to_string(max));
    return static_cast<std::int64_t>(value);
}

Result<std::int64_t> parse_fixed(std::string_view text, unsigned decimals, std::int64_t max,
                                 const char* what) {
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
    if (point != std::string_view::npos && fraction.empty())
        return bad_field(what, text, "is not a decimal number");
    if (fraction.size() > decimals)
        return bad_field(what, text, "has more than " + std::to_string(decimals) + " decimal places");
    std::string joined(whole);
    if (whole.empty()) return bad_field(what, text, "is not a decimal number");
    joined += fraction;
    joined.append(decimals - fraction.size(), '0');
    for (const char c : joined)
        if (c < '0' || c > '9') return bad_field(what, text, "is not a decimal number");
    Result<std::int64_t> value = parse_integer(joined, 0, max, what);
    if (!value.ok()) return bad_field(what, text, "is too large");
    return value;
}

}  // namespace peerbook::app::replay
