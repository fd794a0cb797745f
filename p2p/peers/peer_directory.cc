// What PeerManager does about the directory of services that lives in it.
#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

namespace {

OutgoingPayload signed_control_payload(Bytes body) {
    return plain_payload(signed_control_kind, SharedBytes(std::move(body)));
}

}  // namespace

Directory& PeerManager::directory() {
    if (!directory_) {
        Directory::Options options;
        options.network = options_.local.network;
        options.broadcast = options_.local.broadcast;
        options.next_id = [this] { return router_.next_id(); };
        options.addresses = [this](const std::optional<PeerId>& asks) { return addresses_for(asks); };
        directory_.emplace(std::move(options), signer_, verifier_);
    }
    return *directory_;
}

// As for an exchange of addresses, but only where this node met them itself. Behind a neighbour anybody may
// ask, so that hears of the internet only.
std::map<PeerId, PeerAddress> PeerManager::addresses_for(const std::optional<PeerId>& asks) const {
    std::map<PeerId, PeerAddress> addresses;
    std::string asker_host;
    if (asks) {
        const auto found = by_peer_.find(*asks);
        if (found == by_peer_.end()) return addresses;
        asker_host = connections_.at(found->second).endpoint.host;
    }
    for (const auto& [address, known] : book_.entries()) {
        if (!known.id || !known.shareable || known.ourselves || !known.seen) continue;
        const auto ip = parse_ip(address.host);
        if (!ip) continue;
        if (asks ? may_pass(address.host, asker_host) : scope_of(*ip) == IpScope::global)
            addresses.emplace(*known.id, address);
    }
    return addresses;
}

void PeerManager::directory_up(Now now, ConnectionId id, PeerEffects& out) {
    const HandshakeMessage& peer = *connections_.at(id).session->peer();
    if (!peer.can(directory_capability)) return;
    Directory::Outputs outputs;
    directory().neighbour_up(now, peer.node, peer.broadcast, outputs);
    route_directory(now, std::move(outputs), out);
}

void PeerManager::route_directory(Now now, Directory::Outputs&& outputs, PeerEffects& out) {
    for (Directory::Output& output : outputs) {
        if (auto* send = std::get_if<Directory::Send>(&output)) {
            out.emplace_back(
                effect::SendToPeer{send->neighbour, signed_control_payload(std::move(send->body))});
        } else if (const auto* found = std::get_if<Directory::Found>(&output)) {
            const auto by = by_peer_.find(found->came_by);
            if (by != by_peer_.end())
                book_.add_exchanged(now.mono, found->told_by, connections_.at(by->second).endpoint.host,
                                    found->address);
        } else if (const auto* violation = std::get_if<Directory::Violation>(&output)) {
            report_misbehaviour(now, violation->neighbour, violation->points, violation->why, out);
        }
    }
}

Status PeerManager::set_services(Now now, std::vector<std::string> services, PeerEffects& out) {
    if (services.size() > services_max)
        return Error{ErrorCode::invalid_input,
                     "a node offers at most " + std::to_string(services_max) + " services"};
    for (const std::string& service : services)
        if (!is_service_name(service))
            return Error{ErrorCode::invalid_input, "no name of a service: \"" + printable(service) + "\""};
    Directory::Outputs outputs;
    directory().set_services(now, std::move(services), outputs);
    route_directory(now, std::move(outputs), out);
    return {};
}

Result<std::vector<ServiceInfo>> PeerManager::find_service(Now now, const std::string& service,
                                                           PeerEffects& out) {
    if (!is_service_name(service))
        return Error{ErrorCode::invalid_input,
                     "a service is named by 1 to " + std::to_string(service_bytes_max) +
                         " letters, digits and . _ - / : +, such as registry or market/BTC-USD; not \"" +
                         printable(service) + "\""};
    std::vector<ServiceInfo> known;
    bool is_within_reach = false;
    std::map<PeerId, PeerAddress> addresses;
    for (const auto& [address, entry] : book_.entries())
        if (entry.id && !entry.ourselves && entry.failures == 0) addresses.emplace(*entry.id, address);
    for (ServiceProvider& provider : directory().find(now.mono, service)) {
        ServiceInfo info;
        info.id = provider.node;
        info.is_connected = connected(provider.node);
        info.services = std::move(provider.services);
        info.told_by = provider.told_by;
        info.heard_ago = provider.heard_ago;
        if (const auto address = addresses.find(info.id); address != addresses.end())
            info.address = p2p::to_string(address->second);
        is_within_reach = is_within_reach || info.is_connected || !info.address.empty();
        known.push_back(std::move(info));
    }
    if (!is_within_reach) {
        Directory::Outputs outputs;
        directory().ask(now, service, outputs);
        route_directory(now, std::move(outputs), out);
    }
    return known;
}

}  // namespace peerbook::p2p
