#include "tests/unit/ordering/drawn_dag.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/check.h"
#include "tests/support/toy_market.h"

namespace peerbook::exchange {

Digest DrawnDag::network() {
    return hash_of("test network", {});
}

DrawnDag::DrawnDag(std::size_t members, std::uint64_t base_round) {
    std::vector<PublicKey> keys;
    for (std::size_t i = 0; i < members; ++i)
        keys.push_back(signers_.emplace_back(i).public_key());
    view_ = make_first_view(network(), keys).value();
    view_.base_round = base_round;
}

void DrawnDag::draw(const std::string& table) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);)
        if (line.find(':') != std::string::npos) draw_line(line);
}

void DrawnDag::draw_line(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name.back() == ':') name.pop_back();
    const bool has_command = name.back() == '*';
    if (has_command) name.pop_back();
    PB_CHECK(!blocks_.contains(name), "a block is drawn once");

    VerifiedBlock block;
    BlockHeader& header = block.header;
    header.network = network();
    header.ledger = view_.ledger;
    header.view = digest_of(view_);
    header.author = view_.members.at(static_cast<std::size_t>(name[0] - 'A'));
    header.seq = std::stoull(name.substr(1));
    header.round = view_.base_round + 1;
    header.payload_root = hash_of("drawn", as_bytes(name));
    for (std::string word; words >> word;) {
        if (word == ":") continue;
        if (word[0] == '@') {
            header.timestamp.ms = std::stoll(word.substr(1));
            continue;
        }
        header.parents.push_back(ref(word));
        header.round = std::max(header.round, blocks_.at(word).header.round + 1);
    }
    block.digest = digest_of(header);
    block.encoded = SharedBytes(Bytes(name.begin(), name.end()));
    blocks_[name] = std::move(block);
    names_.push_back(name);
    if (has_command) set_commands(name, {Command{}});
}

void DrawnDag::set_commands(const std::string& name, std::vector<Command> commands) {
    VerifiedBlock& block = blocks_.at(name);
    block.command_count = static_cast<std::uint32_t>(commands.size());
    CommandBatch batch;
    batch.signer = block.header.author;
    for (Command& command : commands)
        batch.add(command.account, command.ref, std::move(command.body));
    block.batches = {std::move(batch)};
}

VerifiedBlock DrawnDag::block(const std::string& name) const {
    return blocks_.at(name);
}

VerifiedBlock DrawnDag::broken(const std::string& name, void (*change)(BlockHeader&)) const {
    VerifiedBlock block = blocks_.at(name);
    change(block.header);
    block.digest = digest_of(block.header);
    return block;
}

ParentRef DrawnDag::ref(const std::string& name) const {
    const VerifiedBlock& block = blocks_.at(name);
    return {*view_.index_of(block.header.author), block.header.round, block.digest};
}

std::string DrawnDag::name_of(const Digest& digest) const {
    for (const auto& [name, block] : blocks_)
        if (block.digest == digest) return name;
    return "?";
}

std::vector<std::string> DrawnDag::names() const {
    return names_;
}

std::unique_ptr<OpenLedger> empty_ledger(const DrawnDag& dag, std::size_t member) {
    return std::make_unique<OpenLedger>(testing::toy_rules(DrawnDag::network()), dag.view(), dag.key(member),
                                        LedgerLimits{});
}

void give(OpenLedger& ledger, const DrawnDag& dag, const std::string& blocks) {
    std::istringstream words(blocks);
    for (std::string block; words >> block;)
        EXPECT_EQ(ledger.accept(dag.block(block), WallTime{1'000'000}).kind, AcceptKind::accepted) << block;
    ledger.take_accepted();
}

}  // namespace peerbook::exchange
