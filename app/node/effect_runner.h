// Runs a Node in the world: performs its effects and feeds it its inputs.
//
//   I/O thread      sockets and API (the caller's io_context): submit(), ask(), the peer listener's callbacks
//   verify thread   signatures and decoding of what peers send
//   logic thread    the Node; nothing else touches it. Keeps back what may wait for the disk (WriteQueue)
//   journal thread  group commit: everything that waits is appended with one fsync
//   store thread    reads for peers, the index of settled trades, state roots
//
// A journal that cannot be written stops the node: `on_fatal` is called once, on the I/O thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "app/node/archive.h"
#include "app/node/hand_off.h"
#include "app/node/node.h"
#include "app/node/write_queue.h"
#include "exchange/engine/state_root.h"
#include "p2p/peer_network.h"
#include "storage/index.h"
#include "storage/journal.h"

namespace peerbook::app {

class EffectRunner final : public NodeService, public p2p::PeerNetworkListener {
  public:
    // Bytes of peers that wait for verification or, verified, for the logic thread; above, dropped and
    // fetched again.
    static constexpr std::size_t verify_queue_bytes_max = 64u << 20;
    // The same of batches that observers relay, which are counted apart: 45 µs of work for a hundred bytes,
    // so they must not crowd out blocks.
    static constexpr std::size_t batch_queue_bytes_max = 1u << 20;
    static constexpr std::size_t questions_per_peer_max = 16;  // beyond, dropped: the peer asks again
    static constexpr std::size_t far_answers_max = 1'024;  // that wait; the observer sends again without one

    struct Parts {
        std::unique_ptr<Node> node;  // recovered
        std::unique_ptr<storage::Journal> journal;
        std::unique_ptr<storage::Index> index;
        const Verifier& verifier;  // outlives the runner
        const Clock& clock;        // outlives the runner
        std::string network_name;
        std::string retired_key_file;  // written when the node's key must never sign again
        // On the I/O thread: the node is in this established ledger. May be null.
        std::function<void(const Digest&)> on_ledger = nullptr;
        // Notes durably that the ledger is given up, so that the next start archives it; returns the archive.
        // Logic thread.
        std::function<Result<std::string>(const GivenUpLedger&)> note_given_up = nullptr;
        // On the I/O thread, once that is noted: the process is to start anew.
        std::function<void()> on_given_up = nullptr;
        // Those that were given up before. Reads only; store thread.
        std::unique_ptr<Archives> archives = nullptr;
    };
    EffectRunner(boost::asio::io_context& io, Parts parts, std::function<void(Error)> on_fatal);
    ~EffectRunner() override;

    // `network` may be null (no peers). It outlives the running threads.
    void start(p2p::PeerNetwork* network);
    // Takes no more submissions; `done` runs on the I/O thread when all that was taken is durable and
    // answered.
    void drain(std::function<void()> done);
    // Invitations of this node, genuine; replace those before.
    void set_invitations(std::vector<exchange::Invitation> invitations);
    // Stops and joins all threads. I/O thread only; the io_context need not run.
    void stop();

    // --- NodeService; I/O thread only ---
    void submit(SubmitRequest request, std::function<void(Result<SubmitAnswer>)> done) override;
    void ask(Query query, std::function<void(Result<Answer>)> done) override;
    std::shared_ptr<const exchange::NetworkRules> rules() const override { return rules_; }
    const std::string& network_name() const override { return network_name_; }

    // --- PeerNetworkListener; I/O thread only ---
    void on_peer_connected(const p2p::PeerId& peer) override;
    void on_peer_disconnected(const p2p::PeerId& peer) override;
    void on_payload(const p2p::PeerId& peer, std::uint8_t kind, ByteView payload) override;
    void on_gossip(const p2p::PeerId& from, const p2p::MessageId& id, std::uint8_t kind,
                   SharedBytes payload) override;
    void on_sealed(const p2p::PeerId& from, std::uint8_t kind, SharedBytes payload) override;
    void on_undeliverable(const p2p::PeerId& peer, std::uint8_t kind, const std::string& why) override;

  private:
    using Done = std::variant<std::function<void(Result<SubmitAnswer>)>, std::function<void(Result<Answer>)>>;
    using Input = std::function<void(Node&, Now, Effects&)>;
    using StoreTask =
        std::variant<IndexWriteEffect, IndexReadEffect, ReadMissingEffect, ReadBlockEffect, StateRootEffect>;
    struct PeerPayload {
        PublicKey peer;
        std::uint8_t kind = 0;
        SharedBytes bytes;
        std::optional<GossipId> gossip;
    };

    void fatal(Error error);  // any thread
    // --- I/O thread (effect_runner_io.cc) ---
    void ask_node(const PublicKey& peer, Input question);
    static bool is_batch_of_observer(std::uint8_t kind);
    std::atomic<std::size_t>& waiting_bytes_of(std::uint8_t kind) {
        return is_batch_of_observer(kind) ? waiting_batch_bytes_ : waiting_bytes_;
    }
    // False: too much waits already.
    bool queue_for_verification(PeerPayload payload);
    void violation(const PublicKey& peer, int points, std::string why);
    void perform_on_io(Effects& effects);
    // --- verify thread (effect_runner_verify.cc) ---
    void run_verify();
    void verify(PeerPayload& payload);
    void answer_gossip(const std::optional<GossipId>& id, bool accept);
    void verify_one_block(const PublicKey& peer, SharedBytes bytes, const std::optional<GossipId>& gossip);
    void verify_sign_of_life_of(const PeerPayload& payload);
    void verify_view_payload(const PeerPayload& payload);
    void verify_far_batch(const PeerPayload& payload);
    // What does not verify: other views are no offence.
    void not_verified(const PublicKey& peer, const Error& error, const char* what,
                      const std::optional<GossipId>& gossip = std::nullopt);
    std::shared_ptr<const exchange::View> view() const;
    // --- logic thread (effect_runner_logic.cc) ---
    void run_logic();
    void retire_key(const std::string& why);
    void give_up_ledger(Effects& effects);
    // The store thread, too: sends and answers with what it has read.
    void perform(Effects effects);
    // --- journal and store thread (effect_runner_disk.cc) ---
    void run_journal();
    void run_store();
    void add_to_index(std::vector<IndexWriteEffect>& writes);
    Result<Answer> read_index(const IndexReadEffect& read) const;
    Result<Answer> read_index(const IndexReadEffect& read, const storage::Index& index) const;
    void read_missing(const ReadMissingEffect& read);
    void read_block(const ReadBlockEffect& read);
    void make_state_root(const StateRootEffect& checkpoint);

    boost::asio::io_context& io_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<storage::Journal> journal_;
    std::unique_ptr<storage::Index> index_;
    const Verifier& verifier_;
    const Clock& clock_;
    const std::string network_name_;
    const std::string retired_key_file_;
    const Digest network_id_;
    const std::uint16_t rules_version_;
    std::shared_ptr<const exchange::NetworkRules> rules_;  // I/O thread, once it runs
    std::shared_ptr<const exchange::View> view_;           // under view_mutex_
    mutable std::mutex view_mutex_;
    std::function<void(Error)> on_fatal_;
    std::function<void(const Digest&)> on_ledger_;
    std::function<Result<std::string>(const GivenUpLedger&)> note_given_up_;
    std::function<void()> on_given_up_;
    std::unique_ptr<Archives> archives_;
    p2p::PeerNetwork* network_ = nullptr;

    HandOff<Input> inputs_;
    HandOff<PeerPayload> unverified_;
    std::vector<Input> verified_;  // verify thread: for the next hand-off to the logic thread
    HandOff<AppendEffect> appends_;
    HandOff<StoreTask> store_tasks_;
    std::atomic<std::size_t> waiting_bytes_{0}, waiting_batch_bytes_{0}, far_answers_waiting_{0};
    // Wants and version vectors of each peer that the logic thread has not taken yet. I/O thread; counts are
    // shared with the inputs that carry them.
    std::unordered_map<PublicKey, std::shared_ptr<std::atomic<std::size_t>>> questions_;
    std::unordered_map<PublicKey, std::shared_ptr<std::atomic<std::size_t>>> news_;  // of ledgers; the same
    std::uint64_t dropped_payloads_ = 0;

    std::uint64_t next_ticket_ = 1;
    std::unordered_map<std::uint64_t, Done> waiting_;
    WriteQueue write_queue_;          // logic thread
    std::function<void()> drained_;   // logic thread
    exchange::StateRoot state_root_;  // store thread
    std::thread logic_, verify_thread_, journal_thread_, store_thread_;
    bool stopped_ = false;
};

// Offers settled trades to the index; shared by the runner and the start-up replay.
storage::IndexBatch index_batch_of(const IndexWriteEffect& write);

}  // namespace peerbook::app
