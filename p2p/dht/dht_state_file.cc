#include "p2p/dht/dht_state_file.h"

#include <cstdio>
#include <utility>
#include <vector>

#include <filesystem>
#include <fstream>

#include <libtorrent/bdecode.hpp>
#include <libtorrent/session.hpp>

#include "base/log.h"
#include "base/whole_file.h"
#include "p2p/dht/dht_node.h"

namespace peerbook::p2p {

namespace {

constexpr const char* subsystem = "dht";
constexpr int saved_nodes_max = 1'000;

}  // namespace

lt::dht::dht_state load_dht_state(const std::string& path) {
    std::error_code absent;
    if (path.empty() || !std::filesystem::exists(path, absent)) return {};
    const auto unusable = [&](const std::string& why) {
        log_warn(subsystem, "the file " + path + " " + why +
                                "; the DHT starts without the nodes of the last run and writes it anew");
        return lt::dht::dht_state{};
    };
    std::ifstream file(path, std::ios::binary);
    std::string bytes(dht_state_bytes_max + 1, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || (!file && !file.eof())) return unusable("cannot be read");
    if (bytes.size() > dht_state_bytes_max)
        return unusable("is above " + std::to_string(dht_state_bytes_max) + " bytes");
    lt::error_code failure;
    const lt::bdecode_node root = lt::bdecode(bytes, failure);
    if (failure || root.type() != lt::bdecode_node::dict_t || !root.dict_find_dict("dht state"))
        return unusable("is damaged");
    return lt::read_session_params(root, lt::session_handle::save_dht_state).dht_state;
}

void save_dht_state(const std::string& path, lt::dht::dht_state state) {
    if (path.empty()) return;
    for (auto* nodes : {&state.nodes, &state.nodes6})
        if (nodes->size() > saved_nodes_max) nodes->resize(saved_nodes_max);
    lt::session_params params;
    params.dht_state = std::move(state);
    const std::vector<char> bytes = lt::write_session_params_buf(params, lt::session_handle::save_dht_state);
    if (!replace_file(path, {bytes.data(), bytes.size()}, Durability::renamed).ok())
        log_warn(subsystem,
                 "cannot write " + path + ": the next start has to find its way into the DHT anew");
}

}  // namespace peerbook::p2p
