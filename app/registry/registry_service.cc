#include "app/registry/registry_service.h"

#include <algorithm>
#include <utility>

#include "app/api/query_string.h"

namespace peerbook::app {

namespace {

// 429, with Retry-After: the client asked too often.
ApiResponse too_often() {
    ApiResponse response = error_response(ErrorCode::unavailable, "too many requests from your address");
    response.status = 429;
    return response;
}

bool is_json(std::string_view content_type) {
    constexpr std::string_view wanted = "application/json";
    if (content_type.size() < wanted.size()) return false;
    const bool is_same = std::equal(wanted.begin(), wanted.end(), content_type.begin(), [](char a, char b) {
        return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
    });
    return is_same && (content_type.size() == wanted.size() || content_type[wanted.size()] == ';' ||
                       content_type[wanted.size()] == ' ');
}

ApiResponse refusal(const Error& error) {
    return error_response(error.code, error.message);
}

}  // namespace

RegistryService::RegistryService(std::optional<RegistryHost> host, const Signer& signer,
                                 const Verifier& verifier, const Clock& clock, std::uint64_t seed)
    : host_(std::move(host)),
      signer_(signer),
      clock_(clock),
      table_(clock.now().wall, seed, verifier),
      bucket_(registry_rate, clock.now().mono),
      sources_(registry_source_rate, registry_sources_max) {}

ApiResponse RegistryService::answer(const ApiRequest& request) {
    const Now now = clock_.now();
    // A host's own limit first, or it would use up that of all.
    if (!sources_.take(now.mono, request.remote)) return too_often();
    if (!bucket_.take(now.mono))
        return error_response(ErrorCode::unavailable, "this registry has too much to do; come again");
    const bool is_register = request.path == p2p::registry_register_path,
               is_unregister = request.path == p2p::registry_unregister_path;
    if (is_register || is_unregister) {
        if (request.method != "POST") return method_not_allowed("POST");
        if (!is_json(request.content_type))
            return error_response(
                ApiError("the header Content-Type must be application/json", "Content-Type"));
        return is_register ? enter(now.wall, request) : leave(now.wall, request);
    }
    if (request.path == p2p::registry_discover_path) {
        if (request.method != "GET") return method_not_allowed("GET");
        return discover(now.wall, request);
    }
    return error_response(ErrorCode::not_found,
                          "this is a bootstrap registry: it has /api/bootstrap/register, "
                          "/api/bootstrap/unregister and /api/bootstrap/discover");
}

ApiResponse RegistryService::enter(WallTime now, const ApiRequest& request) {
    const auto entry = p2p::read_registration(request.body);
    if (!entry) return refusal(entry.error());
    if (entry->address.host != request.remote || !p2p::may_pass(request.remote, request.remote))
        return json_response(
            p2p::write_wrong_address("address: only the address that a request comes from can be registered, "
                                     "and it must be one that others can reach",
                                     request.remote),
            409);
    if (Status added = table_.add(now, *entry); !added.ok()) return refusal(added.error());
    return others(now, request, entry->network, entry->node);
}

ApiResponse RegistryService::leave(WallTime now, const ApiRequest& request) {
    const auto withdrawal = p2p::read_withdrawal(request.body);
    if (!withdrawal) return refusal(withdrawal.error());
    const auto removed = table_.remove(now, *withdrawal);
    if (!removed) return refusal(removed.error());
    return json_response(*removed ? R"({"removed":true})" : R"({"removed":false})");
}

ApiResponse RegistryService::discover(WallTime now, const ApiRequest& request) {
    auto query = QueryString::parse(request.query, {"network"});
    if (!query.ok()) return error_response(query.error());
    const auto network = fixed_from_hex<Digest>(query.value().text("network"));
    if (!network)
        return error_response(ApiError("network: must be a network id, 64 hexadecimal digits", "network"));
    return others(now, request, *network, std::nullopt);
}

ApiResponse RegistryService::others(WallTime now, const ApiRequest& request, const Digest& network,
                                    const std::optional<PublicKey>& asker) {
    p2p::RegistryReply reply{std::string(request.remote), {}};
    if (auto own = own_entry(now, request, network)) reply.nodes.push_back(std::move(*own));
    const auto is_known = [&](const p2p::RegistryEntry& entry) {
        return entry.node == asker || (!reply.nodes.empty() && entry.node == reply.nodes.front().node);
    };
    for (p2p::RegistryEntry& entry :
         table_.sample(now, network, request.remote, p2p::registry_reply_nodes_max))
        if (!is_known(entry) && reply.nodes.size() < p2p::registry_reply_nodes_max)
            reply.nodes.push_back(std::move(entry));
    return json_response(p2p::write_registry_reply(reply));
}

std::optional<p2p::RegistryEntry> RegistryService::own_entry(WallTime now, const ApiRequest& request,
                                                             const Digest& network) const {
    if (!host_) return std::nullopt;
    const p2p::DiscoveryIdentity identity = host_->identity();
    if (!identity.broadcast || identity.port == 0 || identity.network != network ||
        !p2p::listens_at(host_->listen_host, request.local) || !p2p::may_pass(request.local, request.remote))
        return std::nullopt;
    p2p::RegistryEntry entry{network,
                             identity.id,
                             {std::string(request.local), identity.port},
                             now,
                             {now.ms + p2p::registry_entry_time_max.ms()},
                             {}};
    entry.signature = signer_.sign(signed_part(entry));
    return entry;
}

}  // namespace peerbook::app
