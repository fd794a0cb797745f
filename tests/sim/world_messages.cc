// What nodes send to each other and tell their clients.
#include <algorithm>

#include "app/node/peer_messages.h"
#include "app/node/sign_of_life.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using app::Effects;
using app::MessageKind;

namespace {

const testing::CheapVerifier verifier;

std::string kind_text(std::uint8_t kind) {
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::block:
            return "block";
        case MessageKind::want:
            return "want";
        case MessageKind::version_vector:
            return "version vector";
        case MessageKind::blocks:
            return "blocks";
        case MessageKind::signed_batch:
            return "signed batch";
        case MessageKind::view_message:
            return "view message";
        case MessageKind::decision:
            return "decision";
        case MessageKind::ledger_news:
            return "ledger news";
        case MessageKind::evidence:
            return "evidence";
        case MessageKind::sign_of_life:
            return "sign of life";
        case MessageKind::holdings:
            return "holdings";
        case MessageKind::far_batch:
            return "far batch";
        case MessageKind::far_answer:
            return "far answer";
    }
    return "message of kind " + std::to_string(kind);
}

bool is_gossip(std::uint8_t kind) {
    return kind >= p2p::gossip_push_kind && kind <= p2p::gossip_digest_kind;
}

std::string block_text(const exchange::VerifiedBlock& block) {
    return "block " + short_name(block.digest) + " (seq " + std::to_string(block.header.seq) + ", round " +
           std::to_string(block.header.round) + ", " + std::to_string(block.command_count) + " commands)";
}

}  // namespace

bool World::is_reachable(std::size_t node) const {
    return machines_[node]->runs();
}

std::uint64_t World::process_of(std::size_t node) const {
    return machines_[node]->process;
}

void World::on_connected(std::size_t node, std::size_t peer) {
    trace_.mix(node << 8 | peer);
    note_heard(*machines_[node], machines_[peer]->key());
    gossip_peer(*machines_[node], machines_[peer]->key(), true);
    put(*machines_[node], [key = machines_[peer]->key()](app::Node& to, Now now, Effects& effects) {
        to.on_peer_connected(key, now, effects);
    });
}

void World::on_disconnected(std::size_t node, std::size_t peer) {
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(node) + " loses its session with " + std::to_string(peer);
    });
    gossip_peer(*machines_[node], machines_[peer]->key(), false);
    put(*machines_[node],
        [key = machines_[peer]->key()](app::Node& to, Now, Effects&) { to.on_peer_disconnected(key); });
}

bool World::is_strange(const PublicKey& key) const {
    return std::any_of(machines_.begin(), machines_.end(),
                       [&](const auto& machine) { return machine->mutator && machine->key() == key; });
}

void World::accuse(Machine& machine, const PublicKey& peer, const std::string& why) {
    rare_.add(Rare::violation_reported);
    trace_.say(scheduler_.now_us(),
               [&] { return "node " + std::to_string(machine.number) + " accuses a peer: " + why; });
    // Who pushes a strange peer's block on is not accused for it either: it would not have accepted it.
    if (!is_strange(peer) && !equivocation_) fail_at(machine.number, "an honest peer is accused: " + why);
}

void World::take_block(Machine& machine, std::size_t from, const SharedBytes& bytes) {
    const PublicKey& key = machines_[from]->key();
    if (bytes.size() <= exchange::block_bytes_max && BlockBook::view_of(bytes) != machine.view) {
        rare_.add(Rare::other_view_message);
        return put(machine, [key](app::Node& node, Now now, Effects& effects) {
            node.on_other_view(key, now, effects);
        });
    }
    auto block = book_->verify(bytes);
    if (!block.ok()) return accuse(machine, key, block.error().message);
    if ((*block)->header.timestamp.ms > now_of(machine).wall.ms + 2'000) rare_.add(Rare::held_back);
    put(machine, [key, block = *block](app::Node& node, Now now, Effects& effects) {
        node.on_block(key, *block, now, effects);
    });
}

void World::on_message(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload) {
    Machine& machine = *machines_[to];
    if (!machine.is_alive()) return;
    ++figures_.messages;
    trace_.mix(static_cast<std::uint64_t>(scheduler_.now_us()) << 16 | from << 12 | to << 8 | kind);
    trace_.mix(payload.view());
    trace_.say(scheduler_.now_us(), [&] {
        std::string text = "node " + std::to_string(to) + " gets from " + std::to_string(from) + " ";
        if (static_cast<MessageKind>(kind) == MessageKind::block)
            if (const auto block = book_->verify(payload); block.ok()) return text + block_text(**block);
        if (static_cast<MessageKind>(kind) == MessageKind::view_message)
            return text + view_message_text(payload.view());
        return text + kind_text(kind) + ", " + std::to_string(payload.size()) + " bytes";
    });
    const PublicKey key = machines_[from]->key();
    note_heard(machine, key);
    if (is_gossip(kind)) return receive_gossip(machine, from, payload);
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::sign_of_life:  // by gossip only
        case MessageKind::far_batch:     // sealed only
        case MessageKind::far_answer:
            return;
        case MessageKind::block:
            return take_block(machine, from, payload);
        case MessageKind::blocks: {
            auto message = app::decode_blocks(payload.view());
            if (!message.ok()) return accuse(machine, key, message.error().message);
            for (Bytes& block : message->blocks)
                take_block(machine, from, SharedBytes(std::move(block)));
            return put(machine, [key, more = message->more](app::Node& node, Now, Effects&) {
                node.on_blocks_taken(key, more);
            });
        }
        case MessageKind::version_vector: {
            auto message = app::decode_version_vector(payload.view());
            if (!message.ok()) return accuse(machine, key, message.error().message);
            return put(machine, [key, message = *message](app::Node& node, Now now, Effects& effects) {
                node.on_version_vector(key, message, now, effects);
            });
        }
        case MessageKind::holdings: {
            auto message = app::decode_holdings(payload.view());
            if (!message.ok()) return accuse(machine, key, message.error().message);
            return put(machine, [key, message = *message](app::Node& node, Now now, Effects& effects) {
                node.on_holdings(key, message, now, effects);
            });
        }
        case MessageKind::want: {
            auto digests = app::decode_want(payload.view());
            if (!digests.ok()) return accuse(machine, key, digests.error().message);
            return put(machine, [key, digests = *digests](app::Node& node, Now, Effects& effects) {
                node.on_want(key, digests, effects);
            });
        }
        case MessageKind::signed_batch: {
            auto batch =
                exchange::decode_signed_batch(payload.view(), rules_.network, rules_.rules_version, verifier);
            if (!batch.ok()) return accuse(machine, key, batch.error().message);
            rare_.add(Rare::batch_relayed);
            return put(machine, [key, payload, batch = *batch](app::Node& node, Now now, Effects& effects) {
                const ByteView bytes = payload.view();
                node.on_signed_batch(key, Bytes(bytes.begin(), bytes.end()), batch, now, effects);
            });
        }
        case MessageKind::view_message:
            return take_view_message(machine, from, payload);
        case MessageKind::decision:
            return take_decision(machine, from, payload);
        case MessageKind::ledger_news: {
            auto news = app::decode_ledger_news(payload.view(), rules_.network);
            if (!news.ok()) return accuse(machine, key, news.error().message);
            put(machine, [key, news = *news](app::Node& node, Now now, Effects& effects) {
                node.on_ledger_news(key, news, now, effects);
            });
            return hear_of_fork(machine, *news);
        }
        case MessageKind::evidence: {
            auto evidence = exchange::verify_evidence(payload.view(), rules_.network,
                                                      machine.node->ledger().view().ledger, verifier);
            // One of another ledger may simply come late.
            if (!evidence.ok() && evidence.error().code == ErrorCode::conflict) return;
            if (!evidence.ok()) return accuse(machine, key, evidence.error().message);
            return put(machine, [key, evidence = *evidence](app::Node& node, Now now, Effects& effects) {
                node.on_evidence(key, evidence, now, effects);
            });
        }
    }
}

// The transport would refuse it by its own means. Here the decoders have to.
void World::on_damaged(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload,
                       std::size_t byte) {
    const ByteView whole = payload.view();
    Bytes damaged(whole.begin(), whole.end());
    damaged[byte] ^= static_cast<std::uint8_t>(1 + random_.below(255));
    trace_.say(scheduler_.now_us(), [&] {
        return "a " + kind_text(kind) + " from node " + std::to_string(from) + " to " + std::to_string(to) +
               " is damaged";
    });
    auto refuses_block = [&](const SharedBytes& block) {
        const exchange::View* view = ledgers_.find(BlockBook::view_of(block));
        return !view || !exchange::verify_block(block, *view, rules_.network, rules_.rules_version, verifier,
                                                plan_.broken == Break::damage_let_through
                                                    ? exchange::BlockSource::own_journal
                                                    : exchange::BlockSource::peer)
                             .ok();
    };
    bool refused = true;
    std::vector<const exchange::View*> views;
    for (const auto& [id, book] : ledgers_.all())
        for (const exchange::View* view : book->views.all())
            views.push_back(view);
    if (is_gossip(kind)) {
        // Only of what it carries anything is claimed.
        const auto push =
            kind == p2p::gossip_push_kind ? p2p::parse_push(damaged) : Result<p2p::gossip::Push>(Error{});
        const std::size_t head = 1 + p2p::gossip_head_bytes;
        if (!push.ok() || byte < head) return;
        kind = push->header.kind;
        damaged.erase(damaged.begin(), damaged.begin() + static_cast<std::ptrdiff_t>(head));
    }
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::sign_of_life:
            refused = std::ranges::none_of(views, [&](const exchange::View* view) {
                return app::verify_sign_of_life(damaged, *view, rules_.network, verifier).ok();
            });
            break;
        case MessageKind::block:
            refused = refuses_block(SharedBytes(std::move(damaged)));
            break;
        case MessageKind::blocks: {
            auto message = app::decode_blocks(damaged);
            if (!message.ok() || byte == 0) break;  // the first byte says only whether there is more
            refused = std::any_of(message->blocks.begin(), message->blocks.end(),
                                  [&](Bytes& block) { return refuses_block(SharedBytes(std::move(block))); });
            break;
        }
        case MessageKind::signed_batch:
            refused =
                !exchange::decode_signed_batch(damaged, rules_.network, rules_.rules_version, verifier).ok();
            break;
        case MessageKind::want:
            (void)app::decode_want(damaged).ok();  // a request for a block that does not exist is harmless
            return;
        case MessageKind::version_vector:
            (void)app::decode_version_vector(damaged).ok();
            return;
        case MessageKind::far_batch:  // sealed only
        case MessageKind::far_answer:
            return;
        case MessageKind::holdings:
            (void)app::decode_holdings(damaged).ok();
            return;
        case MessageKind::evidence:
            refused = std::none_of(ledgers_.all().begin(), ledgers_.all().end(), [&](const auto& ledger) {
                return exchange::verify_evidence(damaged, rules_.network, ledger.first, verifier).ok();
            });
            break;
        case MessageKind::ledger_news:
            (void)app::decode_ledger_news(damaged, rules_.network).ok();  // unsigned; the transport's matter
            return;
        case MessageKind::view_message:
        case MessageKind::decision:
            refused = std::all_of(views.begin(), views.end(), [&](const exchange::View* view) {
                return static_cast<MessageKind>(kind) == MessageKind::decision
                           ? !exchange::verify_decision(damaged, *view, rules_.network, verifier).ok()
                           : !exchange::verify_view_message(damaged, *view, rules_.network, verifier).ok();
            });
            break;
    }
    if (refused)
        rare_.add(Rare::damage_refused);
    else
        fail_at(to, "a damaged " + kind_text(kind) + " was let through");
}

// --- out
// --------------------------------------------------------------------------------------------------------

void World::broadcast(Machine& machine, const app::BroadcastEffect& message) {
    std::vector<std::size_t> peers;
    for (std::size_t peer = 0; peer < machines_.size(); ++peer)
        if (peer != machine.number && links_->is_up(machine.number, peer)) peers.push_back(peer);
    if (static_cast<MessageKind>(message.kind) == MessageKind::ledger_news)
        check_news_leaves(machine, message.payload.view());
    if (static_cast<MessageKind>(message.kind) != MessageKind::block) {
        for (const std::size_t peer : peers)
            post(machine, peer, message.kind, message.payload);
        return;
    }
    const auto block = book_->verify(message.payload).value();
    check_leaves(machine, *block);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " pushes " + block_text(*block) + " to " +
               std::to_string(peers.size()) + " peers";
    });
    if (!machine.mutator) {
        for (const std::size_t peer : peers)
            post(machine, peer, message.kind, message.payload);
        return;
    }
    const auto pushes =
        machine.mutator->push(*block, *ledgers_.find(block->header.view), peers.size(), healing_);
    equivocation_ = equivocation_ || machine.mutator->equivocated();
    for (std::size_t i = 0; i < peers.size(); ++i)
        for (const SharedBytes& bytes : pushes[i].blocks)
            post(machine, peers[i], message.kind, bytes);
}

void World::send(Machine& machine, const app::SendEffect& message) {
    const auto to = std::find_if(machines_.begin(), machines_.end(), [&](const auto& peer) {
        return peer->key() == message.peer && links_->is_up(machine.number, peer->number);
    });
    if (to == machines_.end()) return;  // it went meanwhile
    const bool gives_blocks = static_cast<MessageKind>(message.kind) == MessageKind::block ||
                              static_cast<MessageKind>(message.kind) == MessageKind::blocks;
    if (gives_blocks && machine.mutator && machine.mutator->is_deaf() && !healing_) {
        rare_.add(Rare::byzantine_deaf);
        return;
    }
    if (static_cast<MessageKind>(message.kind) == MessageKind::want) rare_.add(Rare::want_sent);
    if (static_cast<MessageKind>(message.kind) == MessageKind::view_message)
        check_view_message_leaves(machine, message.payload.view());
    if (static_cast<MessageKind>(message.kind) == MessageKind::ledger_news)
        check_news_leaves(machine, message.payload.view());
    if (static_cast<MessageKind>(message.kind) == MessageKind::signed_batch) {
        check_batch_leaves(machine, message.payload.view());
        if (plan_.carrier_dies && !healing_) lose_carrier(machine, **to);
    }
    if (static_cast<MessageKind>(message.kind) == MessageKind::block)
        check_leaves(machine, **book_->verify(message.payload));
    if (static_cast<MessageKind>(message.kind) == MessageKind::blocks) {
        auto blocks = app::decode_blocks(message.payload.view());
        for (Bytes& block : blocks->blocks)
            check_leaves(machine, *book_->verify(SharedBytes(std::move(block))).value());
    }
    post(machine, (*to)->number, message.kind, as_it_says(machine, message));
    if (static_cast<MessageKind>(message.kind) == MessageKind::view_message)
        trouble_ballot(machine, **to, message.payload.view());
}

// A liar's message about the end of a view; any other as it is.
SharedBytes World::as_it_says(Machine& machine, const app::SendEffect& message) {
    if (plan_.trouble != Trouble::liar || !machine.mutator || healing_ ||
        static_cast<MessageKind>(message.kind) != MessageKind::view_message)
        return message.payload;
    const Digest& ledger = machine.node->ledger().view().ledger;
    const auto truth = exchange::verify_view_message(message.payload.view(), *ledgers_.find(machine.view),
                                                     rules_.network, verifier);
    if (!truth.ok()) return message.payload;  // of the view before
    auto lie = machine.mutator->lie(*truth);
    if (!lie) return message.payload;
    equivocation_ = true;  // from here on no more is claimed than of that
    return SharedBytes(exchange::sign_view_message(*lie, rules_.network, ledger, *machine.signer));
}

void World::post(Machine& from, std::size_t to, std::uint8_t kind, const SharedBytes& payload) {
    links_->send(from.number, to, kind, payload);
}

void World::deliver_answer(Machine& machine, const app::AnswerEffect& answer) {
    if (const auto* answered = std::get_if<Result<app::Answer>>(&answer.answer))
        operator_hears(machine, answer.ticket, *answered);
    const auto* submitted = std::get_if<Result<app::SubmitAnswer>>(&answer.answer);
    if (!submitted) return;
    trace_.mix(answer.ticket.value() << 1 | submitted->ok());
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " answers request " +
               std::to_string(answer.ticket.value()) + ": " +
               (submitted->ok()
                    ? std::string(to_string((*submitted)->grade)) + ", block " +
                          std::to_string((*submitted)->block) + ", from nonce " +
                          std::to_string((*submitted)->results.empty() ? 0
                                                                       : (*submitted)->results[0].ref.nonce)
                    : submitted->error().message);
    });
    if (!submitted->ok() && submitted->error().message.starts_with("this node is not among the members"))
        rare_.add(Rare::void_member_refuses);
    std::vector<Told> told;
    check(machine, clients_->answered(answer.ticket, *submitted, told));
    if (plan_.broken == Break::answered_twice && answer.ticket.value() % 50 == 7)
        check(machine, clients_->answered(answer.ticket, *submitted, told));
    for (const Told& one : told)
        check_told(machine, one);
}

}  // namespace peerbook::sim
