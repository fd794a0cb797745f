// Who may become a member of a ledger: the network's policy, and invitations that members sign. PROTOCOL.md,
// "View changes", has the bytes.
//
//   named    members of view 1 only
//   invited  whoever was a member before, view 1 included, and keys that enough members of the view that ends
//            have invited
//   anyone   whoever asks. Does not resist Sybils: one party with many keys can take the quorum.
//
// An invitation's time is looked at by the node that takes the request to join, and by nobody after that:
// clocks differ, and who votes on the next view must not depend on them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

inline constexpr std::uint16_t invitation_version = 1;
inline constexpr std::size_t invitation_bytes = 2 + 4 * 32 + 8 + 64;  // of encode_invitation()
inline constexpr std::int64_t invitation_expiry_max_ms = std::int64_t{1} << 53;
// How many a policy may ask for, and one request to join may carry.
inline constexpr std::uint32_t invitations_needed_max = 8;
// Of all keys that one proposal lets in.
inline constexpr std::size_t invitations_per_view_max = 128;

struct Invitation {
    Digest network, ledger;
    PublicKey invited, inviter;
    WallTime expires;
    Signature signature;  // the inviter's
    friend bool operator==(const Invitation&, const Invitation&) = default;
};
// By invited key, then inviter: the order of lists in messages, in which none comes twice.
bool comes_before(const Invitation& a, const Invitation& b);

Invitation make_invitation(const Digest& network, const Digest& ledger, const PublicKey& invited,
                           WallTime expires, const Signer& inviter);
// Whether the inviter signed it.
bool is_genuine(const Invitation& invitation, const Verifier& verifier);

// By itself, as people hand it over.
Bytes encode_invitation(const Invitation& invitation);
// Form only. Error: invalid_input.
Result<Invitation> decode_invitation(ByteView bytes);

// Inside a message, which says network and ledger.
void encode_invitations(Encoder& out, const std::vector<Invitation>& invitations);
std::vector<Invitation> decode_invitations(Decoder& in, std::size_t count_max, const Digest& network,
                                           const Digest& ledger);

enum class Joining : std::uint8_t { named, invited, anyone };

struct AdmissionPolicy {
    Joining joining = Joining::named;
    std::uint32_t invitations_needed = 1;  // by different members; 1 to invitations_needed_max
};

// One ledger's: its policy and who was a member so far. A value; no threads.
class Admission {
  public:
    static constexpr std::size_t known_max = 4'096;  // keys that were members; later ones need invitations

    Admission(AdmissionPolicy policy, const std::vector<PublicKey>& founders);

    const AdmissionPolicy& policy() const { return policy_; }
    // These are members of a later view.
    void were_members(const std::vector<PublicKey>& members);
    // It comes back without an invitation.
    bool is_known(const PublicKey& key) const { return known_.contains(key); }

    // As the policy says, but never more than there are members: nobody could bring more.
    std::size_t invitations_needed(const View& ends) const;
    // What lets `key` into the view after `ends`: the invitations that count, as many as are needed, in
    // order, or none where none is needed. Nullopt: it may not come in. `invitations` are genuine and may be
    // of other keys, by others than members, or twice.
    std::optional<std::vector<Invitation>> grounds(const View& ends, const PublicKey& key,
                                                   const std::vector<Invitation>& invitations) const;

  private:
    AdmissionPolicy policy_;
    std::set<PublicKey> known_;
};

// Those that are for `key` and count in the view that ends, one of each inviter: the one that lasts longest.
std::vector<Invitation> by_members(const View& ends, const PublicKey& key,
                                   const std::vector<Invitation>& invitations);

}  // namespace peerbook::exchange
