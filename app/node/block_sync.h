// Keeps the DAG complete: asks for missing parents, compares version vectors with peers, and serves what
// others lack. Blocks are pushed to everyone once by the node; all that a push misses is mended here.
//
//   missing parents  first from the peer that sent the child, then every 500 ms from 3 random peers
//   version vector   to each peer on connect and every 30 s; it asks the peer for whatever it does not name.
//                    Also to one that sends blocks from far ahead: parents alone would come one a round trip
//
// Logic thread only. Pure: outputs go to Effects. Everything that a peer drives is bounded by the constants
// below.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "app/node/effects.h"
#include "app/node/peer_messages.h"
#include "base/random.h"
#include "exchange/ordering/open_ledger.h"

namespace peerbook::app {

class BlockSync {
  public:
    static constexpr Duration want_retry = Duration::milliseconds(500);
    static constexpr std::size_t want_peers = 3;
    // Blocks sent to a peer for its wants in one want_retry; and asked for at a time, because more is in
    // vain.
    static constexpr std::size_t want_served_max = 256;
    // Missing parents that are remembered: these, or twice as many as were missing when it was looked last.
    static constexpr std::size_t wanted_spare = 1'024;
    static constexpr Duration anti_entropy_interval = Duration::seconds(30);
    static constexpr std::size_t recent_bytes_max = 32u << 20;  // blocks kept in memory to serve wants
    // So many blocks of one author are lacking before one that came: for want_retry, and what was pushed may
    // still be on its way; after that a peer that sends such a block gets the version vector, one peer in
    // each want_retry.
    static constexpr std::uint64_t far_ahead = 16;

    // `ledger` outlives the BlockSync, and is in the view with which the node starts.
    BlockSync(const exchange::OpenLedger& ledger, Random random);

    void on_connected(const PublicKey& peer, Effects& effects);
    void on_disconnected(const PublicKey& peer);
    // One of the present view.
    void on_version_vector(const PublicKey& peer, const VersionVectorMessage& message, Effects& effects);
    // Sends the peer what it lacks of a closed view's cut.
    void serve_closed(const PublicKey& peer, const exchange::View& view, const Digest& digest,
                      const exchange::ChainTips& cut, const exchange::VersionVector& seqs, Effects& effects);
    // The ledger is in another view: what was known of peers counts no more, and they are told.
    void on_view_installed(Effects& effects);
    // Nothing about blocks is said from here on: the node has no ledger, or may not tell of it yet.
    void mute() { muted_ = true; }
    void unmute() { muted_ = false; }
    // Says nothing while muted.
    void send_version_vector(const PublicKey& peer, Effects& effects);
    // The version vector to a few connected peers, picked at random.
    void ask_some(Effects& effects);
    void answer_holdings(const PublicKey& peer, std::uint64_t question, Effects& effects) const;
    void on_want(const PublicKey& peer, const std::vector<Digest>& digests, Effects& effects);
    // The journal's answer to a ReadMissingEffect.
    void on_blocks_read(const PublicKey& peer, bool more, const std::vector<SharedBytes>& blocks,
                        Effects& effects);
    // A blocks message of `peer` was taken in; with `more` the next part is asked for at the next flush.
    void on_blocks_taken(const PublicKey& peer, bool more);
    // A block from `peer` waits for `missing`, or was dropped because too many wait. `lacking`: blocks of its
    // author that stand before it and are not accepted here.
    void on_suspended(const PublicKey& peer, const std::vector<exchange::ParentRef>& missing,
                      std::uint64_t lacking, MonoTime now, Effects& effects);
    // An accepted block, kept for a while to serve it from memory.
    void remember(const Digest& digest, const SharedBytes& block);
    // It is to be passed on as gossip: true once for each block, and only while it is kept.
    bool pass_on(const Digest& digest);
    // One that is still kept.
    std::optional<SharedBytes> recent(const Digest& digest) const;
    // Does what is due. Returns when to call again.
    std::optional<MonoTime> flush(MonoTime now, Effects& effects);

    // A connected member said that it has more than was accepted here by now.
    bool behind();

    const std::set<PublicKey>& connected() const { return connected_; }
    std::size_t wanted_count() const { return wanted_.size(); }

  private:
    void read_missing(const PublicKey& peer, const exchange::View& view, const Digest& digest,
                      const exchange::VersionVector& seqs, Effects& effects);
    void note_far_ahead(const PublicKey& peer, MonoTime now, Effects& effects);
    void send_want(const PublicKey& peer, const std::vector<Digest>& digests, Effects& effects) const;
    std::vector<PublicKey> some_peers();
    void send_want_to_some(const std::vector<Digest>& digests, Effects& effects);
    // Looks at what the ledger misses: forgets what it does not miss any more, and returns what is to be
    // asked for, that which waits longest first. It costs time for each suspended block, so it is done when
    // something is due, not with each flush.
    std::vector<Digest> overdue(MonoTime now);
    std::optional<MonoTime> ask_for_missing(MonoTime now, Effects& effects);

    const exchange::OpenLedger& ledger_;
    const bool has_named_view_;
    bool muted_ = false;
    Random random_;
    std::set<PublicKey> connected_;
    std::set<PublicKey> reading_;  // a journal read for this peer is under way
    // What it said meanwhile that it has; it says so once in each view.
    std::map<PublicKey, ReadMissingEffect> read_next_;
    std::set<PublicKey> ask_again_;
    std::map<PublicKey, exchange::VersionVector>
        last_sent_;  // vectors, so that nothing is asked for twice in vain
    std::map<PublicKey, exchange::VersionVector> ahead_;  // what members said to have, and is lacking here
    std::map<PublicKey, std::size_t> served_;             // blocks for wants, in the present want_retry
    std::optional<MonoTime> next_served_reset_;
    struct Recent {
        SharedBytes block;
        bool passed_on = false;
    };
    std::unordered_map<Digest, Recent> recent_;  // looked up, never walked
    std::deque<Digest> recent_order_;
    std::size_t recent_bytes_ = 0;
    // Missing parents and when to ask for them (again). Some may have come since the last look, which forgets
    // them; above wanted_max_ they are forgotten at once.
    std::map<Digest, MonoTime> wanted_;
    std::size_t wanted_max_ = wanted_spare;
    std::optional<MonoTime> next_look_;
    std::optional<MonoTime> next_vector_;  // since blocks from far ahead come
    std::optional<MonoTime> next_anti_entropy_;
};

}  // namespace peerbook::app
