// Settings of one node process: flags > environment > file (peerbook.toml) > defaults. Each value knows where
// it came from; `peerbook config show` prints that.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace peerbook::config {

struct Settings {
    std::string data_dir = "~/.peerbook";  // --data-dir, PEERBOOK_DATA_DIR
    std::string network_file;              // --network, PEERBOOK_NETWORK; empty: the built-in demo network
    std::string passphrase_file;  // --passphrase-file / PEERBOOK_PASSPHRASE_FILE; of an encrypted node key
    bool found = false;           // --found, PEERBOOK_FOUND: this node is view 1

    bool p2p_enabled = true;                    // --p2p / P2P_ENABLED
    std::string p2p_host = "0.0.0.0";           // --p2p-host / P2P_HOST
    std::uint16_t p2p_port = 3000;              // --p2p-port / P2P_PORT
    bool p2p_plain_tcp = false;                 // --p2p-plain-tcp: no TLS
    bool p2p_compression = true;                // --p2p-compression / P2P_COMPRESSION
    bool p2p_broadcast = true;                  // --broadcast / PEERBOOK_BROADCAST
    bool p2p_mdns = true;                       // --mdns / DISCOVERY_MDNS
    std::string p2p_nat = "auto";               // --nat / P2P_NAT
    std::vector<std::string> bootstrap;         // --bootstrap (repeatable, commas) / BOOTSTRAP_PEERS
    std::uint32_t max_peers = 50;               // --max-peers / MAX_PEERS
    std::uint32_t reconnect_interval_s = 3600;  // cap of the backoff; PEER_RECONNECT_INTERVAL, seconds
    std::string peer_storage_path;              // PEER_STORAGE_PATH; empty: <data_dir>/peers.json
    std::string certificate_file;  // --certificate / PEERBOOK_CERTIFICATE; empty: <data_dir>/certificate

    bool grenache = false;                             // --grenache / DISCOVERY_GRENACHE
    std::string grape_url = "http://127.0.0.1:30001";  // --grape-url / GRAPE_URL

    bool grenache_rpc = false;                  // --grenache-rpc / GRENACHE_RPC; legacy means it too
    std::string grenache_rpc_host = "0.0.0.0";  // --grenache-rpc-host / GRENACHE_RPC_HOST
    std::uint16_t grenache_rpc_port = 3001;     // --grenache-rpc-port / GRENACHE_RPC_PORT
    // No connections of its own: peers are found through the Grape, and all is carried by Grenache's RPC.
    bool is_legacy() const { return !p2p_enabled && grenache; }
    bool serves_rpc() const { return grenache_rpc || is_legacy(); }
    bool has_peers() const { return p2p_enabled || is_legacy(); }

    std::vector<std::string> registries;    // --registries / BOOTSTRAP_REGISTRIES; http://host:port
    bool serve_registry = false;            // --serve-registry / REGISTRY_SERVE
    std::string registry_host = "0.0.0.0";  // --registry-host / REGISTRY_HOST
    std::uint16_t registry_port = 8081;     // --registry-port / REGISTRY_PORT

    bool dht_enabled = false;                // --dht / DHT; embedded_grape means it too
    std::uint16_t dht_port = 20001;          // --dht-port / DHT_PORT or GRAPE_DHT_PORT; UDP
    std::vector<std::string> dht_bootstrap;  // --dht-bootstrap / DHT_BOOTSTRAP or GRAPE_BOOTSTRAP_NODES
    bool embedded_grape = false;             // --embedded-grape / EMBEDDED_GRAPE
    std::string grape_host = "127.0.0.1";    // --grape-api-host / GRAPE_API_HOST
    std::uint16_t grape_port = 30001;        // --grape-api-port / GRAPE_API_PORT
    bool runs_dht() const { return dht_enabled || embedded_grape; }

    // How blocks spread; 0: by the size of the network. p2p/gossip/gossip_settings.h checks what fits
    // together.
    std::string gossip = "auto";             // --gossip / P2P_GOSSIP
    std::uint32_t gossip_direct_nodes = 16;  // --gossip-direct-nodes / P2P_GOSSIP_DIRECT_NODES; as all below
    std::uint32_t gossip_fanout = 0;
    std::uint32_t gossip_interval_ms = 0;
    std::uint32_t gossip_age_ms = 0;
    std::uint32_t gossip_forward_ppm = 700'000;
    std::uint32_t gossip_push_ppm = 700'000;
    std::uint32_t gossip_forwards = 5;
    std::uint32_t gossip_ttl = 32;
    std::uint32_t gossip_anti_entropy_interval_ms = 30'000;
    std::uint32_t gossip_anti_entropy_peers = 3;
    std::uint32_t gossip_prune_interval_ms = 30'000;
    std::uint32_t gossip_dedup_window_ms = 300'000;

    std::string api_host = "127.0.0.1";  // --api-host / API_HOST
    std::uint16_t api_port = 8080;       // --api-port / API_PORT

    bool use_stdin = false;           // --stdin; also where standard input is a terminal
    bool exit_on_eof = false;         // --exit-on-eof
    bool json = false;                // --json
    std::string log_level = "info";   // --log-level / PEERBOOK_LOG_LEVEL
    std::string log_format = "text";  // --log-format text|json

    std::uint32_t batch_delay_us = 1'000;  // own blocks are made at most this long after their first command
    std::uint32_t ack_delay_ms = 5;        // T_ack of rule 7, exchange/ordering/RULES.md
    std::uint32_t suspect_after_ms = 10'000;  // T_suspect of rule 9; 0: never
    bool leave_on_stop = true;                // rule 16
};

// Key (as in the file, e.g. "p2p.port") → final value and where it came from.
struct SettingValue {
    std::string text;
    std::string source;  // "flag --p2p-port", "environment P2P_PORT", "file /x/peerbook.toml:3", "default"
};
using SettingMap = std::map<std::string, SettingValue>;

enum class SettingKind : std::uint8_t {
    boolean,  // in flags and environment: true, yes, on, 1, false, no, off, 0
    integer,
    text,
    list,  // in flags and environment: parts between commas
};

// One row a setting, for --help, config show and the documentation.
struct SettingRow {
    std::string key;          // "p2p.port"
    std::string environment;  // "P2P_PORT"
    std::string flag;         // "--p2p-port"
    std::string fallback;     // the default, as text
    std::string help;
    SettingKind kind = SettingKind::text;
    std::string allowed;  // "an integer from 0 to 65535"
};
const std::vector<SettingRow>& setting_rows();

inline constexpr std::size_t settings_file_bytes_max = 64 * 1024;
inline constexpr std::size_t bootstrap_peers_max = 1'000;
inline constexpr std::size_t registries_max = 8;  // each is a way to find peers

// Merges the layers and validates each value and their combinations. Errors name key, source, value, and what
// is allowed; an unknown key comes with the nearest known one.
//
// flags: by setting key ("p2p.port") or by flag ("--p2p-port"); a repeated list flag comes joined by commas.
// environment: all variables of the process; those that no setting names are ignored, except that an unknown
// PEERBOOK_… is an error. An empty variable counts as not set. "~/" at the start of a path stands for HOME.
// Errors: invalid_input, and those of reading the file.
struct LoadedSettings {
    Settings settings;
    SettingMap origin;  // every key with its final value and source
};
Result<LoadedSettings> load_settings(const std::map<std::string, std::string>& flags,
                                     const std::map<std::string, std::string>& environment,
                                     const std::string& file_path_or_empty);

}  // namespace peerbook::config
