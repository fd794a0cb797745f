#include "app/api/api_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <utility>

#include "app/api/api_error.h"
#include "base/log.h"
#include "base/system_clock.h"
#include "base/whole_file.h"

namespace peerbook::app {

namespace {

std::uint64_t descriptors_max() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

bool is_loopback(const std::string& host) {
    in6_addr v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
    return host == "localhost" || host.starts_with("127.");
}

ApiResponse wrong_host(std::string_view host) {
    ApiError error(
        "this node listens on the loopback interface only, and answers to the names 127.0.0.1, localhost and "
        "[::1]; the header Host says " +
            quoted(host),
        "Host");
    ApiResponse response = error_response(error);
    response.status = 421;
    return response;
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::start(boost::asio::io_context& io, NodeService& node,
                                                    ApiServerOptions options) {
    std::unique_ptr<ApiServer> server(new ApiServer());
    options.limits.connections_max = connections_within(descriptors_max(), options.limits.connections_max);
    // Listening comes first: a second node on this port must not replace the first one's cookie.
    auto native = std::make_shared<std::shared_ptr<NativeApi>>();
    auto http = HttpServer::start(
        io, {"the API", "--api-port"}, options.host, options.port,
        [native](ApiRequest& request, ApiCompletion done) { (*native)->handle(request, std::move(done)); },
        options.limits,
        [native, is_local = is_loopback(options.host), host = options.host](const ApiRequest& head) {
            Admission admission;
            if (is_local && !is_local_host(head.host, host))
                admission.refusal = wrong_host(head.host);
            else if (!NativeApi::is_open_to_all(head.path))
                admission.refusal = (*native)->refusal(head);
            admission.authenticated = !admission.refusal && !NativeApi::is_open_to_all(head.path);
            return admission;
        });
    if (!http.ok()) return http.error();
    auto access = Access::create(options.data_dir);
    if (!access.ok()) return access.error();
    options.native.clock = std::make_shared<SystemClock>();
    *native = std::make_shared<NativeApi>(node, std::move(access).value(), options.native);
    server->native_ = *native;
    server->http_ = std::move(http).value();

    const bool is_v6 = options.host.find(':') != std::string::npos;
    server->address_ =
        (is_v6 ? "[" + options.host + "]" : options.host) + ":" + std::to_string(server->port());
    server->address_file_ = options.data_dir + "/api.address";
    if (Status status = replace_file(server->address_file_, server->address_ + "\n", Durability::renamed,
                                     Readers::everybody);
        !status.ok())
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
