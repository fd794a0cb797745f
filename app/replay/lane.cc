#include "app/replay/lane.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "app/replay/same_commit.h"
#include "base/check.h"
#include "base/system_clock.h"
#include "exchange/market/decimal.h"

namespace peerbook::app::replay {

namespace {

constexpr Duration request_timeout = Duration::seconds(60);
// Concurrency decides what trades with what, so more may rest or be spent than in the recording.
constexpr int funding_margin = 4;
constexpr std::size_t faucets_per_account_max = 20'000;
constexpr std::size_t book_samples_max = 20;
constexpr std::size_t sampled_depth = 10;

// splitmix64's finalizer: neighbouring ids land on different lanes.
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31);
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

exchange::CommandBody body_of(const FlowCommand& command, exchange::MarketId market,
                              exchange::CommandRef target) {
    switch (command.kind) {
        case FlowKind::place:
        case FlowKind::take: {
            exchange::LimitOrder order;
            order.market = market;
            order.side = command.side;
            order.price = exchange::Price(command.price);
            order.quantity = exchange::Quantity(command.quantity);
            order.time_in_force =
                command.kind == FlowKind::take ? exchange::TimeInForce::ioc : exchange::TimeInForce::gtc;
            return order;
        }
        case FlowKind::reduce:
            return exchange::ReduceOrder{target, exchange::Quantity(command.quantity)};
        case FlowKind::cancel:
            return exchange::CancelOrder{target};
    }
    return exchange::CancelOrder{target};
}

}  // namespace

std::size_t Lane::lane_of(const LoadPlan& plan, std::uint64_t recorded, std::size_t feed) {
    const std::size_t nodes = plan.nodes.size(), connections = plan.connections;
    const std::uint64_t hash = mixed(recorded + 1);
    const std::size_t node = nodes == 1 ? 0 : static_cast<std::size_t>(hash % nodes);
    const std::size_t connection = plan.feeds.size() >= connections
                                       ? feed % connections
                                       : static_cast<std::size_t>((hash >> 32) % connections);
    return node * connections + connection;
}

Lane::Lane(const Shared& shared, std::size_t number, SettleSampler& sampler)
    : plan_(shared.plan),
      rules_(shared.rules),
      stop_(shared.stop),
      acknowledged_(shared.acknowledged),
      number_(number),
      sampler_(sampler),
      link_(plan_.nodes[number / plan_.connections], request_timeout, {plan_.retry_for, &shared.stop}) {
    feeds_.resize(plan_.feeds.size());
    std::size_t commands_max = 0;
    for (const MarketFeed& feed : plan_.feeds)
        commands_max = std::max(commands_max, feed.flow->commands.size());
    for (std::size_t command = 0; command < commands_max; ++command) {
        for (std::size_t feed = 0; feed < plan_.feeds.size(); ++feed) {
            const Flow& flow = *plan_.feeds[feed].flow;
            if (command >= flow.commands.size()) continue;
            const std::uint64_t recorded = flow.orders[flow.commands[command].order].recorded;
            if (lane_of(plan_, recorded, feed) != number_) continue;
            work_.push_back({static_cast<std::uint32_t>(command), static_cast<std::uint32_t>(feed)});
            if (feeds_[feed].order_nonces.empty()) feeds_[feed].order_nonces.resize(flow.orders.size());
        }
    }
    for (std::size_t feed = 0; feed < feeds_.size(); ++feed) {
        if (feeds_[feed].order_nonces.empty()) continue;
        feeds_[feed].first_account = accounts_.size();
        const std::string market = lower(rules_.markets[plan_.feeds[feed].market.value()].symbol);
        for (const char* role : {"bids", "asks", "taker"})
            accounts_.push_back(
                {plan_.account_prefix + "-" + role + "-" + market + "-" + std::to_string(number_), {}, 1, 1});
    }
    name_index_.resize(accounts_.size());
    if (plan_.check_record && !feeds_[0].order_nonces.empty())
        record_ = std::make_unique<RecordCheck>(*plan_.feeds[0].flow, plan_.official);
}

// --- funding
// --------------------------------------------------------------------------------------------------------

// Per account and asset, what the flow can make it need at most.
std::vector<std::vector<exchange::Amount>> Lane::needs() const {
    std::vector<std::vector<exchange::Amount>> out(accounts_.size(),
                                                   std::vector<exchange::Amount>(rules_.assets.size(), 0));
    for (std::size_t i = 0; i < feeds_.size(); ++i) {
        if (feeds_[i].order_nonces.empty()) continue;
        const exchange::MarketRules& market = rules_.markets[plan_.feeds[i].market.value()];
        const FlowCounts& counts = plan_.feeds[i].flow->counts;
        const exchange::Amount notional =
            (counts.buy_notional_peak + counts.traded_notional) * market.notional_constant * funding_margin;
        const exchange::Amount quote = notional + notional / 10;  // the highest fee a market may have is 10 %
        const exchange::Amount base =
            (counts.sell_lots_peak + counts.executed_lots) * market.lot_units * funding_margin;
        const std::size_t first = feeds_[i].first_account;
        out[first + bids][market.quote.value()] = quote;
        out[first + asks][market.base.value()] = base;
        out[first + taker][market.quote.value()] = quote;
        out[first + taker][market.base.value()] = base;
    }
    return out;
}

Result<std::vector<std::vector<exchange::Amount>>> Lane::missing_funds(
    const std::vector<std::vector<exchange::Amount>>& needs, std::vector<bool>& known) {
    std::vector<std::vector<exchange::Amount>> missing = needs;
    known.assign(accounts_.size(), false);
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        Result<std::optional<AccountState>> state = link_.account(accounts_[i].name, rules_);
        if (!state.ok()) return state.error();
        if (!state->has_value()) continue;
        known[i] = true;
        accounts_[i].first_nonce = accounts_[i].next_nonce = (*state)->next_nonce;
        for (std::size_t asset = 0; asset < missing[i].size(); ++asset)
            missing[i][asset] = std::max<exchange::Amount>(0, missing[i][asset] - (*state)->available[asset]);
    }
    return missing;
}

Status Lane::fund(const std::vector<std::vector<exchange::Amount>>& missing) {
    BatchRequest request;
    for (const Account& account : accounts_)
        request.names.push_back(account.name);
    const auto flush = [&]() -> Status {
        if (request.commands.empty()) return {};
        Bytes bytes;
        encode_batch_request(request, bytes);
        request.commands.clear();
        Result<NodeLink::Submitted> answer = link_.submit(bytes);
        if (!answer.ok()) return answer.error();
        for (const BatchResult& result : answer->reply.results)
            if (result.status == CommandStatus::rejected)
                return Error{ErrorCode::invalid_input,
                             link_.url() + " refuses the faucet: " + exchange::describe(result.reason)};
        return {};
    };
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        for (std::size_t asset = 0; asset < missing[i].size(); ++asset) {
            exchange::Amount left = missing[i][asset];
            const exchange::Amount faucet = rules_.faucet_max[asset];
            if (left == 0) continue;
            if (faucet == 0 || left / faucet > static_cast<exchange::Amount>(faucets_per_account_max))
                return Error{ErrorCode::invalid_input,
                             "the network's faucet of " + rules_.assets[asset].name +
                                 " gives too little for this replay: account " + accounts_[i].name +
                                 " needs " + exchange::format_amount(left, rules_.assets[asset].decimals)};
            while (left > 0) {
                const exchange::Amount amount = std::min(left, faucet);
                left -= amount;
                // The node chooses the nonce: it may have to open the account first.
                request.commands.push_back(
                    {static_cast<std::uint32_t>(i), 0,
                     exchange::Faucet{exchange::AssetId(static_cast<std::uint32_t>(asset)), amount}});
                if (request.commands.size() == intents_per_request_max)
                    if (Status status = flush(); !status.ok()) return status;
            }
        }
    }
    return flush();
}

Status Lane::prepare() {
    if (accounts_.empty()) return {};
    Result<NodeStatus> status = link_.status();
    if (!status.ok()) return status.error();
    for (Account& account : accounts_)
        account.id = exchange::hosted_account_id(status->node, account.name);
    std::vector<std::vector<exchange::Amount>> wanted = needs();
    std::vector<bool> known;
    Result<std::vector<std::vector<exchange::Amount>>> missing = missing_funds(wanted, known);
    if (!missing.ok()) return missing.error();
    // Every account must exist before it is used with nonces of our choice.
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        const bool funded =
            std::any_of((*missing)[i].begin(), (*missing)[i].end(), [](auto a) { return a > 0; });
        if (known[i] || funded) continue;
        for (std::size_t asset = 0; asset < rules_.assets.size() && !known[i]; ++asset) {
            if (rules_.faucet_max[asset] == 0) continue;
            (*missing)[i][asset] = 1;
            known[i] = true;
        }
    }
    if (Status funded = fund(*missing); !funded.ok()) return funded;
    Result<std::vector<std::vector<exchange::Amount>>> left = missing_funds(wanted, known);
    if (!left.ok()) return left.error();
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        if (!known[i])
            return Error{ErrorCode::invalid_input,
                         link_.url() + " did not open account " + accounts_[i].name};
        for (std::size_t asset = 0; asset < rules_.assets.size(); ++asset)
            if ((*left)[i][asset] > 0)
                return Error{ErrorCode::invalid_input, "account " + accounts_[i].name + " at " + link_.url() +
                                                           " lacks " + rules_.assets[asset].name +
                                                           " after the faucet"};
    }
    return {};
}

// --- sending
// --------------------------------------------------------------------------------------------------------

MonoTime Lane::due_time(const Work& work, MonoTime start) const {
    const Pace& pace = plan_.pace;
    if (pace.commands_per_s > 0) {
        const __int128 position =
            static_cast<__int128>(work.command) * static_cast<__int128>(plan_.feeds.size()) + work.feed;
        return start + Duration{static_cast<std::int64_t>(position * 1'000'000'000 / pace.commands_per_s)};
    }
    if (pace.speed_thousandths > 0) {
        const Flow& flow = *plan_.feeds[work.feed].flow;
        const __int128 recorded = flow.commands[work.command].time_ns - flow.commands.front().time_ns;
        return start + Duration{static_cast<std::int64_t>(recorded * 1'000 / pace.speed_thousandths)};
    }
    return start;
}

std::size_t Lane::wait_for_batch(std::size_t begin, MonoTime start, MonoTime& due) const {
    const std::size_t end_max = std::min(work_.size(), begin + plan_.batch);
    if (plan_.pace.commands_per_s == 0 && plan_.pace.speed_thousandths == 0) {
        due = mono_now();
        return end_max;
    }
    due = due_time(work_[begin], start);
    while (!stop_.load()) {
        const Duration left = due - mono_now();
        if (left.ns <= 0) break;
        // In slices, so that stop_ is seen.
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min<std::int64_t>(left.ns, 200'000'000)));
    }
    const MonoTime now = mono_now();
    std::size_t end = begin + 1;
    while (end < end_max && due_time(work_[end], start) <= now)
        ++end;
    return end;
}

std::size_t Lane::end_of_commit(std::size_t begin, std::size_t end) const {
    if (!record_) return end;
    SameCommit commit;
    for (std::size_t i = begin; i < end; ++i)
        if (work_[i].feed == 0 && !commit.add(plan_.feeds[0].flow->commands[work_[i].command])) return i;
    return end;
}

void Lane::build(std::size_t begin, std::size_t end) {
    for (BatchCommand& command : batch_.commands)
        command.body = exchange::CancelOrder{};
    batch_.names.clear();
    batch_.commands.clear();
    std::fill(name_index_.begin(), name_index_.end(), 0U);
    for (std::size_t i = begin; i < end; ++i) {
        const Work& work = work_[i];
        const MarketFeed& source = plan_.feeds[work.feed];
        const FlowCommand& command = source.flow->commands[work.command];
        Feed& feed = feeds_[work.feed];
        const std::size_t role = command.kind == FlowKind::take        ? taker
                                 : command.side == exchange::Side::buy ? bids
                                                                       : asks;
        Account& account = accounts_[feed.first_account + role];
        const std::uint64_t nonce = account.next_nonce++;
        std::uint32_t& order_nonce = feed.order_nonces[command.order];
        if (command.kind == FlowKind::place)
            order_nonce = static_cast<std::uint32_t>(nonce - account.first_nonce) + 1;
        const exchange::CommandRef target{account.first_nonce + order_nonce - 1, 0};
        std::uint32_t& name = name_index_[feed.first_account + role];
        if (name == 0) {
            batch_.names.push_back(account.name);
            name = static_cast<std::uint32_t>(batch_.names.size());
        }
        batch_.commands.push_back({name - 1, nonce, body_of(command, source.market, target)});
        if (record_ && work.feed == 0 && command.kind == FlowKind::place)
            orders_by_id_[exchange::make_order_id(rules_.network, account.id, {nonce, 0})] = command.order;
    }
    encoded_.clear();
    encode_batch_request(batch_, encoded_);
}

Status Lane::run(MonoTime start) {
    const std::size_t sample_every = std::max<std::size_t>(1, work_.size() / book_samples_max);
    std::size_t begin = 0;
    std::size_t sample_at = sample_every;
    while (begin < work_.size() && !stop_.load()) {
        MonoTime due;
        const std::size_t end = end_of_commit(begin, wait_for_batch(begin, start, due));
        build(begin, end);
        Result<NodeLink::Submitted> answer = link_.submit(encoded_);
        if (!answer.ok()) return answer.error();
        report_.durable_us.add(static_cast<std::uint64_t>((mono_now() - due).ns / 1'000));
        sampler_.offer(answer->reply.block, due);
        if (Status status = take_answer(begin, end, *answer); !status.ok()) return status;
        begin = end;
        if (!record_ || (begin < sample_at && begin < work_.size())) continue;
        if (Status status = sample_book(); !status.ok()) return status;
        sample_at = begin + sample_every;
    }
    if (record_ && begin == work_.size()) report_.record = record_->finish();
    return {};
}

Status Lane::take_answer(std::size_t begin, std::size_t end, const NodeLink::Submitted& answer) {
    const std::vector<BatchResult>& results = answer.reply.results;
    if (results.size() != end - begin)
        return Error{ErrorCode::invalid_input, link_.url() + " answered " + std::to_string(results.size()) +
                                                   " of " + std::to_string(end - begin) + " commands"};
    ++report_.batches;
    if (answer.sent_again) ++report_.batches_sent_again;
    for (std::size_t i = 0; i < results.size(); ++i) {
        const BatchResult& result = results[i];
        const Work& work = work_[begin + i];
        const FlowKind kind = plan_.feeds[work.feed].flow->commands[work.command].kind;
        ++report_.commands;
        if (kind == FlowKind::place || kind == FlowKind::take) ++report_.orders;
        report_.fills += result.fills.size();
        if (result.status == CommandStatus::rejected) {
            if (answer.sent_again && result.reason == exchange::Reason::nonce_used) {
                ++report_.executed_before;
                record_.reset();  // its outcome is not known here
                continue;
            }
            ++report_.rejections[exchange::to_string(result.reason)];
        }
        if (record_ && work.feed == 0) check(work, batch_.commands[i], result);
    }
    acknowledged_.fetch_add(results.size());
    return {};
}

void Lane::check(const Work& work, const BatchCommand& command, const BatchResult& result) {
    PB_CHECK(command.nonce == result.nonce || result.status == CommandStatus::rejected,
             "an answer names another command");
    FlowOutcome outcome;
    outcome.rejected = result.status == CommandStatus::rejected;
    outcome.reason = result.reason;
    if (result.status == CommandStatus::resting || result.status == CommandStatus::partially_filled)
        outcome.leaves = result.leaves.value();
    for (const BatchFill& fill : result.fills) {
        FlowFill one;
        auto known = orders_by_id_.find(fill.maker_order);
        if (known != orders_by_id_.end()) one.maker = known->second;
        one.price = fill.price.value();
        one.quantity = fill.quantity.value();
        outcome.fills.push_back(one);
    }
    record_->outcome(work.command, outcome);
}

// The book rebuilt from answers against the node's own.
Status Lane::sample_book() {
    Result<BookTop> book = link_.book(rules_.markets[plan_.feeds[0].market.value()], sampled_depth);
    if (!book.ok()) return book.error();
    ++report_.book_samples;
    if (book->bids != record_->levels(exchange::Side::buy, sampled_depth) ||
        book->asks != record_->levels(exchange::Side::sell, sampled_depth))
        ++report_.book_samples_different;
    return {};
}

// --- checking afterwards
// --------------------------------------------------------------------------------------------

Status Lane::verify(std::vector<NodeLink>& links, std::uint64_t& missing) {
    for (const Account& account : accounts_) {
        for (NodeLink& link : links) {
            Result<std::optional<AccountState>> state = link.account(to_hex(account.id), rules_);
            if (!state.ok()) return state.error();
            const std::uint64_t next = state->has_value() ? (*state)->next_nonce : 1;
            if (next < account.next_nonce) missing += account.next_nonce - next;
        }
    }
    if (report_.batches_sent_again == 0 && !plan_.probe_acknowledged) return {};
    const std::uint64_t before = report_.acknowledged_missing;
    if (Status status = probe(); !status.ok()) return status;
    missing += report_.acknowledged_missing - before;
    return {};
}

// Sends a harmless command with each acknowledged nonce again: every one must be refused as used.
Status Lane::probe() {
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        Account& account = accounts_[i];
        for (std::uint64_t nonce = account.first_nonce; nonce < account.next_nonce;) {
            BatchRequest request;
            request.names.push_back(account.name);
            while (nonce < account.next_nonce && request.commands.size() < intents_per_request_max) {
                request.commands.push_back({0, nonce, exchange::CancelOrder{{nonce, 0}}});
                ++nonce;
            }
            Bytes bytes;
            encode_batch_request(request, bytes);
            Result<NodeLink::Submitted> answer = link_.submit(bytes);
            if (!answer.ok()) return answer.error();
            for (const BatchResult& result : answer->reply.results) {
                ++report_.probed;
                if (result.status == CommandStatus::rejected && result.reason == exchange::Reason::nonce_used)
                    continue;
                if (result.status == CommandStatus::rejected &&
                    result.reason == exchange::Reason::nonce_out_of_window) {
                    ++report_.probe_out_of_window;
                } else {
                    ++report_.acknowledged_missing;
                }
            }
        }
    }
    return {};
}

void Lane::add_to(LoadReport& report) const {
    report.commands += report_.commands;
    report.orders += report_.orders;
    report.fills += report_.fills;
    report.batches += report_.batches;
    report.batches_sent_again += report_.batches_sent_again;
    report.executed_before += report_.executed_before;
    for (const auto& [reason, count] : report_.rejections)
        report.rejections[reason] += count;
    report.durable_us.merge(report_.durable_us);
    report.probed += report_.probed;
    report.probe_out_of_window += report_.probe_out_of_window;
    if (report_.record) report.record = report_.record;
    report.book_samples += report_.book_samples;
    report.book_samples_different += report_.book_samples_different;
}

}  // namespace peerbook::app::replay
