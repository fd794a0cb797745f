#include "app/api/json_write.h"
#include "app/api/json_writer.h"

namespace peerbook::app {

namespace {

// Thousandths as a decimal: "0.873".
std::string share_text(int thousandths) {
    const std::string digits = std::to_string(1000 + thousandths % 1000);
    return std::to_string(thousandths / 1000) + "." + digits.substr(1);
}

void write_share(Json& json, const char* name, const std::optional<int>& share) {
    if (share) json.key(name).text(share_text(*share));
}

void write_time(Json& json, const char* name, const std::optional<WallTime>& time) {
    if (time) json.key(name).number_signed(time->ms);
}

// What is not known is left out.
void write_peer(Json& json, const p2p::PeerInfo& peer) {
    json.begin();
    json.key("id").text(peer.id.is_zero() ? std::string() : to_hex(peer.id));
    json.key("address").foreign(peer.address);
    json.key("state").foreign(peer.state);
    json.key("direction").text(peer.outbound ? "outbound" : "inbound");
    json.key("configured").flag(peer.configured);
    json.key("carried").flag(peer.carried);
    if (!peer.found_by.empty()) json.key("found_by").text(peer.found_by);
    write_share(json, "health", peer.health);
    write_share(json, "availability", peer.availability);
    write_share(json, "performance", peer.performance);
    json.key("round_trip_us").number_signed(peer.round_trip.ns / 1'000);
    json.key("connected_for_ms").number_signed(peer.connected_for.ms());
    json.key("bytes_in").number(peer.bytes_in).key("bytes_out").number(peer.bytes_out);
    json.key("messages_in").number(peer.messages_in).key("messages_out").number(peer.messages_out);
    json.key("queued_bytes").number(peer.queued_bytes);
    json.key("reputation").small_signed(peer.reputation);
    json.key("successes").small(peer.successes).key("failures").small(peer.failures);
    json.key("failures_in_row").small(peer.failures_in_row);
    if (!peer.breaker.empty()) json.key("breaker").text(peer.breaker);
    if (peer.retry_in) json.key("retry_in_ms").number_signed(peer.retry_in->ms());
    write_time(json, "since", peer.since);
    write_time(json, "seen", peer.seen);
    write_time(json, "banned_until", peer.banned_until);
    if (!peer.version.empty()) {
        json.key("version").foreign(peer.version);
        json.key("agent").foreign(peer.agent);
        // Nodes of Peerbook claim none in the handshake; GET /ledgers tells which ones their peers keep.
        if (!peer.ledger.is_zero()) json.key("ledger").hex(peer.ledger);
    }
    json.key("last_error").foreign(peer.last_error);
    json.end();
}

void write_discovery(Json& json, const p2p::DiscoveryInfo& way) {
    json.begin();
    json.key("name").text(way.name);
    if (!way.state.empty()) json.key("state").text(way.state);
    json.key("found").number(way.found).key("connected").number(way.connected);
    if (!way.state.empty()) json.key("searches").number(way.searches);
    write_time(json, "last_search", way.last_search);
    if (way.next_search_in) json.key("next_search_in_ms").number_signed(way.next_search_in->ms());
    if (!way.last_error.empty()) json.key("last_error").foreign(way.last_error);
    json.end();
}

void write_relay(Json& json, const p2p::RelayStats& relay) {
    json.begin();
    json.key("sent").number(relay.sent).key("delivered").number(relay.delivered);
    json.key("undeliverable").number(relay.undeliverable).key("waiting").number(relay.waiting);
    json.key("seeks").number(relay.seeks).key("repeated").number(relay.repeated);
    json.key("carried").number(relay.carried).key("carried_bytes").number(relay.carried_bytes);
    json.key("over_rate").number(relay.over_rate).key("no_way").number(relay.no_way);
    json.key("stale").number(relay.stale).key("late").number(relay.late);
    json.key("duplicates").number(relay.duplicates).key("unopened").number(relay.unopened);
    json.key("peers").number(relay.peers).key("ways").number(relay.ways);
    json.end();
}

void write_stats(Json& json, const p2p::PeerNetworkStats& stats) {
    json.begin();
    json.key("connected").number(stats.connected).key("known_addresses").number(stats.known_addresses);
    json.key("banned").number(stats.banned);
    json.key("frames_in").number(stats.frames_in).key("frames_out").number(stats.frames_out);
    json.key("bytes_in").number(stats.bytes_in).key("bytes_out").number(stats.bytes_out);
    json.key("saved_in").number(stats.saved_in).key("saved_out").number(stats.saved_out);
    json.key("handshakes_refused").number(stats.handshakes_refused).key("bans").number(stats.bans);
    json.key("feelers").number(stats.feelers);
    json.key("duplicates_dropped").number(stats.duplicates_dropped);
    json.key("undeliverable").number(stats.undeliverable);
    json.key("retry_queue").number(stats.retry_queue);
    json.key("gossip");
    write_gossip(json, stats);
    json.key("relay");
    write_relay(json, stats.relay);
    json.end();
}

}  // namespace

void write_way_in(Json& json, const p2p::NatInfo& info) {
    json.begin();
    json.key("reach").text(p2p::to_string(info.reach));
    write_time(json, "reach_since", info.reach_since);
    write_time(json, "last_proof", info.last_proof);
    json.key("told_port").small(info.told_port);
    if (!info.seen_host.empty()) {
        json.key("seen_address").text(info.seen_host);
        json.key("seen_by_networks").small(info.seen_by);
    }
    json.key("port_mapping").text(info.state);
    if (info.mapping) {
        json.key("method").text(info.mapping->method);
        json.key("gateway").foreign(info.mapping->gateway);
        json.key("internal_address").foreign(info.mapping->internal_host);
        json.key("external_address").foreign(info.mapping->external_host);
        json.key("external_port").small(info.mapping->external_port);
        write_time(json, "lease_until", info.mapping->until);
    }
    if (!info.last_error.empty()) json.key("last_error").foreign(info.last_error);
    json.key("dial_backs_asked").number(info.asked);
    json.key("dial_backs_done").number(info.dialled_back);
    json.key("dial_backs_refused").number(info.dial_backs_refused);
    json.end();
}

void write_gossip(Json& json, const p2p::PeerNetworkStats& stats) {
    const p2p::GossipStats& gossip = stats.gossip;
    json.begin();
    json.key("policy").text(p2p::to_string(stats.gossip_policy));
    json.key("messages").number(gossip.messages).key("seen").number(gossip.seen);
    json.key("duplicates").number(gossip.duplicates).key("repaired").number(gossip.repaired);
    json.key("refused").number(gossip.refused).key("pulled").number(gossip.pulled);
    json.key("passed_on").number(gossip.passed_on);
    json.key("grafts").number(gossip.grafts).key("prunes").number(gossip.prunes);
    json.key("payload_bytes_in").number(gossip.payload_bytes_in);
    json.key("bytes_out").number(gossip.bytes_out);
    json.key("amplification_milli").number(gossip.amplification_milli());
    json.key("hops_milli").number(gossip.seen == 0 ? 0 : gossip.hops_sum * 1'000 / gossip.seen);
    json.key("hops_max").number(gossip.hops_max);
    json.key("peers").number(gossip.peers).key("active_peers").number(gossip.neighbours);
    json.key("eager_peers").number(gossip.eager);
    json.key("kept_messages").number(gossip.kept_messages).key("kept_bytes").number(gossip.kept_bytes);
    json.end();
}

std::string services_json(std::string_view service, const std::vector<p2p::ServiceInfo>& nodes) {
    Json json;
    json.begin().key("service").text(service).key("nodes").begin_list();
    for (const p2p::ServiceInfo& node : nodes) {
        json.begin().key("id").hex(node.id).key("address").foreign(node.address);
        json.key("connected").flag(node.is_connected).key("services").begin_list();
        for (const std::string& one : node.services)
            json.text(one);
        json.end_list();
        if (node.told_by) json.key("told_by").hex(*node.told_by);
        json.key("heard_ms_ago").number_signed(node.heard_ago.ms());
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string peers_json(const p2p::PeerNetwork* network, const std::vector<p2p::PeerInfo>& peers) {
    Json json;
    json.begin().key("enabled").flag(network != nullptr).key("peers").begin_list();
    for (const p2p::PeerInfo& peer : peers)
        write_peer(json, peer);
    json.end_list().key("discovery").begin_list();
    for (const p2p::DiscoveryInfo& way : network ? network->discovery() : std::vector<p2p::DiscoveryInfo>())
        write_discovery(json, way);
    json.end_list();
    if (network) {
        json.key("way_in");
        write_way_in(json, network->nat());
    }
    json.key("stats");
    write_stats(json, network ? network->stats() : p2p::PeerNetworkStats{});
    json.end();
    return json.take();
}

}  // namespace peerbook::app
