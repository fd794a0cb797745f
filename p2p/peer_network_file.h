// What a PeerNetwork keeps on disk: the peers file, and who was seen with which e-mail address. Adapter, for
// the thread of the PeerNetwork.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

class PeerFiles {
  public:
    // Empty paths: nothing is kept.
    PeerFiles(std::string peers_path, std::string bindings_path)
        : peers_path_(std::move(peers_path)), bindings_path_(std::move(bindings_path)) {}

    // Peers that cannot be read are laid aside, and that is logged. Who has an address must not be forgotten
    // like a peer: a damaged file is the operator's to look at. Errors: io, corrupt; the message names it.
    Status load(Now now, PeerManager& manager);
    // If something changed since. Both are for after load(), or what is there would be lost.
    void keep_peers(Now now, const PeerManager& manager);
    // At once after each change, or a second node could take an address after a crash; on the disk. What
    // fails is tried again, and logged once.
    void keep_bindings(Now now, const PeerManager& manager);

  private:
    void load_peers(Now now, PeerManager& manager);
    Status load_bindings(Now now, PeerManager& manager) const;

    std::string peers_path_, bindings_path_;
    std::string kept_;                 // the peers file's content
    std::uint64_t bindings_kept_ = 0;  // of AddressBindings::changes()
    std::optional<MonoTime> bindings_failed_at_;
};

}  // namespace peerbook::p2p
