// The peers file: what is kept of peers between two starts, and what `peerbook peers export` gives away.
// JSON, described in PROTOCOL.md. It holds no keys and no secrets, and says so.
//
// Pure: text in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_score.h"

namespace peerbook::p2p {

inline constexpr std::size_t peers_file_bytes_max = 4 * 1024 * 1024;

struct PeersFile {
    struct Peer {  // it answered when this node dialled it
        PeerAddress address;
        PeerId id;
        WallTime seen;
        bool shareable = false;
        bool anchor = false;  // dialled first after a restart
    };
    struct Record {  // what this node saw of it
        PeerId id;
        WallTime since;
        std::uint32_t successes = 0, failures = 0;
        int reputation = 0;  // at `at`
        WallTime at;
    };
    std::vector<Peer> peers;
    std::vector<PeerScores::Ban> bans;
    std::vector<Record> records;
};

// What does not fit into peers_file_bytes_max is left out, records first.
std::string write_peers_file(const PeersFile& file);
// Error: corrupt. Bounded by the size of the text.
Result<PeersFile> parse_peers_file(std::string_view text);

}  // namespace peerbook::p2p
