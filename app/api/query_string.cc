#include "app/api/query_string.h"

#include <algorithm>

#include "app/api/order_drafts.h"

namespace peerbook::app {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(text[i] == '+' && plus_is_blank ? ' ' : text[i]);
        }
    }
    return out;
}

ApiResult<QueryString> QueryString::parse(std::string_view text,
                                          std::initializer_list<std::string_view> known) {
    QueryString query;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decoded(pair.substr(0, equals), true);
        auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value)
            return ApiError("a percent sign in the query is not followed by two hexadecimal digits",
                            name ? printable(*name, 48) : "");
        if (std::find(known.begin(), known.end(), *name) == known.end()) {
            const std::string_view near = nearest_word(*name, known.begin(), known.size());
            return ApiError("unknown query parameter " + quoted(*name) +
                                (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"),
                            printable(*name, 48));
        }
        if (query.find(*name))
            return ApiError("the query parameter " + quoted(*name) + " is given twice", *name);
        if (query.values_.size() == query_parameters_max) return ApiError("too many query parameters", *name);
        query.values_.emplace_back(std::move(*name), std::move(*value));
    }
    return query;
}

const std::string* QueryString::find(std::string_view name) const {
    for (const auto& [known, value] : values_)
        if (known == name) return &value;
    return nullptr;
}

std::string QueryString::text(std::string_view name) const {
    const std::string* value = find(name);
    return value ? *value : std::string();
}

ApiResult<std::uint64_t> QueryString::number(std::string_view name, std::uint64_t fallback, std::uint64_t min,
                                             std::uint64_t max) const {
    const std::string* value = find(name);
    if (!value) return fallback;
    auto parsed = parse_u64(*value, name);
    if (!parsed.ok()) return parsed;
    if (parsed.value() < min || parsed.value() > max)
        return ApiError(std::string(name) + ": must be from " + std::to_string(min) + " to " +
                            std::to_string(max) + ", not " + quoted(*value),
                        std::string(name));
    return parsed;
}

}  // namespace peerbook::app
