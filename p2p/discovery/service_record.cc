#include "p2p/discovery/service_record.h"

#include "p2p/peers/ip_address.h"
#include "p2p/wire/handshake.h"

namespace peerbook::p2p {

namespace {

std::string_view major_of(std::string_view version) {
    return version.substr(0, version.find('.'));
}

// Lower case ASCII; keys of TXT records are told apart without regard to case.
std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

Error bad_record(const std::string& why) {
    return {ErrorCode::invalid_input, "TXT record: " + why};
}

}  // namespace

std::vector<std::string> write_service_txt(const DiscoveryIdentity& self) {
    return {"id=" + to_hex(self.id), "network=" + to_hex(self.network),
            std::string("version=") + protocol_version};
}

Result<ServiceRecord> parse_service_txt(const std::vector<std::string>& strings) {
    std::size_t bytes = 0;
    for (const std::string& text : strings)
        bytes += text.size();
    if (strings.size() > service_txt_strings_max || bytes > service_txt_bytes_max)
        return Error{ErrorCode::too_large, "TXT record: more than " + std::to_string(service_txt_bytes_max) +
                                               " bytes or " + std::to_string(service_txt_strings_max) +
                                               " strings"};
    std::optional<std::string_view> id, network, version;
    for (const std::string& text : strings) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) continue;
        const std::string key = lower(std::string_view(text).substr(0, equals));
        const std::string_view value = std::string_view(text).substr(equals + 1);
        std::optional<std::string_view>* known = key == "id"        ? &id
                                                 : key == "network" ? &network
                                                 : key == "version" ? &version
                                                                    : nullptr;
        if (known && !*known) *known = value;
    }
    if (!id || !network || !version) return bad_record("id, network or version is missing");
    const auto peer = fixed_from_hex<PeerId>(*id);
    if (!peer.ok()) return bad_record("id is no key");
    const auto digest = fixed_from_hex<Digest>(*network);
    if (!digest.ok()) return bad_record("network is no digest");
    if (version->empty() || version->size() > 16 ||
        version->find_first_not_of("0123456789.") != std::string_view::npos)
        return bad_record("version is none");
    return ServiceRecord{*peer, *digest, std::string(*version)};
}

ServiceVerdict judge_service(const ResolvedService& service, const DiscoveryIdentity& self,
                             PeerAddress& address) {
    const Result<ServiceRecord> record = parse_service_txt(service.txt);
    if (!record.ok()) return ServiceVerdict::bad_record;
    if (record->id == self.id) return ServiceVerdict::ourselves;
    if (record->network != self.network) return ServiceVerdict::other_network;
    if (major_of(record->version) != major_of(protocol_version)) return ServiceVerdict::other_version;
    const auto ip = parse_ip(service.host);
    if (!ip || service.port == 0) return ServiceVerdict::bad_address;
    const IpScope scope = scope_of(*ip);
    if (scope == IpScope::unusable || (scope == IpScope::link_local && ip->is_v6) ||
        (scope == IpScope::loopback && !service.on_loopback))
        return ServiceVerdict::bad_address;
    address = {to_string(*ip), service.port};
    return ServiceVerdict::peer;
}

}  // namespace peerbook::p2p
