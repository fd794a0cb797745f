// Users of the simulated nodes: they send requests, send them again when they were refused or nobody knows
// what became of them, and remember what they were told. One client a node uses accounts that the node hosts;
// roaming clients sign for themselves and send to any node (where there may be several ledgers, to one). Both
// name their commands by nonces of their own, so that sending again is safe; but for one account of each
// node, whose nonces the node gives: what became of its commands may stay unknown.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/node/effects.h"
#include "tests/sim/order_flow.h"
#include "tests/sim/plan.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::sim {

// What a client was told of one command.
struct Told {
    std::size_t node = 0;
    std::uint64_t block = 0;
    exchange::AccountId account;
    app::CommandResult result;
    app::Grade grade = app::Grade::provisional;
};

class Clients {
  public:
    // `owners`: the keys of the nodes, each with a client.
    Clients(const Plan& plan, std::vector<PublicKey> owners, const Digest& network, Random random);

    std::size_t count() const { return clients_.size(); }
    // The node whose accounts this client uses; nullopt if it roams.
    std::optional<std::size_t> home(std::size_t client) const;
    // What it sends next: something again, or, with `may_begin`, something new. Nothing if it has nothing to
    // send. sent() must follow.
    struct Sending {
        std::size_t request = 0;
        app::SubmitRequest what;
        bool again = false;
    };
    std::optional<Sending> next(std::size_t client, bool may_begin, WallTime now);
    void sent(const Sending& sending, std::size_t node, app::Ticket ticket);
    // "" or what is wrong; `told` gets what is new.
    std::string answered(app::Ticket ticket, const Result<app::SubmitAnswer>& answer,
                         std::vector<Told>& told);
    // Whatever was sent there and not answered: nobody knows what became of it.
    void process_died(std::size_t node);
    // Its accounts will never be served again.
    void node_gone(std::size_t node);
    bool waits_at(std::size_t node) const;
    // One whose nonces its node gives.
    bool is_numbered_by_node(const exchange::AccountId& account) const { return numbered_.contains(account); }
    // Nothing has to be sent again and nothing waits for an answer.
    bool done() const;
    // So many requests the client with most of them has that are not done.
    std::size_t backlog() const;
    std::string waiting_text() const;

    const std::vector<Told>& told() const { return told_; }
    std::uint64_t refused() const { return refused_; }
    std::uint64_t numbered_by_nodes() const { return numbers_.size(); }

  private:
    enum class State : std::uint8_t { unsent, waiting, to_repeat, done };
    struct Request {
        std::size_t client = 0;
        app::SubmitRequest what;
        std::vector<exchange::AccountId> accounts;  // of each command
        State state = State::unsent;
        std::size_t node = 0;
        bool is_numbered_by_node = false;
    };
    struct Client {
        std::optional<std::size_t> home;
        std::unique_ptr<OrderFlow> flow;               // hosted
        std::unique_ptr<testing::CheapSigner> signer;  // roaming
        std::uint64_t nonce = 0;                       // roaming: last used
        bool gone = false;
    };
    app::SubmitRequest make_hosted(Client& client, WallTime now, std::vector<exchange::AccountId>& accounts);
    app::SubmitRequest make_numbered_by_node(const Client& client,
                                             std::vector<exchange::AccountId>& accounts);
    std::string check_numbers(const Request& request, const app::SubmitAnswer& answer);
    app::SubmitRequest make_signed(Client& client, std::vector<exchange::AccountId>& accounts);

    const Plan& plan_;
    std::vector<PublicKey> owners_;
    std::set<exchange::AccountId> numbered_;  // accounts
    Digest network_;
    Random random_;
    std::vector<Client> clients_;
    std::vector<Request> requests_;
    std::map<app::Ticket, std::size_t> waiting_;  // → request
    std::set<app::Ticket> answered_;
    std::vector<Told> told_;
    std::set<std::pair<exchange::AccountId, exchange::CommandRef>> numbers_;  // that nodes gave and told
    std::uint64_t refused_ = 0;
};

}  // namespace peerbook::sim
