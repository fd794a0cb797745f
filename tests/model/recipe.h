// What a test draws: bytes that become rules and commands. A command's recipe says what is wanted ("cancel
// the third open order"), and is resolved against the state that it meets, so that a stream from which some
// commands were taken out, by shrinking or by a fuzzer, still does something like it did. Zero is always the
// plainest choice.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/market/market.h"
#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

using RulesRecipe = std::array<std::uint8_t, 24>;
using CommandRecipe = std::array<std::uint8_t, 16>;

struct CommitRecipe {
    std::array<std::uint8_t, 4> head{};
    std::vector<CommandRecipe> commands;

    Millis time_step() const;
    std::uint16_t rules_version(const RulesRecipe& rules) const;
    // How many commits to take back after this one, and whether to do them again.
    std::size_t undone() const;
    bool are_redone() const { return head[1] % 2 == 0; }
    // How many commits to keep the undo of; none: all.
    std::optional<std::size_t> kept() const;
    // Whether batches go through their encoding.
    bool is_encoded() const { return head[3] % 4 == 3; }
};

struct Script {
    RulesRecipe rules{};
    std::vector<CommitRecipe> commits;
};

// One who commands an account.
struct User {
    std::string name;  // empty: self-custodied
    PublicKey key;     // the account's own or its host's
    AccountId account;
};
// The first few are opened and get money before a script begins; the first is an issuer and an administrator.
const std::vector<User>& users();

NetworkRules make_rules(const RulesRecipe& recipe);
// Opens accounts and hands out money, one commit each.
std::vector<std::vector<CommandBatch>> make_prelude(const NetworkRules& rules);
std::vector<CommandBatch> resolve(const CommitRecipe& recipe, const Oracle& now);
// Any bytes are a script.
Script script_from(std::span<const std::uint8_t> bytes);

inline constexpr Millis first_time = 1'700'000'000'000;

}  // namespace peerbook::exchange::model
