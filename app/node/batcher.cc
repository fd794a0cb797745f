#include "app/node/batcher.h"

#include <algorithm>

namespace peerbook::app {

namespace {

bool is_account_name(const std::string& name) {
    return !name.empty() && name.size() <= exchange::account_name_length_max &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
}

}  // namespace

Result<exchange::AccountId> HostedAccounts::id_of(const std::string& name) const {
    const auto known = entries_.find(name);
    if (known != entries_.end()) return known->second.id;
    if (!is_account_name(name))
        return Error{ErrorCode::invalid_input,
                     "account: a name has 1 to 64 of the characters a-z, 0-9, point, dash and underscore"};
    return exchange::hosted_account_id(node_, name);
}

std::size_t HostedAccounts::room() const {
    const std::size_t max = engine_.rules().accounts_max;
    return max - std::min(max, entries_.size());
}

HostedAccounts::Entry& HostedAccounts::find(const std::string& name) {
    const auto known = entries_.find(name);
    if (known != entries_.end()) return known->second;
    Entry entry{exchange::hosted_account_id(node_, name), 1, false};
    if (const auto index = engine_.find_account(entry.id)) {
        entry.opened = true;
        entry.next_nonce = engine_.next_nonce(*index);
    }
    if (const auto given = given_away_.find(entry.id); given != given_away_.end())
        entry.next_nonce = std::max(entry.next_nonce, given->second + 1);
    if (const auto reserved = reserved_.find(entry.id); reserved != reserved_.end()) {
        entry.opened = true;
        entry.next_nonce = std::max(entry.next_nonce, reserved->second + 1);
    }
    return entries_.emplace(name, entry).first->second;
}

void HostedAccounts::reserve(const exchange::AccountId& account, std::uint64_t nonce) {
    std::uint64_t& reserved = reserved_[account];
    reserved = std::max(reserved, nonce);
}

void HostedAccounts::gave_away(const exchange::AccountId& account, std::uint64_t nonce) {
    std::uint64_t& given = given_away_[account];
    given = std::max(given, nonce);
}

void HostedAccounts::forget(const exchange::AccountId& account) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.id == account; });
}

std::uint64_t index_count(const exchange::CommandBatch& batch) {
    std::uint64_t count = 0;
    for (const exchange::BatchCommand& command : batch.commands)
        count += exchange::index_count(command.body);
    return count;
}

void Batcher::clear() {
    hosted_.clear();
    signed_.clear();
    indexes_ = 0;
}

void Batcher::add(exchange::Command command, std::optional<Origin> origin) {
    indexes_ += exchange::index_count(command.body);
    hosted_.push_back({std::move(command), origin});
}

void Batcher::add_signed(Bytes encoded, std::uint32_t commands, std::uint64_t indexes,
                         std::optional<Ticket> ticket) {
    indexes_ += indexes;
    signed_.push_back({std::move(encoded), commands, indexes, ticket, false});
}

void Batcher::add_own_signed(Bytes encoded, std::uint32_t commands, std::uint64_t indexes) {
    indexes_ += indexes;
    const auto strangers =
        std::find_if(signed_.begin(), signed_.end(), [](const SignedBatch& batch) { return !batch.is_own; });
    signed_.insert(strangers, {std::move(encoded), commands, indexes, std::nullopt, true});
}

Batcher::Built Batcher::take() {
    Built built;
    exchange::PayloadBuilder payload;
    bool own_wait = false;
    while (!signed_.empty() &&
           (signed_.front().is_own || hosted_.empty() || payload.size() < exchange::payload_bytes_max / 2)) {
        const SignedBatch& batch = signed_.front();
        if (payload.add_signed_batch(batch.encoded)) {
            for (std::uint32_t i = 0; i < batch.commands; ++i)
                built.origins.push_back(batch.ticket ? std::optional(Origin{*batch.ticket, i})
                                                     : std::nullopt);
        } else if (!payload.empty()) {
            own_wait = batch.is_own;
            break;  // the next block has room for it
        } else if (batch.ticket) {
            built.too_large.push_back(*batch.ticket);
        }
        indexes_ -= batch.indexes;
        signed_.pop_front();
    }
    while (!own_wait && !hosted_.empty() && payload.add_hosted(hosted_.front().command)) {
        built.origins.push_back(hosted_.front().origin);
        indexes_ -= exchange::index_count(hosted_.front().command.body);
        hosted_.pop_front();
    }
    built.payload = payload.take();
    return built;
}

Batcher::Taken Batcher::take_hosted() {
    constexpr std::size_t frame_bytes_max = exchange::AccountId::size + 32;  // of a command around its body
    Taken taken;
    Bytes bodies;
    Encoder encoder(bodies);
    while (!hosted_.empty() && taken.commands.size() < exchange::signed_batch_commands_max) {
        exchange::encode_command_body(encoder, hosted_.front().command.body);
        const std::size_t bytes = bodies.size() + (taken.commands.size() + 1) * frame_bytes_max;
        if (!taken.commands.empty() && bytes > exchange::payload_bytes_max / 2) break;
        indexes_ -= exchange::index_count(hosted_.front().command.body);
        taken.commands.push_back(std::move(hosted_.front().command));
        taken.origins.push_back(hosted_.front().origin);
        hosted_.pop_front();
    }
    return taken;
}

std::optional<Batcher::SignedBatch> Batcher::take_signed() {
    if (signed_.empty()) return std::nullopt;
    SignedBatch batch = std::move(signed_.front());
    signed_.pop_front();
    indexes_ -= batch.indexes;
    return batch;
}

}  // namespace peerbook::app
