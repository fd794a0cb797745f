// Which node id each e-mail address was seen with, by certificates of the network's authority: one address,
// one id.
//
// What is promised, and by whom: this node takes at most one id for an address at a time. The first one that
// proved its key here holds the address until the last certificate that it showed has expired; a second id is
// refused as long, also after a restart. Nodes that met different ids first may each hold to theirs, if the
// authority signed both; that no two ids have an address everywhere is the authority's promise (`peerbook
// authority issue` keeps it).
//
// Only the authority's certificates fill this, so only it could fill it up: above bindings_max nobody new is
// taken. The text that outlives the process has one binding a line. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "p2p/authority/node_certificate.h"

namespace peerbook::p2p {

class AddressBindings {
  public:
    static constexpr std::size_t bindings_max = 8'192;
    static constexpr std::size_t text_bytes_max = 4 << 20;

    // `certificate` is genuine and holds. Errors: conflict (another id has the address), unavailable (full).
    Status bind(const NodeCertificate& certificate, WallTime now);
    std::size_t size() const { return bindings_.size(); }
    // How often bind() changed something; tells when to_text() is to be written.
    std::uint64_t changes() const { return changes_; }

    // "address node-id expiry-in-ms" a line, by address.
    std::string to_text(WallTime now) const;
    // What to_text() gave; replaces what is here. Error: corrupt, with the line; then nothing changed.
    Status load_text(std::string_view text, WallTime now);

  private:
    struct Binding {
        PeerId node;
        WallTime until;
    };
    std::map<std::string, Binding, std::less<>> bindings_;
    std::uint64_t changes_ = 0;
};

}  // namespace peerbook::p2p
