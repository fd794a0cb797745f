// Members that break every rule: whatever they sign, in whatever order it comes, a ledger neither stops nor
// changes what it settled, and holds no more than its limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "exchange/ordering/open_ledger.h"
#include "tests/support/cheap_keys.h"
#include "tests/support/toy_market.h"

namespace peerbook::exchange {
namespace {

constexpr std::int64_t now_ms = 100'000;
constexpr std::size_t suspended_max = 6;

class HostileMembers {
  public:
    explicit HostileMembers(std::uint64_t seed) : random_(seed) {
        const std::size_t members = 2 + random_.below(4);
        std::vector<PublicKey> keys;
        for (std::size_t i = 0; i < members; ++i)
            keys.push_back(testing::CheapSigner(i).public_key());
        view = make_first_view(network, keys).value();
    }

    // Signs a number of blocks. Some authors fork their chains, some name what they like, some lie about
    // numbers.
    std::vector<VerifiedBlock> sign(std::size_t count) {
        std::vector<VerifiedBlock> blocks;
        for (std::size_t i = 0; i < count; ++i)
            blocks.push_back(sign_one(blocks));
        return blocks;
    }
    Random& random() { return random_; }

    const Digest network = hash_of("test network", {});
    View view;

  private:
    VerifiedBlock sign_one(const std::vector<VerifiedBlock>& earlier) {
        VerifiedBlock block;
        BlockHeader& header = block.header;
        const MemberIndex author(static_cast<std::uint32_t>(random_.below(view.members.size())));
        header.network = network;
        header.ledger = view.ledger;
        header.view = digest_of(view);
        header.author = view.members[author.value()];
        header.payload_root = hash_of("any", as_bytes(std::to_string(earlier.size())));
        // Mostly the newest block of each author, now and then any: a fork, or an old parent.
        auto choose = [&](const PublicKey& key) -> const VerifiedBlock* {
            std::vector<const VerifiedBlock*> all;
            for (const VerifiedBlock& candidate : earlier)
                if (candidate.header.author == key) all.push_back(&candidate);
            if (all.empty()) return nullptr;
            return random_.below(25) == 0 ? all[static_cast<std::size_t>(random_.below(all.size()))]
                                          : all.back();
        };
        auto add = [&](MemberIndex member, const VerifiedBlock& parent) {
            header.parents.push_back({member, parent.header.round, parent.digest});
            header.round = std::max(header.round, parent.header.round + 1);
            header.timestamp = std::max(header.timestamp, parent.header.timestamp);
        };
        if (const VerifiedBlock* previous = choose(header.author)) {
            add(author, *previous);
            header.seq = previous->header.seq + 1;
        }
        for (std::uint32_t i = 0; i < view.members.size(); ++i)
            if (MemberIndex(i) != author && random_.below(2) == 0)
                if (const VerifiedBlock* parent = choose(view.members[i])) add(MemberIndex(i), *parent);
        if (random_.below(40) == 0) lie(header);
        block.digest = digest_of(header);
        block.encoded = SharedBytes(Bytes(10));
        block.command_count = static_cast<std::uint32_t>(random_.below(2));
        if (block.command_count > 0) {
            CommandBatch& batch = block.batches.emplace_back();
            batch.signer = header.author;
            batch.add(hosted_account_id(header.author, "x"), {earlier.size() + 1, 0}, OpenAccount{"x"});
        }
        return block;
    }

    void lie(BlockHeader& header) {
        switch (random_.below(8)) {
            case 0:
                header.seq = random_.below(6);
                break;
            case 1:
                header.round = random_.below(9);
                break;
            case 2:
                header.round = ~std::uint64_t{0};
                break;
            case 3:
                header.timestamp.ms = now_ms + static_cast<std::int64_t>(random_.below(9'000));
                break;
            case 4:
                header.timestamp.ms = -1;
                break;
            case 5:
                header.parents.clear();
                break;
            case 6:
                if (!header.parents.empty()) header.parents.back().author = MemberIndex(9);
                break;
            default:
                if (!header.parents.empty()) header.parents.back().digest = header.payload_root;
        }
    }

    Random random_;
};

TEST(HostileBlocks, NeitherStopTheLedgerNorChangeWhatSettled) {
    std::uint64_t settled_in_all = 0, forks_in_all = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        HostileMembers members(seed);
        LedgerLimits limits;
        limits.suspended_per_author_max = suspended_max;
        OpenLedger ledger(testing::toy_rules(members.network), members.view, PublicKey{}, limits);
        std::vector<VerifiedBlock> blocks = members.sign(80);
        // Late by up to a few places, and some twice.
        for (std::size_t i = 0; i + 1 < blocks.size(); ++i)
            if (members.random().below(3) == 0)
                std::swap(
                    blocks[i],
                    blocks[i + 1 + members.random().below(std::min<std::size_t>(8, blocks.size() - i - 1))]);
        std::set<Digest> settled;
        std::uint64_t length = 0;
        for (int pass = 0; pass < 2; ++pass)
            for (const VerifiedBlock& block : blocks) {
                const AcceptOutcome outcome = ledger.accept(block, {now_ms + pass * 10'000});
                forks_in_all += outcome.kind == AcceptKind::equivocation;
                EXPECT_EQ(outcome.why.empty(),
                          outcome.kind != AcceptKind::invalid && outcome.kind != AcceptKind::equivocation);
                if (members.random().below(3) != 0) continue;
                ledger.release_held_back({now_ms + pass * 10'000});
                const LedgerUpdate update = ledger.execute();
                for (const Commit& commit : update.retracted)
                    ASSERT_FALSE(settled.contains(commit.block));
                for (const Commit& commit : update.settled) {
                    ASSERT_EQ(commit.index, ++length) << "seed " << seed;
                    ASSERT_TRUE(settled.insert(commit.block).second);
                }
                const LedgerStats stats = ledger.stats();
                ASSERT_LE(stats.blocks_suspended + stats.blocks_held_back,
                          suspended_max * members.view.members.size());
            }
        settled_in_all += length;
    }
    EXPECT_GT(settled_in_all, 500u);
    EXPECT_GT(forks_in_all, 500u);
}

}  // namespace
}  // namespace peerbook::exchange
