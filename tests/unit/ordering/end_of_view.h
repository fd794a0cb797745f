// Members that end a view: what tests of ViewChange share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "exchange/ordering/view_change.h"
#include "tests/support/toy_market.h"
#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {

inline const testing::CheapVerifier verifier;

// Members A, B, C … of one view, each with its own ledger, its part in ending the view, and a disk. Blocks
// are drawn; messages wait until the test delivers them.
class EndOfViewOf : public ::testing::Test {
  protected:
    explicit EndOfViewOf(std::size_t members) : dag(members) {
        for (std::size_t i = 0; i < members; ++i)
            admissible.push_back(dag.key(i));
        admissible.push_back(guest.public_key());
        outlook.suspected.assign(members, false);
        outlook.heard.assign(members, true);
        outlook.leaving.assign(members, false);
        outlook.convicted.assign(members, false);
        for (std::size_t i = 0; i < members; ++i) {
            nodes.push_back(std::make_unique<Node>());
            boot(i);
        }
    }

    struct Letter {
        std::size_t from = 0, to = 0;
        SharedBytes bytes;
        ViewMessageKind kind = ViewMessageKind::prepare;
    };
    struct Node {
        std::unique_ptr<OpenLedger> ledger;
        std::unique_ptr<ViewChange> change;
        std::vector<std::string> blocks;  // journal
        std::vector<ViewChangeOutput::Record> unstored;
        Bytes stored;  // the last durable record
        std::set<std::size_t> fetched_from;
        std::vector<std::string> alarms;
        std::optional<Decision> installs;
    };

    Result<BallotState> ballot_state(ByteView bytes) const {
        return decode_ballot_state(bytes, DrawnDag::network(), view().ledger);
    }
    static std::size_t at(char name) { return static_cast<std::size_t>(name - 'A'); }
    Node& node(char name) { return *nodes[at(name)]; }
    const View& view() const { return dag.view(); }
    std::size_t index(const PublicKey& key) const { return view().index_of(key)->value(); }

    void boot(std::size_t i) {
        Node& node = *nodes[i];
        node.change.reset();
        node.ledger = std::make_unique<OpenLedger>(testing::toy_rules(DrawnDag::network()), view(),
                                                   dag.key(i), LedgerLimits{});
        const std::vector<std::string> blocks = std::exchange(node.blocks, {});
        node.change = std::make_unique<ViewChange>(*node.ledger, dag.signer(i), Admission(policy, admissible),
                                                   ViewChangeTimes{}, Random(i));
        node.unstored.clear();
        node.installs.reset();
        for (const std::string& name : blocks)
            give(static_cast<char>('A' + i), name);
        if (!node.stored.empty()) node.change->restore(ballot_state(node.stored).value());
    }
    // kill -9, and up again.
    void crash(char name) { boot(at(name)); }

    // The node gets these blocks.
    void give(char name, const std::string& blocks) {
        std::istringstream words(blocks);
        for (std::string block; words >> block;) {
            EXPECT_EQ(node(name).ledger->accept(dag.block(block), WallTime{1'000'000}).kind,
                      AcceptKind::accepted)
                << block << " at " << name;
            node(name).blocks.push_back(block);
        }
        node(name).ledger->take_accepted();
        node(name).ledger->execute();
    }

    void take(std::size_t i, ViewChangeOutput out) {
        Node& node = *nodes[i];
        for (auto& record : out.records)
            node.unstored.push_back(std::move(record));
        for (auto& send : out.sends) {
            const auto message =
                verify_view_message(send.message.view(), view(), DrawnDag::network(), verifier);
            ASSERT_TRUE(message.ok()) << message.error().message;
            letters.push_back({i, index(send.to), send.message, message->kind});
        }
        for (const MemberIndex author : out.take_branches)
            node.ledger->take_branches(author);
        for (const PublicKey& peer : out.fetch_from)
            node.fetched_from.insert(index(peer));
        for (std::string& alarm : out.alarms)
            node.alarms.push_back(std::move(alarm));
        if (out.install) node.installs = std::move(out.install);
    }
    void step(char name) {
        ViewChangeOutput out;
        Outlook own = outlook;
        own.suspected[at(name)] = false;
        node(name).change->step(now, own, out);
        take(at(name), std::move(out));
    }
    void store(char name) {
        if (node(name).unstored.empty()) return;
        const std::uint64_t id = node(name).unstored.back().id;
        node(name).stored = std::move(node(name).unstored.back().bytes);
        node(name).unstored.clear();
        ViewChangeOutput out;
        node(name).change->on_stored(id, out);
        take(at(name), std::move(out));
    }
    void deliver(const Letter& letter) {
        const auto message = verify_view_message(letter.bytes.view(), view(), DrawnDag::network(), verifier);
        ViewChangeOutput out;
        nodes[letter.to]->change->on_message(*message, now, out);
        take(letter.to, std::move(out));
    }
    // What a member would say that signs anything.
    void deliver_signed(std::size_t from, std::size_t to, ViewMessage message) {
        const Bytes bytes = sign_view_message(message, DrawnDag::network(), view().ledger, dag.signer(from));
        deliver({from, to, SharedBytes(bytes), message.kind});
    }
    // Delivers what is on its way, to these nodes only; the rest is lost.
    void deliver_to(const std::string& names) {
        for (const Letter& letter : std::exchange(letters, {}))
            if (names.find(static_cast<char>('A' + letter.to)) != std::string::npos) deliver(letter);
    }
    // These nodes go on among themselves, with good disks, until nothing is left to say. Nothing is fetched.
    void run(const std::string& names) {
        for (int round = 0; round < 20; ++round) {
            for (char name : names) {
                if (node(name).installs) continue;
                step(name);
                store(name);
            }
            deliver_to(names);
        }
    }
    void later(Duration time) { now = now + time; }
    void suspect(const std::string& names) {
        for (char name : names) {
            outlook.suspected[at(name)] = true;
            outlook.heard[at(name)] = false;
        }
    }
    std::string members_of(const View& next) const {
        std::string names;
        for (const PublicKey& member : next.members)
            names += member == guest.public_key() ? 'g' : static_cast<char>('A' + index(member));
        return names;
    }
    static std::string cut_of(const View& next) {
        std::string seqs;
        for (const CutEntry& entry : next.cut)
            seqs += std::to_string(entry.seq) + " ";
        return seqs;
    }
    std::vector<ViewMessageKind> kinds() const {
        std::vector<ViewMessageKind> all;
        for (const Letter& letter : letters)
            all.push_back(letter.kind);
        return all;
    }

    DrawnDag dag;
    testing::CheapSigner guest{77};
    std::vector<PublicKey> admissible;
    AdmissionPolicy policy;
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<Letter> letters;
    Outlook outlook;
    MonoTime now{1'000'000'000};
};

class EndOfViewOfThree : public EndOfViewOf {
  protected:
    EndOfViewOfThree() : EndOfViewOf(3) {
        dag.draw(R"(
            A1*:
            B1*: A1
            C1 : B1
            A2*: A1 B1
            B2*: B1 A2
            C2 : C1
        )");
    }
};

}  // namespace peerbook::exchange
