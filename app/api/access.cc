#include "app/api/access.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/random.h"
#include "base/whole_file.h"

namespace peerbook::app {

namespace {

constexpr std::size_t cookie_bytes = 32;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lowered = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&lowered](char x, char y) { return lowered(x) == lowered(y); });
}

std::string cookie_path(const std::string& data_dir) {
    return data_dir + "/cookie";
}

}  // namespace

Result<Access> Access::create(const std::string& data_dir) {
    std::array<std::uint8_t, cookie_bytes> secret;
    fill_with_system_random(secret);
    Access access(to_hex(ByteView(secret)));
    if (Status status = replace_file(cookie_path(data_dir), access.cookie_ + "\n", Durability::renamed);
        !status.ok())
        return status.error();
    return access;
}

bool is_local_host(std::string_view host, std::string_view configured) {
    const bool in_brackets = host.starts_with('[');
    const std::size_t name_end = in_brackets ? host.find(']') : host.find(':');
    if (in_brackets && name_end == std::string_view::npos) return false;
    const std::string_view name = in_brackets ? host.substr(1, name_end - 1) : host.substr(0, name_end);
    std::string_view port = host.substr(std::min(name_end, host.size()));
    if (in_brackets) port.remove_prefix(1);
    if (!port.empty()) port.remove_prefix(port.front() == ':' ? 1 : 0);
    if (port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    if (in_brackets) return name == "::1" || name == configured;
    return equal_ignoring_case(name, "127.0.0.1") || equal_ignoring_case(name, "localhost") ||
           (!name.empty() && equal_ignoring_case(name, configured));
}

bool Access::allows(std::string_view authorization) const {
    constexpr std::string_view scheme = "Bearer ";
    if (cookie_.empty() || authorization.size() < scheme.size()) return false;
    const std::string_view given = authorization.substr(0, scheme.size());
    if (!equal_ignoring_case(given, scheme)) return false;
    return equal_in_constant_time(as_bytes(authorization.substr(scheme.size())), as_bytes(cookie_));
}

Result<std::string> read_cookie(const std::string& data_dir) {
    const std::string path = cookie_path(data_dir);
    std::ifstream file(path);
    if (!file) {
        const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::io;
        return Error{code, "cannot read the node's cookie " + path + ": " + std::strerror(errno) +
                               "; is a node running with this data directory?"};
    }
    std::string cookie;
    std::getline(file, cookie);
    std::array<std::uint8_t, cookie_bytes> checked;
    if (Status status = from_hex(cookie, checked); !status.ok())
        return Error{ErrorCode::corrupt, "the cookie in " + path + " is not " +
                                             std::to_string(2 * cookie_bytes) + " hexadecimal digits"};
    return cookie;
}

}  // namespace peerbook::app
