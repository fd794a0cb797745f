#include "app/node/block_sync.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "app/node/chains.h"

namespace peerbook::app {

namespace {

std::uint8_t kind_of(MessageKind kind) {
    return static_cast<std::uint8_t>(kind);
}

}  // namespace

BlockSync::BlockSync(const exchange::OpenLedger& ledger, Random random)
    : ledger_(ledger),
      has_named_view_(ledger.view().number == 1),
      muted_(!has_named_view_),
      random_(random) {}

void BlockSync::on_connected(const PublicKey& peer, Effects& effects) {
    connected_.insert(peer);
    send_version_vector(peer, effects);
}

void BlockSync::on_disconnected(const PublicKey& peer) {
    connected_.erase(peer);
    ask_again_.erase(peer);
    read_next_.erase(peer);
    last_sent_.erase(peer);
    ahead_.erase(peer);
    served_.erase(peer);
}

void BlockSync::on_version_vector(const PublicKey& peer, const VersionVectorMessage& message,
                                  Effects& effects) {
    const exchange::View& view = ledger_.view();
    if (message.seqs.size() != view.members.size()) {
        effects.violations.push_back({peer, 10, "a version vector has not one entry a member"});
        return;
    }
    if (view.index_of(peer)) ahead_[peer] = message.seqs;
    const exchange::VersionVector& mine = ledger_.version_vector();
    bool lacks = false;
    for (std::size_t i = 0; i < mine.size(); ++i)
        lacks |= message.seqs[i] < mine[i];
    if (lacks) read_missing(peer, view, message.view, message.seqs, effects);
}

void BlockSync::serve_closed(const PublicKey& peer, const exchange::View& view, const Digest& digest,
                             const exchange::ChainTips& cut, const exchange::VersionVector& seqs,
                             Effects& effects) {
    bool lacks = false;
    for (std::size_t i = 0; i < cut.size() && i < seqs.size(); ++i)
        lacks |= seqs[i] < cut[i].seq;
    if (lacks && seqs.size() == cut.size()) read_missing(peer, view, digest, seqs, effects);
}

void BlockSync::read_missing(const PublicKey& peer, const exchange::View& view, const Digest& digest,
                             const exchange::VersionVector& seqs, Effects& effects) {
    ReadMissingEffect read{peer, {}, blocks_message_bytes_max};
    for (std::size_t i = 0; i < seqs.size(); ++i)
        read.have.emplace_back(chain_of(view, digest, view.members[i], has_named_view_), seqs[i]);
    if (reading_.insert(peer).second)
        effects.read_missing.push_back(std::move(read));
    else
        read_next_.insert_or_assign(peer, std::move(read));
}

void BlockSync::on_view_installed(Effects& effects) {
    ask_again_.clear();
    last_sent_.clear();
    ahead_.clear();
    recent_.clear();
    recent_order_.clear();
    recent_bytes_ = 0;
    wanted_.clear();
    next_look_.reset();
    next_vector_.reset();
    for (const PublicKey& peer : connected_)
        send_version_vector(peer, effects);
}

bool BlockSync::behind() {
    const exchange::VersionVector& mine = ledger_.version_vector();
    std::erase_if(ahead_, [&](const auto& told) {
        for (std::size_t i = 0; i < mine.size(); ++i)
            if (told.second[i] > mine[i]) return false;
        return true;
    });
    return !ahead_.empty();
}

void BlockSync::on_want(const PublicKey& peer, const std::vector<Digest>& digests, Effects& effects) {
    for (const Digest& digest : std::set<Digest>(digests.begin(), digests.end())) {
        if (served_[peer] >= want_served_max) return;  // the peer asks again later
        const auto place = ledger_.find_block(digest);
        if (!place) continue;
        ++served_[peer];
        const auto found = recent_.find(digest);
        if (found != recent_.end())
            effects.sends.push_back({peer, kind_of(MessageKind::block), found->second.block});
        else
            effects.read_block.push_back(
                {peer,
                 chain_of(ledger_.view(), ledger_.view_digest(),
                          ledger_.view().members[place->author.value()], has_named_view_),
                 place->seq});
    }
}

void BlockSync::on_blocks_read(const PublicKey& peer, bool more, const std::vector<SharedBytes>& blocks,
                               Effects& effects) {
    reading_.erase(peer);
    if (!connected_.contains(peer)) return;
    if (auto next = read_next_.extract(peer)) {
        reading_.insert(peer);
        effects.read_missing.push_back(std::move(next.mapped()));
    }
    if (blocks.empty()) return;
    effects.sends.push_back({peer, kind_of(MessageKind::blocks), SharedBytes(encode_blocks(more, blocks))});
}

void BlockSync::on_blocks_taken(const PublicKey& peer, bool more) {
    if (more) ask_again_.insert(peer);
}

void BlockSync::note_far_ahead(const PublicKey& peer, MonoTime now, Effects& effects) {
    if (!next_vector_) {
        next_vector_ = now + want_retry;
    } else if (now >= *next_vector_) {
        next_vector_ = now + want_retry;
        send_version_vector(peer, effects);
    }
}

void BlockSync::on_suspended(const PublicKey& peer, const std::vector<exchange::ParentRef>& missing,
                             std::uint64_t lacking, MonoTime now, Effects& effects) {
    if (lacking >= far_ahead) note_far_ahead(peer, now, effects);
    std::vector<Digest> digests;
    for (const exchange::ParentRef& parent : missing)
        if (wanted_.try_emplace(parent.digest, now + want_retry).second) digests.push_back(parent.digest);
    if (digests.empty()) return;
    send_want(peer, digests, effects);
    if (!next_look_ || now + want_retry < *next_look_) next_look_ = now + want_retry;
    if (wanted_.size() > wanted_max_) (void)overdue(now);  // what is due stays due
}

std::optional<SharedBytes> BlockSync::recent(const Digest& digest) const {
    const auto found = recent_.find(digest);
    return found == recent_.end() ? std::nullopt : std::optional(found->second.block);
}

bool BlockSync::pass_on(const Digest& digest) {
    const auto found = recent_.find(digest);
    return found != recent_.end() && !std::exchange(found->second.passed_on, true);
}

void BlockSync::remember(const Digest& digest, const SharedBytes& block) {
    if (!recent_.try_emplace(digest, Recent{block}).second) return;
    recent_order_.push_back(digest);
    recent_bytes_ += block.size();
    while (recent_bytes_ > recent_bytes_max) {
        const auto oldest = recent_.find(recent_order_.front());
        recent_bytes_ -= oldest->second.block.size();
        recent_.erase(oldest);
        recent_order_.pop_front();
    }
}

std::vector<Digest> BlockSync::overdue(MonoTime now) {
    std::map<Digest, MonoTime> still;
    std::vector<std::pair<MonoTime, Digest>> due;
    for (const exchange::ParentRef& parent : ledger_.missing(std::numeric_limits<std::size_t>::max())) {
        const auto known = wanted_.find(parent.digest);
        const MonoTime at = known == wanted_.end() ? now : known->second;
        if (still.emplace(parent.digest, at).second && at <= now) due.emplace_back(at, parent.digest);
    }
    wanted_ = std::move(still);
    wanted_max_ = 2 * wanted_.size() + wanted_spare;
    // Among equals the lowest rounds stay first.
    std::stable_sort(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Digest> digests;
    for (const auto& [at, digest] : due)
        digests.push_back(digest);
    return digests;
}

std::optional<MonoTime> BlockSync::ask_for_missing(MonoTime now, Effects& effects) {
    if (ledger_.stats().blocks_suspended == 0) {
        wanted_.clear();
        next_look_.reset();
        next_vector_.reset();
        return std::nullopt;
    }
    if (next_look_ && now < *next_look_) return next_look_;
    std::vector<Digest> digests = overdue(now);
    if (digests.size() > want_served_max) digests.resize(want_served_max);
    for (const Digest& digest : digests)
        wanted_[digest] = now + want_retry;
    if (!digests.empty()) send_want_to_some(digests, effects);
    // What was left over goes first then.
    next_look_ = now + want_retry;
    for (const auto& [digest, at] : wanted_)
        if (at > now) next_look_ = std::min(*next_look_, at);
    return next_look_;
}

std::optional<MonoTime> BlockSync::flush(
    MonoTime now, Effects& effects) {  // Only if the last part brought something: a peer whose blocks cannot
                                       // be accepted now is not asked again at once.
    for (const PublicKey& peer : ask_again_) {
        const auto sent = last_sent_.find(peer);
        if (sent == last_sent_.end() || sent->second != ledger_.version_vector())
            send_version_vector(peer, effects);
    }
    ask_again_.clear();
    if (!next_served_reset_ || now >= *next_served_reset_) {
        served_.clear();
        next_served_reset_ = now + want_retry;
    }
    std::optional<MonoTime> wake = ask_for_missing(now, effects);
    if (!next_anti_entropy_) next_anti_entropy_ = now + anti_entropy_interval;
    if (now >= *next_anti_entropy_) {
        for (const PublicKey& peer : connected_)
            send_version_vector(peer, effects);
        next_anti_entropy_ = now + anti_entropy_interval;
    }
    if (!wake || *next_anti_entropy_ < *wake) wake = next_anti_entropy_;
    return wake;
}

void BlockSync::send_version_vector(const PublicKey& peer, Effects& effects) {
    if (muted_) return;
    const exchange::View& view = ledger_.view();
    last_sent_[peer] = ledger_.version_vector();
    const VersionVectorMessage message{ledger_.view_digest(), view.number, ledger_.claimed_blocks()};
    effects.sends.push_back(
        {peer, kind_of(MessageKind::version_vector), SharedBytes(encode_version_vector(message))});
}

void BlockSync::answer_holdings(const PublicKey& peer, std::uint64_t question, Effects& effects) const {
    if (muted_) return;
    const VersionVectorMessage held{ledger_.view_digest(), ledger_.view().number, ledger_.claimed_blocks()};
    effects.sends.push_back(
        {peer, kind_of(MessageKind::holdings), SharedBytes(encode_holdings({question, held}))});
}

std::vector<PublicKey> BlockSync::some_peers() {
    std::vector<PublicKey> peers(connected_.begin(), connected_.end()), some;
    for (std::size_t i = 0; i < want_peers && !peers.empty(); ++i) {
        const std::size_t pick = static_cast<std::size_t>(random_.below(peers.size()));
        some.push_back(peers[pick]);
        peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    return some;
}

void BlockSync::ask_some(Effects& effects) {
    for (const PublicKey& peer : some_peers())
        send_version_vector(peer, effects);
}

void BlockSync::send_want_to_some(const std::vector<Digest>& digests, Effects& effects) {
    for (const PublicKey& peer : some_peers())
        send_want(peer, digests, effects);
}

void BlockSync::send_want(const PublicKey& peer, const std::vector<Digest>& digests, Effects& effects) const {
    for (std::size_t begin = 0; begin < digests.size(); begin += want_digests_max) {
        const std::size_t end = std::min(begin + want_digests_max, digests.size());
        const std::vector<Digest> part(digests.begin() + static_cast<std::ptrdiff_t>(begin),
                                       digests.begin() + static_cast<std::ptrdiff_t>(end));
        effects.sends.push_back({peer, kind_of(MessageKind::want), SharedBytes(encode_want(part))});
    }
}

}  // namespace peerbook::app
