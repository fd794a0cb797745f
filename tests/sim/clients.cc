#include "tests/sim/clients.h"

#include <algorithm>

#include "tests/support/toy_market.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr const char* numbered_account = "cas";

}  // namespace

Clients::Clients(const Plan& plan, std::vector<PublicKey> owners, const Digest& network, Random random)
    : plan_(plan), owners_(std::move(owners)), network_(network), random_(random) {
    for (std::size_t node = 0; node < owners_.size(); ++node) {
        Client& client = clients_.emplace_back();
        client.home = node;
        numbered_.insert(hosted_account_id(owners_[node], numbered_account));
        client.flow = std::make_unique<OrderFlow>(owners_, node);
    }
    for (std::uint32_t i = 0; i < plan.roaming_clients; ++i) {
        clients_.emplace_back().signer = std::make_unique<testing::CheapSigner>(1'000 + i);
        if (plan.founds) clients_.back().home = i % (owners_.size() - plan.spares());
    }
}

std::optional<std::size_t> Clients::home(std::size_t client) const {
    return clients_[client].home;
}

app::SubmitRequest Clients::make_hosted(Client& client, WallTime now, std::vector<AccountId>& accounts) {
    app::SubmitRequest request;
    request.wait_for = random_.below(4) == 0 ? app::Grade::settled : app::Grade::provisional;
    request.by_nonce = random_.below(4) == 0;
    for (std::uint64_t i = 1 + random_.below(plan_.commands_max); i > 0; --i) {
        OrderFlow::Order order = client.flow->next(random_, now);
        accounts.push_back(hosted_account_id(owners_[*client.home], order.account));
        request.intents.push_back(
            {std::move(order.account), order.nonce, std::move(order.body), std::nullopt});
    }
    return request;
}

app::SubmitRequest Clients::make_numbered_by_node(const Client& client, std::vector<AccountId>& accounts) {
    app::SubmitRequest request;
    request.wait_for = random_.below(4) == 0 ? app::Grade::settled : app::Grade::provisional;
    for (std::uint64_t i = 1 + random_.below(3); i > 0; --i) {
        accounts.push_back(hosted_account_id(owners_[*client.home], numbered_account));
        CommandBody body = Faucet{testing::toy_usd, 1 + static_cast<Amount>(random_.below(300))};
        if (random_.below(2) == 0)
            body = testing::toy_limit(Side::buy, 95 + static_cast<std::int64_t>(random_.below(11)), 1);
        request.intents.push_back({numbered_account, std::nullopt, std::move(body), std::nullopt});
    }
    return request;
}

// No two commands have the same.
std::string Clients::check_numbers(const Request& request, const app::SubmitAnswer& answer) {
    // A node whose store was taken away does not know what it gave.
    if (plan_.trouble == Trouble::lost_store || plan_.trouble == Trouble::older_store ||
        plan_.trouble == Trouble::two_processes)
        return "";
    for (std::size_t i = 0; request.is_numbered_by_node && i < answer.results.size(); ++i)
        if (answer.block != 0 && !numbers_.emplace(request.accounts[i], answer.results[i].ref).second)
            return "a node gave nonce " + std::to_string(answer.results[i].ref.nonce) + " to two commands";
    return "";
}

app::SubmitRequest Clients::make_signed(Client& client, std::vector<AccountId>& accounts) {
    AccountId account;
    account.data = client.signer->public_key().data;
    const std::uint64_t nonce = ++client.nonce;
    std::vector<Command> commands;
    auto add = [&](CommandBody body) {
        commands.push_back({account, {nonce, static_cast<std::uint32_t>(commands.size())}, std::move(body)});
    };
    if (nonce == 1) {
        add(OpenAccount{});
        add(Faucet{testing::toy_btc, 30 * 100'000});
        add(Faucet{testing::toy_usd, 3'000});
    }
    for (std::uint64_t i = 1 + random_.below(3); i > 0; --i) {
        if (random_.below(4) == 0)
            add(CancelOrder{{1 + random_.below(nonce), static_cast<std::uint32_t>(random_.below(3))}});
        else
            add(testing::toy_limit(random_.below(2) == 0 ? Side::buy : Side::sell,
                                   95 + static_cast<std::int64_t>(random_.below(11)),
                                   1 + static_cast<std::int64_t>(random_.below(4))));
    }
    accounts.assign(commands.size(), account);
    app::SubmitRequest request;
    request.signed_batch = encode_signed_batch(BatchKind::self_custodied, network_, rules_version_latest,
                                               *client.signer, commands);
    request.wait_for = random_.below(4) == 0 ? app::Grade::settled : app::Grade::provisional;
    return request;
}

std::optional<Clients::Sending> Clients::next(std::size_t number, bool may_begin, WallTime now) {
    Client& client = clients_[number];
    if (client.gone) return std::nullopt;
    for (std::size_t i = 0; i < requests_.size(); ++i)
        if (requests_[i].client == number && requests_[i].state == State::to_repeat)
            return Sending{i, requests_[i].what, true};
    if (!may_begin) return std::nullopt;
    Request request;
    request.client = number;
    request.is_numbered_by_node = client.flow && random_.below(plan_.carrier_dies ? 2 : 6) == 0;
    request.what = request.is_numbered_by_node ? make_numbered_by_node(client, request.accounts)
                   : client.flow               ? make_hosted(client, now, request.accounts)
                                               : make_signed(client, request.accounts);
    requests_.push_back(std::move(request));
    return Sending{requests_.size() - 1, requests_.back().what, false};
}

void Clients::sent(const Sending& sending, std::size_t node, app::Ticket ticket) {
    requests_[sending.request].state = State::waiting;
    requests_[sending.request].node = node;
    waiting_.emplace(ticket, sending.request);
}

std::string Clients::answered(app::Ticket ticket, const Result<app::SubmitAnswer>& answer,
                              std::vector<Told>& told) {
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end())
        return answered_.contains(ticket) ? "a request was answered twice" : "";  // of an earlier process
    answered_.insert(ticket);
    Request& request = requests_[found->second];
    waiting_.erase(found);
    if (!answer.ok()) {
        refused_ += answer.error().code == ErrorCode::unavailable;
        const bool may_repeat = answer.error().code == ErrorCode::unavailable ||
                                answer.error().code == ErrorCode::timed_out ||
                                answer.error().code == ErrorCode::conflict;
        if (!may_repeat) return "a request was refused: " + answer.error().message;
        // `conflict`: an observer has it on its way already, or it was executed.
        request.state = answer.error().code == ErrorCode::conflict || request.is_numbered_by_node
                            ? State::done
                            : State::to_repeat;
        return "";
    }
    request.state = State::done;
    if (answer->results.size() != request.accounts.size())
        return "an answer has another number of results than the request has commands";
    for (std::size_t i = 0; i < answer->results.size(); ++i)
        told.push_back({request.node, answer->block, request.accounts[i], answer->results[i], answer->grade});
    told_.insert(told_.end(), told.begin(), told.end());
    return check_numbers(request, *answer);
}

void Clients::process_died(std::size_t node) {
    std::erase_if(waiting_, [&](const auto& waiting) {
        Request& request = requests_[waiting.second];
        if (request.node != node) return false;
        request.state = request.is_numbered_by_node ? State::done : State::to_repeat;
        return true;
    });
}

void Clients::node_gone(std::size_t node) {
    process_died(node);
    for (Client& client : clients_)
        client.gone = client.gone || client.home == node;
}

bool Clients::waits_at(std::size_t node) const {
    return std::ranges::any_of(waiting_,
                               [&](const auto& waiting) { return requests_[waiting.second].node == node; });
}

bool Clients::done() const {
    return waiting_.empty() && std::none_of(requests_.begin(), requests_.end(), [&](const Request& request) {
               return request.state == State::to_repeat && !clients_[request.client].gone;
           });
}

std::size_t Clients::backlog() const {
    std::vector<std::size_t> open(clients_.size());
    for (const Request& request : requests_)
        if (request.state != State::done) ++open[request.client];
    return open.empty() ? 0 : std::ranges::max(open);
}

std::string Clients::waiting_text() const {
    std::string text = std::to_string(waiting_.size()) + " requests wait for answers";
    for (const auto& [ticket, request] : waiting_)
        text += ", one at node " + std::to_string(requests_[request].node);
    return text;
}

}  // namespace peerbook::sim
