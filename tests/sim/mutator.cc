#include "tests/sim/mutator.h"

namespace peerbook::sim {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

}  // namespace

bool Mutator::does(StrangeTrick trick, std::uint64_t one_in) {
    return (tricks_ & trick) != 0 && random_.below(one_in) == 0;
}

// With an empty payload, signed.
SharedBytes Mutator::twin(exchange::BlockHeader header, const exchange::View& view) const {
    exchange::Block block;
    block.header = std::move(header);
    block.header.payload_root = exchange::payload_root_of({});
    exchange::sign_block(block, signer_);
    return SharedBytes(exchange::encode_block(block, view));
}

void Mutator::add_twins(const exchange::VerifiedBlock& block, const exchange::View& view,
                        std::vector<Push>& pushes) {
    auto to_all = [&](Rare state, const SharedBytes& bytes) {
        rare_.add(state);
        for (Push& push : pushes)
            push.blocks.insert(push.blocks.begin(), bytes);
    };
    if (does(trick_bad_parent, 3) && !block.header.parents.empty()) {
        exchange::BlockHeader header = block.header;
        header.parents.back().digest.data.fill(static_cast<std::uint8_t>(random_.below(256)));
        to_all(Rare::byzantine_bad_parent, twin(header, view));
    }
    if (does(trick_false_round, 3) && !block.header.parents.empty()) {
        exchange::BlockHeader header = block.header;
        header.parents.back().round = header.round + random_.below(1'000);
        header.round = header.parents.back().round + 1;
        to_all(Rare::byzantine_false_round, twin(header, view));
    }
    if (does(trick_future_time, 3)) {
        exchange::BlockHeader header = block.header;
        header.timestamp.ms += hour_ms;
        to_all(Rare::byzantine_future_time, twin(header, view));
    }
    if (does(trick_bad_root, 3)) {
        exchange::Block other;
        other.header = block.header;
        other.payload = {1, 2, 3};
        exchange::sign_block(other, signer_);
        to_all(Rare::byzantine_bad_root, SharedBytes(exchange::encode_block(other, view)));
    }
    if (does(trick_oversized, 20)) {
        exchange::Block other;
        other.header = block.header;
        other.payload.assign(exchange::block_bytes_max + 1, 0);
        other.header.payload_root = exchange::payload_root_of(other.payload);
        exchange::sign_block(other, signer_);
        to_all(Rare::byzantine_oversized, SharedBytes(exchange::encode_block(other, view)));
    }
}

std::optional<exchange::ViewMessage> Mutator::lie(const exchange::ViewMessage& message) {
    using Kind = exchange::ViewMessageKind;
    if (!does(trick_lie, 2)) return std::nullopt;
    exchange::ViewMessage other = message;
    auto some = [&](auto& list) -> auto& {
        return list[static_cast<std::size_t>(random_.below(list.size()))];
    };
    auto any_digest = [&] {
        Digest digest;
        digest.data.fill(static_cast<std::uint8_t>(random_.below(256)));
        return digest;
    };
    switch (message.kind) {
        case Kind::prepare:
            other.ballot.number += random_.below(1'000);
            break;
        case Kind::promise:
            if (random_.below(2) == 0)
                other.accepted.reset();
            else if (random_.below(2) == 0)
                some(other.tips) = {};
            else
                some(other.tips) = {1 + random_.below(100), any_digest()};
            break;
        case Kind::refuse:
            other.promised.number = random_.below(4) == 0 ? exchange::ballot_number_max
                                                          : other.promised.number + random_.below(1'000'000);
            break;
        case Kind::propose:
            if (random_.below(2) == 0 && other.next->members.size() > 1)
                other.next->members.erase(
                    other.next->members.begin() +
                    static_cast<std::ptrdiff_t>(random_.below(other.next->members.size())));
            else if (exchange::CutEntry& entry = some(other.next->cut); random_.below(2) == 0)
                entry = {entry.author, 0, {}};
            else
                other.next->log_length += random_.below(3);
            break;
        case Kind::accepted:
            other.value = any_digest();
            break;
        case Kind::join:
        case Kind::leave:
            return std::nullopt;
    }
    rare_.add(Rare::ballot_lie);
    return other;
}

std::vector<Mutator::Push> Mutator::push(const exchange::VerifiedBlock& block, const exchange::View& view,
                                         std::size_t peers, bool keeps_nothing) {
    std::vector<Push> pushes(peers);
    for (Push& push : pushes)
        push.blocks.push_back(block.encoded);
    if (does(trick_equivocate, 6)) {
        rare_.add(Rare::byzantine_equivocation);
        equivocated_ = true;
        exchange::BlockHeader header = block.header;
        ++header.timestamp.ms;
        const SharedBytes other = twin(header, view);
        const std::uint64_t half = random_.next();
        for (std::size_t i = 0; i < peers; ++i)
            if ((half >> i & 1) != 0) pushes[i].blocks = {other};
    } else if (!keeps_nothing && does(trick_withhold, 4)) {
        rare_.add(Rare::byzantine_withheld);
        for (Push& push : pushes)
            push.blocks.clear();
    } else if (!keeps_nothing && does(trick_selective, 3)) {
        rare_.add(Rare::byzantine_selective);
        const std::uint64_t chosen = random_.next();
        for (std::size_t i = 0; i < peers; ++i)
            if ((chosen >> i & 1) != 0) pushes[i].blocks.clear();
    }
    add_twins(block, view, pushes);
    return pushes;
}

}  // namespace peerbook::sim
