#include "exchange/ordering/view.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::exchange {

namespace {

Status check_members(const std::vector<PublicKey>& members) {
    if (members.empty()) return Error{ErrorCode::invalid_input, "a view needs at least one member"};
    if (members.size() > view_members_max)
        return Error{ErrorCode::too_large, "a view has at most " + std::to_string(view_members_max) +
                                               " members, not " + std::to_string(members.size())};
    std::set<PublicKey> seen;
    for (const PublicKey& member : members)
        if (!seen.insert(member).second)
            return Error{ErrorCode::invalid_input, "member " + to_hex(member) + " is listed twice"};
    return {};
}

// `ledger` has taken in what stands before the members in the ledger's id.
Result<View> first_view_of(Hasher ledger, const std::vector<PublicKey>& members) {
    if (Status status = check_members(members); !status.ok()) return status.error();
    ledger.add_u64(members.size());
    for (const PublicKey& member : members)
        ledger.add(member.view());
    View view;
    view.ledger = ledger.finish();
    view.members = members;
    return view;
}

}  // namespace

std::optional<MemberIndex> View::index_of(const PublicKey& key) const {
    auto found = std::find(members.begin(), members.end(), key);
    if (found == members.end()) return std::nullopt;
    return MemberIndex(static_cast<std::uint32_t>(found - members.begin()));
}

Result<View> make_first_view(const Digest& network, const std::vector<PublicKey>& members) {
    Hasher ledger("peerbook ledger");
    ledger.add(network.view());
    return first_view_of(std::move(ledger), members);
}

Result<View> make_founded_view(const Digest& network, const std::vector<PublicKey>& members,
                               std::uint64_t founding) {
    if (founding == 0) return Error{ErrorCode::invalid_input, "foundings are counted from 1"};
    Hasher ledger("peerbook founded ledger");
    ledger.add(network.view());
    ledger.add_u64(founding);
    return first_view_of(std::move(ledger), members);
}

View make_no_ledger(const PublicKey& self) {
    View view;
    view.number = 0;
    view.members = {self};
    return view;
}

View make_no_ledger_again(const PublicKey& self, const Digest& before, const Digest& left) {
    View view = make_no_ledger(self);
    Hasher previous("peerbook no ledger");
    previous.add(before.view());
    previous.add(left.view());
    view.previous = previous.finish();
    return view;
}

Bytes encode_view(const View& view) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(view.ledger.view());
    out.varint(view.number);
    out.raw(view.previous.view());
    out.varint(view.members.size());
    for (const PublicKey& member : view.members)
        out.raw(member.view());
    out.varint(view.cut.size());
    for (const CutEntry& entry : view.cut) {
        out.raw(entry.author.view());
        out.varint(entry.seq);
        out.raw(entry.digest.view());
    }
    out.varint(view.base_round);
    out.varint(view.log_length);
    out.raw(view.prefix_hash.view());
    return bytes;
}

Result<View> decode_view(ByteView bytes) {
    Decoder in(bytes);
    View view;
    in.fixed(view.ledger);
    view.number = in.varint();
    in.fixed(view.previous);
    const std::uint64_t members = in.varint_max(view_members_max, "a view has too many members");
    for (std::uint64_t i = 0; i < members && in.ok(); ++i)
        in.fixed(view.members.emplace_back());
    const std::uint64_t cuts = in.varint_max(view_members_max, "a cut names too many authors");
    for (std::uint64_t i = 0; i < cuts && in.ok(); ++i) {
        CutEntry& entry = view.cut.emplace_back();
        in.fixed(entry.author);
        entry.seq = in.varint();
        in.fixed(entry.digest);
    }
    view.base_round = in.varint();
    view.log_length = in.varint();
    in.fixed(view.prefix_hash);
    if (Status status = in.finish(); !status.ok()) return status.error().within("view record");
    if (Status status = check_members(view.members); !status.ok())
        return status.error().within("view record");
    std::set<PublicKey> cut_authors;
    for (const CutEntry& entry : view.cut)
        if (!cut_authors.insert(entry.author).second)
            return Error{ErrorCode::invalid_input, "view record: the cut names an author twice"};
    if (view.number == 0) return Error{ErrorCode::invalid_input, "view record: views are numbered from 1"};
    const bool has_past = !view.previous.is_zero() || !view.cut.empty() || view.base_round != 0 ||
                          view.log_length != 0 || !view.prefix_hash.is_zero();
    if (view.number == 1 && has_past)
        return Error{ErrorCode::invalid_input, "view record: view 1 has nothing before it"};
    return view;
}

Digest digest_of(const View& view) {
    return hash_of("peerbook view", encode_view(view));
}

Status check_successor(const View& view, const View& next) {
    if (next.ledger != view.ledger)
        return Error{ErrorCode::invalid_input, "the view record belongs to another ledger"};
    return check_continuation(view, next);
}

Status check_continuation(const View& view, const View& next) {
    auto wrong = [](const char* what) {
        return Error{ErrorCode::invalid_input, std::string("the view record ") + what};
    };
    if (view.number == UINT64_MAX || next.number != view.number + 1 || next.previous != digest_of(view))
        return wrong("does not follow this view");
    if (Status status = check_members(next.members); !status.ok()) return status;
    if (next.cut.size() != view.members.size()) return wrong("has not one cut entry a member");
    for (std::size_t i = 0; i < view.members.size(); ++i) {
        if (next.cut[i].author != view.members[i]) return wrong("has its cut in another order");
        if ((next.cut[i].seq == 0) != next.cut[i].digest.is_zero())
            return wrong("names a block without a seq, or a seq without a block");
    }
    if (next.base_round < view.base_round || next.log_length < view.log_length)
        return wrong("lies before this view");
    std::optional<MemberIndex> last;
    bool joined = false;
    for (const PublicKey& member : next.members) {
        const std::optional<MemberIndex> before = view.index_of(member);
        if (before && (joined || (last && *before < *last))) return wrong("changes the seniority of members");
        joined = joined || !before;
        if (before) last = before;
    }
    return {};
}

ChainTips cut_tips(const View& next) {
    ChainTips tips;
    for (const CutEntry& entry : next.cut)
        tips.push_back({entry.seq, entry.digest});
    return tips;
}

bool is_quorum(const View& view, const std::vector<bool>& present) {
    PB_CHECK(present.size() == view.members.size(), "one flag a member");
    const auto count = static_cast<std::size_t>(std::count(present.begin(), present.end(), true));
    if (2 * count > present.size()) return true;
    return 2 * count == present.size() && present[0];
}

}  // namespace peerbook::exchange
