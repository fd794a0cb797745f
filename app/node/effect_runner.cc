// EffectRunner: what it is made of, and how its threads begin and end.
#include "app/node/effect_runner.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace peerbook::app {

EffectRunner::EffectRunner(boost::asio::io_context& io, Parts parts, std::function<void(Error)> on_fatal)
    : io_(io),
      node_(std::move(parts.node)),
      journal_(std::move(parts.journal)),
      index_(std::move(parts.index)),
      verifier_(parts.verifier),
      clock_(parts.clock),
      network_name_(std::move(parts.network_name)),
      retired_key_file_(std::move(parts.retired_key_file)),
      network_id_(node_->rules()->network),
      rules_version_(node_->rules()->rules_version),
      rules_(node_->rules()),
      view_(std::make_shared<const exchange::View>(node_->ledger().view())),
      on_fatal_(std::move(on_fatal)),
      on_ledger_(std::move(parts.on_ledger)),
      note_given_up_(std::move(parts.note_given_up)),
      on_given_up_(std::move(parts.on_given_up)),
      archives_(std::move(parts.archives)) {}

EffectRunner::~EffectRunner() {
    stop();
}

void EffectRunner::start(p2p::PeerNetwork* network) {
    network_ = network;
    journal_thread_ = std::thread([this] { run_journal(); });
    store_thread_ = std::thread([this] { run_store(); });
    verify_thread_ = std::thread([this] { run_verify(); });
    logic_ = std::thread([this] { run_logic(); });
}

void EffectRunner::stop() {
    if (std::exchange(stopped_, true)) return;
    unverified_.close();
    if (verify_thread_.joinable()) verify_thread_.join();
    inputs_.close();
    if (logic_.joinable()) logic_.join();
    appends_.close();
    if (journal_thread_.joinable()) journal_thread_.join();
    store_tasks_.close();
    if (store_thread_.joinable()) store_thread_.join();
}

void EffectRunner::drain(std::function<void()> done) {
    inputs_.put([this, done = std::move(done)](Node& node, Now, Effects&) {
        node.drain();
        drained_ = done;
    });
}

void EffectRunner::set_invitations(std::vector<exchange::Invitation> invitations) {
    inputs_.put([invitations = std::move(invitations)](Node& node, Now, Effects&) {
        node.set_invitations(invitations);
    });
}

void EffectRunner::fatal(Error error) {
    boost::asio::post(io_, [this, error = std::move(error)] {
        if (on_fatal_) std::exchange(on_fatal_, nullptr)(error);
    });
}

}  // namespace peerbook::app
