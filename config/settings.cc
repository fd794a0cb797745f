#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "config/nearest_name.h"
#include "config/sources.h"

namespace peerbook::config {

namespace {

using Kind = DocumentValue::Kind;

// A value as a layer gave it.
struct RawValue {
    std::string text;
    std::string source;
};
using Layer = std::map<std::string, RawValue>;

using Target = std::variant<bool Settings::*, std::uint16_t Settings::*, std::uint32_t Settings::*,
                            std::string Settings::*, std::vector<std::string> Settings::*>;

struct Definition {
    SettingRow row;
    Target target;
    std::uint64_t min = 0;
    std::uint64_t max = 0;                               // of a list: parts
    bool (*accepts)(const std::string& text) = nullptr;  // for texts and for each part of a list
    bool is_path = false;
};

bool is_host(const std::string& text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '-' || c == ':' || c == '_';
    });
}

std::optional<std::uint64_t> parse_integer(const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// host:port, or [v6 address]:port.
bool is_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return false;
    const std::optional<std::uint64_t> port = parse_integer(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65'535) return false;
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return false;
    return is_host(host);
}

bool is_any(const std::string&) {
    return true;
}
bool is_not_empty(const std::string& text) {
    return !text.empty();
}
bool is_log_level(const std::string& text) {
    return text == "trace" || text == "debug" || text == "info" || text == "warn" || text == "error" ||
           text == "off";
}
bool is_gossip_policy(const std::string& text) {
    return text == "auto" || text == "direct" || text == "tree" || text == "epidemic" || text == "flood";
}
bool is_nat_way(const std::string& text) {
    return text == "auto" || text == "on" || text == "upnp" || text == "nat-pmp" || text == "off";
}
bool is_log_format(const std::string& text) {
    return text == "text" || text == "json";
}

Definition boolean(const char* key, const char* environment, const char* flag, bool fallback,
                   bool Settings::*target, const char* help) {
    return {
        {key, environment, flag, fallback ? "true" : "false", help, SettingKind::boolean, "true or false"},
        target};
}

bool is_http_url(const std::string& text) {
    constexpr std::string_view scheme = "http://";
    if (!text.starts_with(scheme)) return false;
    std::string rest = text.substr(scheme.size());
    if (rest.ends_with('/')) rest.pop_back();
    return is_address(rest);
}

template <typename Integer>
Definition integer(const char* key, const char* environment, const char* flag, Integer fallback,
                   Integer Settings::*target, std::uint64_t min, std::uint64_t max, const char* help) {
    return {{key, environment, flag, std::to_string(fallback), help, SettingKind::integer,
             "an integer from " + std::to_string(min) + " to " + std::to_string(max)},
            target,
            min,
            max};
}

Definition text(const char* key, const char* environment, const char* flag, const char* fallback,
                std::string Settings::*target, bool (*accepts)(const std::string&), const char* allowed,
                const char* help) {
    return {{key, environment, flag, fallback, help, SettingKind::text, allowed}, target, 0, 0, accepts};
}

Definition path(const char* key, const char* environment, const char* flag, const char* fallback,
                std::string Settings::*target, bool (*accepts)(const std::string&), const char* allowed,
                const char* help) {
    Definition definition = text(key, environment, flag, fallback, target, accepts, allowed, help);
    definition.is_path = true;
    return definition;
}

std::vector<Definition> make_definitions() {
    using S = Settings;
    return {
        path("data_dir", "PEERBOOK_DATA_DIR", "--data-dir", "~/.peerbook", &S::data_dir, is_not_empty,
             "a directory", "keys, journal and index of this node; one process at a time"),
        path("network", "PEERBOOK_NETWORK", "--network", "", &S::network_file, is_any, "a file, or empty",
             "network file; empty: the built-in demo network"),
        path("passphrase_file", "PEERBOOK_PASSPHRASE_FILE", "--passphrase-file", "", &S::passphrase_file,
             is_any, "a file, or empty", "its first line opens an encrypted node key"),
        boolean("found", "PEERBOOK_FOUND", "--found", false, &S::found,
                "this node alone founds the ledger: it is view 1"),
        boolean("p2p.enabled", "P2P_ENABLED", "--p2p", true, &S::p2p_enabled, "speak to other nodes"),
        text("p2p.host", "P2P_HOST", "--p2p-host", "0.0.0.0", &S::p2p_host, is_host, "a host name or address",
             "where to listen for peers"),
        integer<std::uint16_t>("p2p.port", "P2P_PORT", "--p2p-port", 3000, &S::p2p_port, 0, 65'535,
                               "port for peers; 0: any free one"),
        boolean("p2p.plain_tcp", "P2P_PLAIN_TCP", "--p2p-plain-tcp", false, &S::p2p_plain_tcp,
                "no TLS between peers; for tests on a trusted wire"),
        boolean("p2p.compression", "P2P_COMPRESSION", "--p2p-compression", true, &S::p2p_compression,
                "send blocks compressed to peers that take them so, and take them"),
        boolean("p2p.broadcast", "PEERBOOK_BROADCAST", "--broadcast", true, &S::p2p_broadcast,
                "announce and share this node's address"),
        boolean("p2p.mdns", "DISCOVERY_MDNS", "--mdns", true, &S::p2p_mdns,
                "find nodes in the local network, and be found there"),
        text("p2p.nat", "P2P_NAT", "--nat", "auto", &S::p2p_nat, is_nat_way,
             "auto (or on), upnp, nat-pmp or off",
             "how to ask the gateway to forward the port for peers; nothing is asked where p2p.broadcast is "
             "off"),
        {{"p2p.bootstrap", "BOOTSTRAP_PEERS", "--bootstrap", "", "peers to connect to at the start",
          SettingKind::list,
          "host:port (or [v6 address]:port), at most " + std::to_string(bootstrap_peers_max)},
         &S::bootstrap,
         0,
         bootstrap_peers_max,
         is_address},
        integer<std::uint32_t>("p2p.max_peers", "MAX_PEERS", "--max-peers", 50, &S::max_peers, 1, 10'000,
                               "connections to peers, both directions"),
        integer<std::uint32_t>("p2p.reconnect_interval_s", "PEER_RECONNECT_INTERVAL",
                               "--reconnect-interval-s", 3600, &S::reconnect_interval_s, 1, 86'400,
                               "longest pause between attempts to reconnect, seconds"),
        path("p2p.peer_storage_path", "PEER_STORAGE_PATH", "--peer-storage-path", "", &S::peer_storage_path,
             is_any, "a file, or empty",
             "where known peers are kept; empty: peers.json in the data directory"),
        path("p2p.certificate", "PEERBOOK_CERTIFICATE", "--certificate", "", &S::certificate_file, is_any,
             "a file, or empty",
             "this node's, where the network has an authority; empty: certificate in the data directory"),
        boolean("p2p.grenache", "DISCOVERY_GRENACHE", "--grenache", false, &S::grenache,
                "find nodes through a Grape, and be found there"),
        text("p2p.grape_url", "GRAPE_URL", "--grape-url", "http://127.0.0.1:30001", &S::grape_url,
             is_http_url, "http://host:port", "where that Grape answers"),
        boolean(
            "p2p.grenache_rpc", "GRENACHE_RPC", "--grenache-rpc", false, &S::grenache_rpc,
            "serve Grenache's RPC to whoever can connect; with p2p.grenache also to be reached by it, and to "
            "reach others, where no connection can be had"),
        text("p2p.grenache_rpc_host", "GRENACHE_RPC_HOST", "--grenache-rpc-host", "0.0.0.0",
             &S::grenache_rpc_host, is_host, "an IP address or localhost",
             "where to serve it; nothing else is served there"),
        integer<std::uint16_t>("p2p.grenache_rpc_port", "GRENACHE_RPC_PORT", "--grenache-rpc-port", 3001,
                               &S::grenache_rpc_port, 0, 65'535, "port for it; 0: any free one"),
        {{"p2p.registries", "BOOTSTRAP_REGISTRIES", "--registries", "",
          "bootstrap registries to find nodes by, and to be listed in", SettingKind::list,
          "http://host:port, at most " + std::to_string(registries_max) + ", each once"},
         &S::registries,
         0,
         registries_max,
         is_http_url},
        boolean("registry.serve", "REGISTRY_SERVE", "--serve-registry", false, &S::serve_registry,
                "serve a bootstrap registry to whoever can connect"),
        text("registry.host", "REGISTRY_HOST", "--registry-host", "0.0.0.0", &S::registry_host, is_host,
             "an IP address or localhost", "where to serve it; nothing else is served there"),
        integer<std::uint16_t>("registry.port", "REGISTRY_PORT", "--registry-port", 8081, &S::registry_port,
                               0, 65'535, "port for it; 0: any free one"),
        boolean("dht.enabled", "DHT", "--dht", false, &S::dht_enabled,
                "find nodes by a Kademlia DHT, and be found there"),
        integer<std::uint16_t>("dht.port", "DHT_PORT", "--dht-port", 20001, &S::dht_port, 0, 65'535,
                               "UDP port of the DHT; 0: any free one"),
        {{"dht.bootstrap", "DHT_BOOTSTRAP", "--dht-bootstrap", "", "nodes of the DHT to begin with",
          SettingKind::list,
          "host:port (or [v6 address]:port), at most " + std::to_string(bootstrap_peers_max)},
         &S::dht_bootstrap,
         0,
         bootstrap_peers_max,
         is_address},
        boolean("dht.embedded_grape", "EMBEDDED_GRAPE", "--embedded-grape", false, &S::embedded_grape,
                "serve Grape's HTTP API on the DHT, for Grenache's clients"),
        text("dht.grape_api_host", "GRAPE_API_HOST", "--grape-api-host", "127.0.0.1", &S::grape_host, is_host,
             "an IP address or localhost", "where to serve it; whoever can connect can use it"),
        integer<std::uint16_t>("dht.grape_api_port", "GRAPE_API_PORT", "--grape-api-port", 30001,
                               &S::grape_port, 0, 65'535, "port for it; 0: any free one"),
        text("p2p.gossip", "P2P_GOSSIP", "--gossip", "auto", &S::gossip, is_gossip_policy,
             "auto, direct, tree, epidemic or flood", "how blocks spread through the network"),
        integer<std::uint32_t>("p2p.gossip_direct_nodes", "P2P_GOSSIP_DIRECT_NODES", "--gossip-direct-nodes",
                               16, &S::gossip_direct_nodes, 1, 1'000,
                               "auto: a network of more nodes gets a tree, a smaller one nobody relays in"),
        integer<std::uint32_t>(
            "p2p.gossip_fanout", "P2P_GOSSIP_FANOUT", "--gossip-fanout", 0, &S::gossip_fanout, 0, 64,
            "epidemic: peers that a message is passed on to; 0: 3, 4 or 6 by the size of the network"),
        integer<std::uint32_t>("p2p.gossip_interval_ms", "P2P_GOSSIP_INTERVAL_MS", "--gossip-interval-ms", 0,
                               &S::gossip_interval_ms, 0, 60'000,
                               "epidemic: between two rounds, milliseconds; 0: by the size of the network"),
        integer<std::uint32_t>("p2p.gossip_age_ms", "P2P_GOSSIP_AGE_MS", "--gossip-age-ms", 0,
                               &S::gossip_age_ms, 0, 600'000,
                               "an older message is not passed on, milliseconds, blocks excepted; 0: by the "
                               "size of the network"),
        integer<std::uint32_t>("p2p.gossip_forward_ppm", "P2P_GOSSIP_FORWARD_PPM", "--gossip-forward-ppm",
                               700'000, &S::gossip_forward_ppm, 0, 1'000'000,
                               "epidemic: a node passes a message on with this probability, millionths"),
        integer<std::uint32_t>("p2p.gossip_push_ppm", "P2P_GOSSIP_PUSH_PPM", "--gossip-push-ppm", 700'000,
                               &S::gossip_push_ppm, 0, 1'000'000,
                               "epidemic: share of the rounds that announce, the others ask, millionths"),
        integer<std::uint32_t>("p2p.gossip_forwards", "P2P_GOSSIP_FORWARDS", "--gossip-forwards", 5,
                               &S::gossip_forwards, 0, 32,
                               "epidemic: relays between the author and the last receiver"),
        integer<std::uint32_t>("p2p.gossip_ttl", "P2P_GOSSIP_TTL", "--gossip-ttl", 32, &S::gossip_ttl, 1, 32,
                               "relays between the author and the last receiver, however a message spreads"),
        integer<std::uint32_t>("p2p.gossip_anti_entropy_interval_ms", "P2P_GOSSIP_ANTI_ENTROPY_INTERVAL_MS",
                               "--gossip-anti-entropy-interval-ms", 30'000,
                               &S::gossip_anti_entropy_interval_ms, 100, 3'600'000,
                               "between two comparisons with some peers, milliseconds"),
        integer<std::uint32_t>("p2p.gossip_anti_entropy_peers", "P2P_GOSSIP_ANTI_ENTROPY_PEERS",
                               "--gossip-anti-entropy-peers", 3, &S::gossip_anti_entropy_peers, 1, 64,
                               "with so many peers each time"),
        integer<std::uint32_t>("p2p.gossip_prune_interval_ms", "P2P_GOSSIP_PRUNE_INTERVAL_MS",
                               "--gossip-prune-interval-ms", 30'000, &S::gossip_prune_interval_ms, 100,
                               600'000, "between two looks for what is kept too long, milliseconds"),
        integer<std::uint32_t>("p2p.gossip_dedup_window_ms", "P2P_GOSSIP_DEDUP_WINDOW_MS",
                               "--gossip-dedup-window-ms", 300'000, &S::gossip_dedup_window_ms, 1'000,
                               3'600'000, "a message that comes again within this is known, milliseconds"),
        text("api.host", "API_HOST", "--api-host", "127.0.0.1", &S::api_host, is_host,
             "an IP address or localhost", "where to listen for API clients"),
        integer<std::uint16_t>("api.port", "API_PORT", "--api-port", 8080, &S::api_port, 0, 65'535,
                               "port for API clients; 0: any free one"),
        boolean("stdin", "PEERBOOK_STDIN", "--stdin", false, &S::use_stdin,
                "read commands from standard input even where it is no terminal"),
        boolean("exit_on_eof", "PEERBOOK_EXIT_ON_EOF", "--exit-on-eof", false, &S::exit_on_eof,
                "stop the node at the end of standard input"),
        boolean("json", "PEERBOOK_JSON", "--json", false, &S::json, "answer in JSON, one object a line"),
        text("log.level", "PEERBOOK_LOG_LEVEL", "--log-level", "info", &S::log_level, is_log_level,
             "trace, debug, info, warn, error or off", "least important messages to log"),
        text("log.format", "PEERBOOK_LOG_FORMAT", "--log-format", "text", &S::log_format, is_log_format,
             "text or json", "form of log lines"),
        integer<std::uint32_t>(
            "ordering.batch_delay_us", "PEERBOOK_BATCH_DELAY_US", "--batch-delay-us", 1'000,
            &S::batch_delay_us, 0, 1'000'000,
            "own blocks are made at most this long after their first command, microseconds"),
        integer<std::uint32_t>(
            "ordering.ack_delay_ms", "PEERBOOK_ACK_DELAY_MS", "--ack-delay-ms", 5, &S::ack_delay_ms, 1,
            10'000, "an unsettled command of another member is acknowledged within this, milliseconds"),
        integer<std::uint32_t>(
            "ordering.suspect_after_ms", "PEERBOOK_SUSPECT_AFTER_MS", "--suspect-after-ms", 10'000,
            &S::suspect_after_ms, 0, 3'600'000,
            "the others go on without a member that is silent for this long, milliseconds; 0: never"),
        boolean("ordering.leave_on_stop", "PEERBOOK_LEAVE_ON_STOP", "--leave-on-stop", true,
                &S::leave_on_stop,
                "a member that is told to stop asks the others to go on without it at once"),
    };
}

const std::vector<Definition>& definitions() {
    static const std::vector<Definition> all = make_definitions();
    return all;
}

std::vector<std::string> names_of(std::string SettingRow::*name) {
    std::vector<std::string> names;
    for (const Definition& definition : definitions())
        names.push_back(definition.row.*name);
    return names;
}

const Definition* find(std::string SettingRow::*name, const std::string& text) {
    for (const Definition& definition : definitions())
        if (definition.row.*name == text) return &definition;
    return nullptr;
}

Error unknown(const std::string& what, const std::string& name, const std::string& source,
              const std::string& nearest) {
    return {ErrorCode::invalid_input, "unknown " + what + " \"" + name + "\" (" + source +
                                          "); the nearest known one is \"" + nearest + "\""};
}

Error not_allowed(const Definition& definition, const RawValue& value) {
    return {ErrorCode::invalid_input, definition.row.key + ": \"" + value.text + "\" (" + value.source +
                                          ") is not allowed; allowed: " + definition.row.allowed};
}

Result<Layer> flag_layer(const std::map<std::string, std::string>& flags) {
    Layer layer;
    for (const auto& [name, value] : flags) {
        const bool by_flag = name.starts_with("--");
        const Definition* definition = find(by_flag ? &SettingRow::flag : &SettingRow::key, name);
        if (!definition)
            return unknown("flag", name, "command line",
                           nearest_name(name, names_of(by_flag ? &SettingRow::flag : &SettingRow::key)));
        layer[definition->row.key] = {value, "flag " + definition->row.flag};
    }
    return layer;
}

// Names that Grenache's users know, for settings that the DHT has under its own.
constexpr std::pair<const char*, const char*> other_names[] = {{"GRAPE_DHT_PORT", "DHT_PORT"},
                                                               {"GRAPE_BOOTSTRAP_NODES", "DHT_BOOTSTRAP"}};

Result<Layer> environment_layer(const std::map<std::string, std::string>& environment) {
    Layer layer;
    for (const auto& [name, value] : environment) {
        const Definition* definition = find(&SettingRow::environment, name);
        // The passphrase itself is no setting: settings are shown and logged.
        if (name == "PEERBOOK_PASSPHRASE") continue;
        if (!definition && name.starts_with("PEERBOOK_"))
            return unknown("variable", name, "environment",
                           nearest_name(name, names_of(&SettingRow::environment)));
        if (definition && !value.empty()) layer[definition->row.key] = {value, "environment " + name};
    }
    for (const auto& [other, name] : other_names) {
        const auto given = environment.find(other);
        if (given == environment.end() || given->second.empty()) continue;
        const auto [row, is_new] = layer.try_emplace(find(&SettingRow::environment, name)->row.key,
                                                     given->second, std::string("environment ") + other);
        if (!is_new && row->second.text != given->second)
            return Error{ErrorCode::invalid_input, std::string("the variables ") + other + " and " + name +
                                                       " name one setting and differ: leave one out"};
    }
    return layer;
}

// A list's parts as one text, as flags and environment have it; nullopt if a part is no text or has a comma.
std::optional<std::string> joined(const DocumentValue& list) {
    std::string text;
    for (const DocumentValue& item : list.items) {
        if (item.kind != Kind::text || item.text.find(',') != std::string::npos) return std::nullopt;
        text += (text.empty() ? "" : ",") + item.text;
    }
    return text;
}

Status add_file_value(Layer& layer, const std::string& key, const DocumentValue& value,
                      const std::string& path) {
    const std::string source = "file " + path + ":" + std::to_string(value.line);
    if (value.kind == Kind::table) {
        for (const auto& [name, member] : value.members)
            if (Status status = add_file_value(layer, key + "." + name, member, path); !status.ok())
                return status;
        return {};
    }
    const Definition* definition = find(&SettingRow::key, key);
    if (!definition) return unknown("key", key, source, nearest_name(key, names_of(&SettingRow::key)));
    std::optional<std::string> text = value.text;
    bool fits = false;
    switch (definition->row.kind) {
        case SettingKind::boolean:
            fits = value.kind == Kind::boolean;
            break;
        case SettingKind::integer:
            fits = value.kind == Kind::integer;
            break;
        case SettingKind::text:
            fits = value.kind == Kind::text;
            break;
        case SettingKind::list:
            fits = value.kind == Kind::list;
            text = joined(value);
            break;
    }
    if (!fits || !text) {
        static constexpr const char* forms[] = {"true or false without quotes", "a number without quotes",
                                                "a text in quotes", "a list of texts: [\"a\", \"b\"]"};
        return Error{ErrorCode::invalid_input, key + ": the value (" + source + ") must be written as " +
                                                   forms[static_cast<std::size_t>(definition->row.kind)] +
                                                   "; allowed: " + definition->row.allowed};
    }
    layer[key] = {*text, source};
    return {};
}

Result<Layer> file_layer(const std::string& path) {
    Layer layer;
    if (path.empty()) return layer;
    Result<std::string> text = read_text_file(path, settings_file_bytes_max);
    if (!text.ok()) return text.error();
    Result<DocumentValue> document = parse_toml(*text, path);
    if (!document.ok()) return document.error();
    for (const auto& [name, value] : document->members)
        if (Status status = add_file_value(layer, name, value, path); !status.ok()) return status.error();
    return layer;
}

std::optional<bool> parse_boolean(const std::string& text) {
    if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
    if (text == "false" || text == "no" || text == "off" || text == "0") return false;
    return std::nullopt;
}

// Parts between commas, blanks around them taken off; an empty text has none.
std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    if (text.empty()) return parts;
    std::size_t begin = 0;
    while (true) {
        const std::size_t comma = std::min(text.find(',', begin), text.size());
        std::string part = text.substr(begin, comma - begin);
        part.erase(0, part.find_first_not_of(' '));
        part.erase(part.find_last_not_of(' ') + 1);
        parts.push_back(std::move(part));
        if (comma == text.size()) return parts;
        begin = comma + 1;
    }
}

std::string_view without_slash(std::string_view url) {
    return url.substr(0, url.size() - (url.ends_with('/') ? 1 : 0));
}

// Puts the value into `settings`; false if it is not allowed.
bool assign(Settings& settings, const Definition& definition, const std::string& text) {
    if (auto* flag = std::get_if<bool Settings::*>(&definition.target)) {
        const std::optional<bool> value = parse_boolean(text);
        if (value) settings.** flag = *value;
        return value.has_value();
    }
    if (auto* list = std::get_if<std::vector<std::string> Settings::*>(&definition.target)) {
        std::vector<std::string> parts = split(text);
        if (parts.size() > definition.max || !std::all_of(parts.begin(), parts.end(), definition.accepts))
            return false;
        settings.** list = std::move(parts);
        return true;
    }
    if (auto* words = std::get_if<std::string Settings::*>(&definition.target)) {
        settings.** words = text;
        return definition.accepts(text);
    }
    const std::optional<std::uint64_t> number = parse_integer(text);
    if (!number || *number < definition.min || *number > definition.max) return false;
    if (auto* small = std::get_if<std::uint16_t Settings::*>(&definition.target))
        settings.** small = static_cast<std::uint16_t>(*number);
    else
        settings.*std::get<std::uint32_t Settings::*>(definition.target) =
            static_cast<std::uint32_t>(*number);
    return true;
}

// "~" and "~/x" by HOME. Error if HOME is not set.
Result<std::string> expand_home(const RawValue& value,
                                const std::map<std::string, std::string>& environment) {
    if (value.text != "~" && !value.text.starts_with("~/")) return value.text;
    const auto home = environment.find("HOME");
    if (home == environment.end() || home->second.empty())
        return Error{ErrorCode::invalid_input, "\"" + value.text + "\" (" + value.source +
                                                   ") needs the variable HOME, which is not set"};
    return home->second + value.text.substr(1);
}

bool hosts_overlap(const std::string& a, const std::string& b) {
    const auto is_every = [](const std::string& host) { return host == "0.0.0.0" || host == "::"; };
    return a == b || is_every(a) || is_every(b);
}

// Listeners that share a host have ports of their own. The DHT's is one for TCP as well (p2p/dht/dht_node.h).
template <typename Name>
Status check_ports(const Settings& settings, const Name& name) {
    struct Listener {
        const char* key;
        bool is_on;
        const std::string& host;
        std::uint16_t port;
    };
    const Listener listeners[] = {
        {"p2p.port", settings.p2p_enabled, settings.p2p_host, settings.p2p_port},
        {"api.port", true, settings.api_host, settings.api_port},
        {"p2p.grenache_rpc_port", settings.serves_rpc(), settings.grenache_rpc_host,
         settings.grenache_rpc_port},
        {"registry.port", settings.serve_registry, settings.registry_host, settings.registry_port},
        {"dht.port", settings.runs_dht(), settings.p2p_host, settings.dht_port},
        {"dht.grape_api_port", settings.embedded_grape, settings.grape_host, settings.grape_port}};
    for (const Listener& one : listeners)
        for (const Listener* other = &one + 1; other != std::end(listeners); ++other)
            if (one.is_on && other->is_on && one.port != 0 && one.port == other->port &&
                hosts_overlap(one.host, other->host))
                return Error{ErrorCode::invalid_input, name(one.key) + " and " + name(other->key) +
                                                           " must differ, since they share a host"};
    return {};
}

Status check_combinations(const LoadedSettings& loaded) {
    const Settings& settings = loaded.settings;
    const auto name = [&](const char* key) {
        const SettingValue& value = loaded.origin.at(key);
        return std::string(key) + " = " + value.text + " (" + value.source + ")";
    };
    const auto no_use = [&](const char* key, const char* because) {
        return Error{ErrorCode::invalid_input, name(key) + " has no use with " + name(because)};
    };
    if (!settings.p2p_enabled && !settings.bootstrap.empty()) return no_use("p2p.bootstrap", "p2p.enabled");
    if (!settings.p2p_enabled && !settings.registries.empty()) return no_use("p2p.registries", "p2p.enabled");
    const auto& registries = settings.registries;
    for (auto one = registries.begin(); one != registries.end(); ++one)
        if (std::any_of(std::next(one), registries.end(), [&](const std::string& other) {
                return without_slash(other) == without_slash(*one);
            }))
            return Error{ErrorCode::invalid_input, name("p2p.registries") + " names " + *one + " twice"};
    if (!settings.p2p_enabled && settings.dht_enabled) return no_use("dht.enabled", "p2p.enabled");
    if (!settings.runs_dht() && !settings.dht_bootstrap.empty())
        return no_use("dht.bootstrap", "dht.enabled");
    return check_ports(settings, name);
}

}  // namespace

const std::vector<SettingRow>& setting_rows() {
    static const std::vector<SettingRow> rows = [] {
        std::vector<SettingRow> all;
        for (const Definition& definition : definitions())
            all.push_back(definition.row);
        return all;
    }();
    return rows;
}

Result<LoadedSettings> load_settings(const std::map<std::string, std::string>& flags,
                                     const std::map<std::string, std::string>& environment,
                                     const std::string& file_path_or_empty) {
    const Result<Layer> layers[] = {flag_layer(flags), environment_layer(environment),
                                    file_layer(file_path_or_empty)};
    for (const Result<Layer>& layer : layers)
        if (!layer.ok()) return layer.error();

    LoadedSettings loaded;
    for (const Definition& definition : definitions()) {
        const std::string& key = definition.row.key;
        RawValue value{definition.row.fallback, "default"};
        for (const Result<Layer>& layer : layers) {
            if (const auto found = layer->find(key); found != layer->end()) {
                value = found->second;
                break;
            }
        }
        if (definition.is_path) {
            Result<std::string> expanded = expand_home(value, environment);
            if (!expanded.ok()) return expanded.error().within(key);
            value.text = expanded.value();
        }
        if (!assign(loaded.settings, definition, value.text)) return not_allowed(definition, value);
        loaded.origin[key] = {value.text, value.source};
    }
    if (Status status = check_combinations(loaded); !status.ok()) return status.error();
    return loaded;
}

}  // namespace peerbook::config
