#include "app/api/api_server.h"

#include <cstdio>
#include <fstream>
#include <utility>

#include "base/log.h"

namespace peerbook::app {

namespace {

// Whole or not at all: clients read this file while nodes start.
Status write_address_file(const std::string& path, const std::string& address) {
    const std::string fresh = path + ".new";
    {
        std::ofstream file(fresh, std::ios::trunc);
        file << address << '\n';
        if (!file.flush()) return Error{ErrorCode::io, "cannot write " + fresh};
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) return Error{ErrorCode::io, "cannot write " + path};
    return {};
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::start(boost::asio::io_context& io, NodeService& node,
                                                    ApiServerOptions options) {
    std::unique_ptr<ApiServer> server(new ApiServer());
    // Listening comes first: a second node on this port must not replace the first one's cookie.
    auto native = std::make_shared<std::shared_ptr<NativeApi>>();
    auto http = HttpServer::start(
        io, options.host, options.port,
        [native](ApiRequest& request, ApiCompletion done) { (*native)->handle(request, std::move(done)); },
        options.limits);
    if (!http.ok()) return http.error();
    auto access = Access::create(options.data_dir);
    if (!access.ok()) return access.error();
    *native = std::make_shared<NativeApi>(node, std::move(access).value(), options.native);
    server->native_ = *native;
    server->http_ = std::move(http).value();

    const bool is_v6 = options.host.find(':') != std::string::npos;
    server->address_ =
        (is_v6 ? "[" + options.host + "]" : options.host) + ":" + std::to_string(server->port());
    server->address_file_ = options.data_dir + "/api.address";
    if (Status status = write_address_file(server->address_file_, server->address_); !status.ok())
        return status.error();
    log_info("api", "event=listening address=" + server->address_);
    return server;
}

ApiServer::~ApiServer() {
    stop();
}

void ApiServer::stop() {
    if (http_) http_->stop();
    if (!address_file_.empty()) std::remove(std::exchange(address_file_, {}).c_str());
}

}  // namespace peerbook::app
