#include "app/api/peer_calls.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "app/api/json_read.h"
#include "app/api/json_write.h"
#include "app/api/query_string.h"

namespace peerbook::app {

namespace {

using p2p::PeerInfo;

constexpr std::size_t id_digits = 64, id_digits_min = 8;

struct Figure {
    const char* name;
    std::int64_t (*of)(const PeerInfo& peer);
};
struct Words {
    const char* name;
    std::string (*of)(const PeerInfo& peer);
};

// What is not known is less than all that is.
template <typename T>
std::int64_t or_least(const std::optional<T>& value) {
    if (!value) return INT64_MIN;
    if constexpr (std::is_same_v<T, WallTime>)
        return value->ms;
    else if constexpr (std::is_same_v<T, Duration>)
        return value->ns;
    else
        return *value;
}

constexpr Figure figures[] = {
    {"health", [](const PeerInfo& p) { return or_least(p.health); }},
    {"availability", [](const PeerInfo& p) { return or_least(p.availability); }},
    {"performance", [](const PeerInfo& p) { return or_least(p.performance); }},
    {"round_trip_us", [](const PeerInfo& p) { return p.round_trip.ns; }},
    {"connected_for_ms", [](const PeerInfo& p) { return p.connected_for.ns; }},
    {"bytes_in", [](const PeerInfo& p) { return static_cast<std::int64_t>(p.bytes_in); }},
    {"bytes_out", [](const PeerInfo& p) { return static_cast<std::int64_t>(p.bytes_out); }},
    {"messages_in", [](const PeerInfo& p) { return static_cast<std::int64_t>(p.messages_in); }},
    {"messages_out", [](const PeerInfo& p) { return static_cast<std::int64_t>(p.messages_out); }},
    {"queued_bytes", [](const PeerInfo& p) { return static_cast<std::int64_t>(p.queued_bytes); }},
    {"reputation", [](const PeerInfo& p) { return std::int64_t{p.reputation}; }},
    {"successes", [](const PeerInfo& p) { return std::int64_t{p.successes}; }},
    {"failures", [](const PeerInfo& p) { return std::int64_t{p.failures}; }},
    {"failures_in_row", [](const PeerInfo& p) { return std::int64_t{p.failures_in_row}; }},
    {"retry_in_ms", [](const PeerInfo& p) { return or_least(p.retry_in); }},
    {"since", [](const PeerInfo& p) { return or_least(p.since); }},
    {"seen", [](const PeerInfo& p) { return or_least(p.seen); }},
    {"banned_until", [](const PeerInfo& p) { return or_least(p.banned_until); }},
    {"configured", [](const PeerInfo& p) { return std::int64_t{p.configured}; }},
};
constexpr Words words[] = {
    {"id", [](const PeerInfo& p) { return to_hex(p.id); }},
    {"address", [](const PeerInfo& p) { return p.address; }},
    {"state", [](const PeerInfo& p) { return p.state; }},
    {"direction", [](const PeerInfo& p) { return std::string(p.outbound ? "outbound" : "inbound"); }},
    {"found_by", [](const PeerInfo& p) { return p.found_by; }},
    {"breaker", [](const PeerInfo& p) { return p.breaker; }},
    {"version", [](const PeerInfo& p) { return p.version; }},
    {"agent", [](const PeerInfo& p) { return p.agent; }},
    {"ledger", [](const PeerInfo& p) { return to_hex(p.ledger); }},
    {"last_error", [](const PeerInfo& p) { return p.last_error; }},
};

std::string all_fields() {
    std::string text;
    for (const Figure& figure : figures)
        text += (text.empty() ? "" : ", ") + std::string(figure.name);
    for (const Words& word : words)
        text += ", " + std::string(word.name);
    return text;
}

template <typename Of>
void sort_by(std::vector<PeerInfo>& peers, Of of, bool falling) {
    std::stable_sort(peers.begin(), peers.end(), [&](const PeerInfo& a, const PeerInfo& b) {
        return falling ? of(b) < of(a) : of(a) < of(b);
    });
}

ApiResponse refused(const Status& status) {
    return error_response(ApiError(status.error()));
}

ApiResponse switched_off() {
    return error_response(ErrorCode::unavailable, "peer-to-peer is switched off");
}

ApiResponse list(const ApiRequest& request, p2p::PeerNetwork* network) {
    auto query = QueryString::parse(request.query, {"sort", "order"});
    if (!query.ok()) return error_response(query.error());
    std::vector<PeerInfo> peers = network ? network->peers() : std::vector<PeerInfo>();
    const std::string field = query.value().text("sort"), order = query.value().text("order");
    if (field.empty() && !order.empty())
        return error_response(ApiError("order: needs sort, for example ?sort=health&order=desc", "order"));
    if (query.value().find("sort"))
        if (auto error = sort_peers(peers, field, order)) return error_response(*error);
    return json_response(peers_json(network, peers));
}

ApiResponse services(const ApiRequest& request, p2p::PeerNetwork* network) {
    auto query = QueryString::parse(request.query, {"name"});
    if (!query.ok()) return error_response(query.error());
    const std::string name = query.value().text("name");
    if (name.empty())
        return error_response(ApiError("name: is missing; for example ?name=market/BTC-USD", "name"));
    if (!network) return switched_off();
    const auto nodes = network->find_service(name);
    if (!nodes) {
        ApiError error(nodes.error());
        if (error.code == ErrorCode::invalid_input) error.field = "name";
        return error_response(error);
    }
    return json_response(services_json(name, *nodes));
}

ApiResponse connect(FlatFields& fields, p2p::PeerNetwork& network) {
    const auto address = fields.find("address");
    if (address == fields.end())
        return error_response(
            ApiError("address: is missing; give for example \"192.0.2.7:3000\"", "address"));
    if (!is_host_and_port(address->second))
        return error_response(
            ApiError("address: must be host:port, not " + quoted(address->second), "address"));
    if (Status status = network.connect(address->second); !status.ok()) return refused(status);
    return json_response(single_json("connecting", address->second));
}

ApiResponse disconnect(FlatFields& fields, p2p::PeerNetwork& network) {
    const auto id = fields.find("id"), address = fields.find("address");
    if ((id == fields.end()) == (address == fields.end()))
        return error_response(ApiError("give either the id of a peer, or an address host:port", "id"));
    if (address != fields.end()) {
        if (!is_host_and_port(address->second))
            return error_response(
                ApiError("address: must be host:port, not " + quoted(address->second), "address"));
        if (Status status = network.forget(address->second); !status.ok()) return refused(status);
        return json_response(single_json("disconnected", address->second));
    }
    auto peer = find_peer_id(network.peers(), id->second);
    if (!peer.ok()) return error_response(peer.error());
    if (Status status = network.disconnect(peer.value()); !status.ok()) return refused(status);
    return json_response(single_json("disconnected", to_hex(peer.value())));
}

ApiResult<p2p::PeerId> named_peer(const FlatFields& fields, const p2p::PeerNetwork& network) {
    const auto id = fields.find("id");
    if (id == fields.end()) return ApiError("id: is missing; GET /api/v1/peers lists them", "id");
    return find_peer_id(network.peers(), id->second);
}

ApiResponse ban(FlatFields& fields, p2p::PeerNetwork& network) {
    std::uint64_t hours = ban_hours;
    if (const auto given = fields.find("hours"); given != fields.end()) {
        const char* end = given->second.data() + given->second.size();
        const auto [at, error] = std::from_chars(given->second.data(), end, hours);
        if (error != std::errc() || at != end || hours < 1 || hours > ban_hours_max)
            return error_response(ApiError("hours: must be a whole number from 1 to " +
                                               std::to_string(ban_hours_max) + ", not " +
                                               quoted(given->second),
                                           "hours"));
    }
    auto peer = named_peer(fields, network);
    if (!peer.ok()) return error_response(peer.error());
    const auto time = Duration::seconds(static_cast<std::int64_t>(hours) * 3600);
    if (Status status = network.ban(peer.value(), time); !status.ok()) return refused(status);
    return json_response(single_json("banned", to_hex(peer.value())));
}

ApiResponse unban(FlatFields& fields, p2p::PeerNetwork& network) {
    auto peer = named_peer(fields, network);
    if (!peer.ok()) return error_response(peer.error());
    if (Status status = network.unban(peer.value()); !status.ok()) return refused(status);
    return json_response(single_json("unbanned", to_hex(peer.value())));
}

ApiResponse broadcast(FlatFields& fields, p2p::PeerNetwork& network) {
    const auto wanted = fields.find("broadcast");
    if (wanted == fields.end() || (wanted->second != "on" && wanted->second != "off"))
        return error_response(ApiError("broadcast: must be \"on\" or \"off\"", "broadcast"));
    network.set_broadcast(wanted->second == "on");
    return json_response(single_json("broadcast", wanted->second));
}

struct Call {
    std::string_view name;
    std::initializer_list<std::string_view> fields;
    ApiResponse (*run)(FlatFields& fields, p2p::PeerNetwork& network);
};

const Call* find_call(std::string_view name) {
    static const Call calls[] = {
        {"connect", {"address"}, connect},       {"disconnect", {"id", "address"}, disconnect},
        {"ban", {"id", "hours"}, ban},           {"unban", {"id"}, unban},
        {"broadcast", {"broadcast"}, broadcast},
    };
    const auto* found = std::find_if(std::begin(calls), std::end(calls),
                                     [name](const Call& one) { return one.name == name; });
    return found == std::end(calls) ? nullptr : found;
}

}  // namespace

std::optional<ApiError> sort_peers(std::vector<PeerInfo>& peers, std::string_view field,
                                   std::string_view order) {
    if (!order.empty() && order != "asc" && order != "desc")
        return ApiError("order: must be \"asc\" or \"desc\", not " + quoted(order), "order");
    const auto* figure = std::find_if(std::begin(figures), std::end(figures),
                                      [field](const Figure& one) { return one.name == field; });
    if (figure != std::end(figures)) {
        sort_by(peers, figure->of, order != "asc");
        return std::nullopt;
    }
    const auto* word = std::find_if(std::begin(words), std::end(words),
                                    [field](const Words& one) { return one.name == field; });
    if (word == std::end(words))
        return ApiError("sort: no field " + quoted(field) + "; there are " + all_fields(), "sort");
    sort_by(peers, word->of, order == "desc");
    return std::nullopt;
}

ApiResult<p2p::PeerId> find_peer_id(const std::vector<PeerInfo>& peers, std::string_view text) {
    if (const auto whole = fixed_from_hex<p2p::PeerId>(text); whole.ok()) return *whole;
    const bool is_hex = text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!is_hex || text.size() < id_digits_min || text.size() >= id_digits)
        return ApiError(
            "id: a peer id has 64 hexadecimal digits, of which the first 8 or more do, not " + quoted(text),
            "id");
    std::optional<p2p::PeerId> found;
    for (const PeerInfo& peer : peers) {
        if (peer.id.is_zero() || !to_hex(peer.id).starts_with(text)) continue;
        if (found && *found != peer.id)
            return ApiError("id: more than one peer's id begins with " + quoted(text), "id");
        found = peer.id;
    }
    if (found) return *found;
    ApiError error("id: no peer's id begins with " + quoted(text), "id");
    error.code = ErrorCode::not_found;
    return error;
}

ApiResponse answer_peer_call(ApiRequest& request, std::string_view call, p2p::PeerNetwork* network) {
    if (call.empty()) {
        if (request.method != "GET") return method_not_allowed("GET");
        return list(request, network);
    }
    if (call == "services") {
        if (request.method != "GET") return method_not_allowed("GET");
        return services(request, network);
    }
    const Call* known = find_call(call);
    if (!known && call != "export" && call != "import" && call != "rotate-transport")
        return error_response(ErrorCode::not_found, "no such path: " + printable(request.path, 100));
    const char* method = call == "export" ? "GET" : "POST";
    if (request.method != method) return method_not_allowed(method);
    if (auto query = QueryString::parse(request.query, {}); !query.ok()) return error_response(query.error());
    if (!network) return switched_off();
    if (call == "export") return json_response(network->export_peers());
    if (call == "rotate-transport") {
        if (!request.body.empty()) return error_response(ApiError("this call takes no body", ""));
        const Result<Digest> certificate = network->rotate_transport_key();
        if (!certificate.ok()) return error_response(ApiError(certificate.error()));
        return json_response(single_json("rotated", to_hex(*certificate)));
    }
    if (call == "import") {
        if (Status status = network->import_peers(request.body); !status.ok()) {
            ApiError error(status.error());
            error.code = ErrorCode::invalid_input;  // of this request, whose body it is
            return error_response(error);
        }
        return json_response(single_json("imported", std::to_string(network->stats().known_addresses)));
    }
    auto fields = read_flat_object(request.body, known->fields);
    if (!fields.ok()) return error_response(fields.error());
    return known->run(fields.value(), *network);
}

}  // namespace peerbook::app
