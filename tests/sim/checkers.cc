#include "tests/sim/checkers.h"

#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

void encode_order(Encoder& out, const OrderKey& key, const Engine& engine) {
    if (key.account.value() < engine.account_count()) out.raw(engine.account_id(key.account).view());
    out.varint(key.nonce);
    out.varint(key.index);
}

std::string short_name(const Digest& digest) {
    return to_hex(digest).substr(0, 8);
}

}  // namespace

Digest digest_of_events(const EventBuffer& events, const Engine& engine) {
    Bytes bytes;
    Encoder out(bytes);
    for (const Event& event : events) {
        out.u8(static_cast<std::uint8_t>(event.kind));
        out.u8(static_cast<std::uint8_t>(event.reason));
        out.u8(static_cast<std::uint8_t>(event.side));
        out.u32(event.market.value());
        out.u32(event.command);
        encode_order(out, event.order, engine);
        encode_order(out, event.maker, engine);
        out.i64(event.price.value());
        out.i64(event.quantity.value());
        out.i64(event.leaves.value());
        out.i64(event.maker_leaves.value());
        out.u8(static_cast<std::uint8_t>(event.phase));
        out.u32(event.ordinal);
        out.i128(event.amount);
        out.i128(event.taker_fee);
        out.i128(event.maker_fee);
    }
    return hash_of("events", bytes);
}

std::string AgreementChecker::settled(std::size_t node, std::uint64_t index, const Digest& block,
                                      const Digest& events) {
    if (index != lengths_[node] + 1)
        return "node " + std::to_string(node) + " settled position " + std::to_string(index) + " after " +
               std::to_string(lengths_[node]);
    lengths_[node] = index;
    if (index > log_.size()) {
        log_.push_back({block, events});
        return "";
    }
    const Entry& known = log_[index - 1];
    if (known.block != block)
        return "position " + std::to_string(index) + " settled as block " + short_name(known.block) +
               " and, at node " + std::to_string(node) + ", as " + short_name(block);
    if (known.events != events)
        return "block " + short_name(block) + " settled with other events at node " + std::to_string(node);
    return "";
}

std::string FeedChecker::update(const LedgerUpdate& update, const Engine& engine) {
    for (const Commit& commit : update.retracted) {
        ++retractions_;
        const std::string name = short_name(commit.block);
        if (settled_.contains(commit.block)) return "settled block " + name + " was retracted";
        auto told = told_.find(commit.block);
        if (told == told_.end()) return "block " + name + " was retracted and never told";
        if (told->second != digest_of_events(commit.events, engine))
            return "block " + name + " was retracted with other events than were told";
        told_.erase(told);
    }
    for (const Commit& commit : update.applied)
        if (!told_.emplace(commit.block, digest_of_events(commit.events, engine)).second)
            return "block " + short_name(commit.block) + " was told twice without a retraction";
    for (const Commit& commit : update.settled) {
        const std::string name = short_name(commit.block);
        auto told = told_.find(commit.block);
        if (told == told_.end()) return "block " + name + " settled and was never told";
        if (told->second != digest_of_events(commit.events, engine))
            return "block " + name + " settled with other events than were told";
        told_.erase(told);
        settled_.insert(commit.block);
    }
    return "";
}

std::string OnceChecker::settled(const Commit& commit) {
    std::vector<std::set<CommandRef>> answers(commit.commands);  // a mass quote has one for each quote
    for (const Event& event : commit.events) {
        if (event.command >= commit.commands && event.command != no_command)
            return "an event names a command that its block does not have";
        if (event.kind != EventKind::accepted && event.kind != EventKind::rejected) continue;
        if (event.command == no_command) return "nobody's command was answered";
        if (!answers[event.command].insert(event.order.ref()).second)
            return "a command of a settled block has two answers";
        if (event.reason == Reason::nonce_used) return "a command was executed before";
    }
    for (const std::set<CommandRef>& answer : answers)
        if (answer.empty()) return "a command of a settled block has no answer";
    commands_ += commit.commands;
    return "";
}

std::string RootChecker::made(std::uint64_t commit, const Digest& root) {
    const auto [known, is_new] = roots_.emplace(commit, root);
    if (known->second != root)
        return "the state after commit " + std::to_string(commit) + " has the root " +
               short_name(known->second) + " and, at another node, " + short_name(root);
    compared_ += !is_new;
    return "";
}

}  // namespace peerbook::sim
