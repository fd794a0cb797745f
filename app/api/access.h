// The cookie: a secret made anew at each start and kept in the data directory, readable by its owner only.
// Whoever can read the file may command the node's hosted accounts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace peerbook::app {

class Access {
  public:
    // Makes a cookie and writes <data_dir>/cookie with mode 0600, replacing an older one. Error: io.
    static Result<Access> create(const std::string& data_dir);
    // With a cookie of the caller's choosing; writes nothing.
    explicit Access(std::string cookie) : cookie_(std::move(cookie)) {}

    // True if `authorization` is "Bearer <cookie>". Takes the same time wherever a wrong cookie differs.
    bool allows(std::string_view authorization) const;
    const std::string& cookie() const { return cookie_; }

  private:
    std::string cookie_;
};

// True if `host`, the header of a request, names this machine's loopback interface (127.0.0.1, localhost,
// [::1]) or is `configured`, each with any port or none. A page in a browser can make its own name resolve to
// 127.0.0.1, but cannot make the browser send another Host than that name.
bool is_local_host(std::string_view host, std::string_view configured);

// What create() wrote, for clients on the same machine. Error: not_found, io; says which file.
Result<std::string> read_cookie(const std::string& data_dir);

}  // namespace peerbook::app
