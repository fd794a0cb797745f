// A view: who orders and settles, from which point of the log. Open mode's log is the views' cuts one after
// another. RULES.md, rules 1 and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/strong_id.h"

namespace peerbook::exchange {

// Members are numbered by seniority; member 0 is the elder.
using MemberIndex = StrongId<struct MemberIndexTag, std::uint32_t>;

// The last block of an author that the previous view contains.
struct CutEntry {
    PublicKey author;
    std::uint64_t seq = 0;
    Digest digest;
};

inline constexpr std::size_t view_members_max = 128;

struct View {
    Digest ledger;
    std::uint64_t number = 1;
    Digest previous;                 // zero for view 1
    std::vector<PublicKey> members;  // eldest first
    std::vector<CutEntry> cut;       // empty for view 1
    std::uint64_t base_round = 0;
    std::uint64_t log_length = 0;  // commits in the log before this view
    Digest prefix_hash;            // hash chain over them; zero for an empty log

    std::optional<MemberIndex> index_of(const PublicKey& key) const;
};

// View 1 of the ledger that `members` found on `network`; ledger id = H(network ‖ members). Error: no
// members, more than view_members_max, a member twice.
Result<View> make_first_view(const Digest& network, const std::vector<PublicKey>& members);

// View 1 of the ledger that `members`, the founder first, founded by themselves; ledger id = H(network ‖
// founding ‖ members). `founding` counts the founder's foundings from 1, so that a ledger that was given up
// is never entered again. Errors: as make_first_view(), and invalid_input for founding 0.
Result<View> make_founded_view(const Digest& network, const std::vector<PublicKey>& members,
                               std::uint64_t founding);

// Number 0: the node has no ledger yet. It executes its own users' commands, and nothing settles.
// Its `previous` only tells one such time from the next, and is never encoded for others.
View make_no_ledger(const PublicKey& self);
// After the node gave up or left a ledger, `left`, and was in the view 0 `before` until it entered it. It may
// enter the same one more than once.
View make_no_ledger_again(const PublicKey& self, const Digest& before, const Digest& left);

// Longest encoding: members, cut and the fixed fields.
inline constexpr std::size_t view_bytes_max = 32 * 1024;

Bytes encode_view(const View& view);
Result<View> decode_view(ByteView bytes);
Digest digest_of(const View& view);

// The last accepted block of one member in one view; seq 0 and a zero digest for none. Author chains have no
// gaps, so it names all of that author's blocks.
struct ChainTip {
    std::uint64_t seq = 0;
    Digest digest;
    friend bool operator==(const ChainTip&, const ChainTip&) = default;
};
using ChainTips = std::vector<ChainTip>;  // one a member, in view order

// Whether `next` may come after `view`, as far as the two records tell: its ledger, number and predecessor;
// one cut entry a member of `view`, in view order; members that stay keep their order and stand before those
// that join; round and log do not go back.
Status check_successor(const View& view, const View& next);
// The same, of whichever ledger.
Status check_continuation(const View& view, const View& next);
// The cut of a record that check_successor() takes.
ChainTips cut_tips(const View& next);

// Rule 2: more than half of the members, or exactly half including the elder. `present[i]` stands for member
// i; precondition: present.size() == members.size().
bool is_quorum(const View& view, const std::vector<bool>& present);

}  // namespace peerbook::exchange
