#include "exchange/engine/command.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace peerbook::exchange {

namespace {

enum class Tag : std::uint8_t {
    limit = 1,
    market = 2,
    cancel = 3,
    reduce = 4,
    open_account = 5,
    faucet = 6,
    transfer = 7,
};

constexpr std::uint64_t u32_max = std::numeric_limits<std::uint32_t>::max();
// No hosted command is shorter: account, nonce, tag and one more byte, the length of an empty name. Bounds
// what a count may promise.
constexpr std::size_t hosted_command_bytes_min = 4;

std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        ++size;
    return size;
}

void encode_ref(Encoder& out, CommandRef ref) {
    out.varint(ref.nonce);
    out.varint(ref.index);
}

CommandRef decode_ref(Decoder& in) {
    CommandRef ref;
    ref.nonce = in.varint();
    ref.index = static_cast<std::uint32_t>(in.varint_max(u32_max, "a command index is above 32 bits"));
    return ref;
}

struct BodyEncoder {
    Encoder& out;

    void tag(Tag tag) const { out.u8(static_cast<std::uint8_t>(tag)); }

    void operator()(const LimitOrder& order) const {
        tag(Tag::limit);
        out.varint(order.market.value());
        out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(order.side) |
                                         static_cast<unsigned>(order.time_in_force) << 1 |
                                         static_cast<unsigned>(order.post_only) << 3));
        out.svarint(order.price.value());
        out.svarint(order.quantity.value());
    }
    void operator()(const MarketOrder& order) const {
        tag(Tag::market);
        out.varint(order.market.value());
        out.u8(static_cast<std::uint8_t>(order.side));
        out.svarint(order.protection.value());
        out.svarint(order.quantity.value());
    }
    void operator()(const CancelOrder& cancel) const {
        tag(Tag::cancel);
        encode_ref(out, cancel.target);
    }
    void operator()(const ReduceOrder& reduce) const {
        tag(Tag::reduce);
        encode_ref(out, reduce.target);
        out.svarint(reduce.by.value());
    }
    void operator()(const OpenAccount& open) const {
        tag(Tag::open_account);
        out.text(open.name);
    }
    void operator()(const Faucet& faucet) const {
        tag(Tag::faucet);
        out.varint(faucet.asset.value());
        out.i128(faucet.amount);
    }
    void operator()(const Transfer& transfer) const {
        tag(Tag::transfer);
        out.raw(transfer.to.view());
        out.varint(transfer.asset.value());
        out.i128(transfer.amount);
    }
};

MarketId decode_market(Decoder& in) {
    return MarketId(static_cast<std::uint32_t>(in.varint_max(u32_max, "a market number is above 32 bits")));
}

AssetId decode_asset(Decoder& in) {
    return AssetId(static_cast<std::uint32_t>(in.varint_max(u32_max, "an asset number is above 32 bits")));
}

CommandBody decode_limit(Decoder& in) {
    LimitOrder order;
    order.market = decode_market(in);
    const unsigned flags = in.u8();
    if (flags > 15 || (flags >> 1 & 3) > 2) in.fail("an order has unknown flags");
    order.side = static_cast<Side>(flags & 1);
    order.time_in_force = static_cast<TimeInForce>(flags >> 1 & 3);
    order.post_only = (flags >> 3 & 1) != 0;
    order.price = Price(in.svarint());
    order.quantity = Quantity(in.svarint());
    return order;
}

CommandBody decode_market_order(Decoder& in) {
    MarketOrder order;
    order.market = decode_market(in);
    const unsigned side = in.u8();
    if (side > 1) in.fail("a side is neither buy nor sell");
    order.side = static_cast<Side>(side & 1);
    order.protection = Price(in.svarint());
    order.quantity = Quantity(in.svarint());
    return order;
}

// Accounts of one batch, then its commands. What kinds 0 and 1 share.
void encode_hosted(Encoder& out, const std::vector<AccountId>& accounts, std::size_t count,
                   ByteView commands) {
    out.varint(accounts.size());
    for (const AccountId& account : accounts)
        out.raw(account.view());
    out.varint(count);
    out.raw(commands);
}

// A count of things of at least `bytes_each`, all of which must have room in what follows it; 0 after an
// error.
std::size_t read_count(Decoder& in, std::size_t bytes_each, const char* what) {
    const std::uint64_t count = in.varint();
    if (count <= in.remaining() / bytes_each) return static_cast<std::size_t>(count);
    in.fail(what);
    return 0;
}

std::vector<Command> decode_hosted(Decoder& in, std::size_t commands_max) {
    std::vector<AccountId> accounts(
        read_count(in, AccountId::size, "a batch names more accounts than it has room for"));
    for (AccountId& account : accounts)
        in.fixed(account);
    std::vector<AccountId> sorted = accounts;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
        in.fail("a batch names an account twice");

    const std::size_t count = read_count(in, hosted_command_bytes_min, "a batch has too many commands");
    if (count > commands_max) in.fail("a batch has too many commands");
    std::vector<Command> commands;
    commands.reserve(std::min(count, commands_max));
    std::size_t used = 0;  // accounts stand in the order of their first use, so that there is one encoding
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        const auto account = static_cast<std::size_t>(in.varint());
        if (account > used || account >= accounts.size()) {
            in.fail("a command names an account out of order");
            break;
        }
        if (account == used) ++used;
        Command& command = commands.emplace_back();
        command.account = accounts[account];
        command.ref.nonce = in.varint();
        command.body = decode_command_body(in);
    }
    if (used != accounts.size()) in.fail("a batch names an account that it does not use");
    if (commands.empty()) in.fail("a batch is empty");
    return commands;
}

Digest signing_digest(const Digest& network, std::uint16_t rules_version, ByteView unsigned_bytes) {
    return Hasher("peerbook batch").add(network.view()).add_u64(rules_version).add(unsigned_bytes).finish();
}

struct ParsedSignedBatch {
    CommandBatch batch;
    ByteView unsigned_bytes;
    Signature signature;
};

Result<ParsedSignedBatch> parse_signed_batch(ByteView encoded) {
    Decoder in(encoded);
    ParsedSignedBatch parsed;
    const unsigned kind = in.u8();
    if (kind != 1 && kind != 2) in.fail("a signed batch is of an unknown kind");
    parsed.batch.kind = kind == 1 ? BatchKind::hosted_by_other : BatchKind::self_custodied;
    in.fixed(parsed.batch.signer);
    if (parsed.batch.kind == BatchKind::hosted_by_other) {
        parsed.batch.commands = decode_hosted(in, signed_batch_commands_max);
    } else {
        AccountId account;
        account.data = parsed.batch.signer.data;
        const std::uint64_t nonce = in.varint();
        const auto count = static_cast<std::size_t>(
            in.varint_max(signed_batch_commands_max, "a batch has too many commands"));
        if (count == 0) in.fail("a batch is empty");
        for (std::size_t i = 0; i < count && in.ok(); ++i) {
            Command& command = parsed.batch.commands.emplace_back();
            command.account = account;
            command.ref = {nonce, static_cast<std::uint32_t>(i)};
            command.body = decode_command_body(in);
        }
    }
    parsed.unsigned_bytes = in.consumed(0);
    in.fixed(parsed.signature);
    if (Status status = in.finish(); !status.ok()) return status.error();
    return parsed;
}

Result<CommandBatch> check_signature(Result<ParsedSignedBatch> parsed, const Digest& network,
                                     std::uint16_t rules_version, const Verifier& verifier) {
    if (!parsed.ok()) return parsed.error();
    CommandBatch& batch = parsed->batch;
    batch.authorized =
        verifier.verify(batch.signer, signing_digest(network, rules_version, parsed->unsigned_bytes).view(),
                        parsed->signature);
    return std::move(batch);
}

}  // namespace

void encode_command_body(Encoder& out, const CommandBody& body) {
    std::visit(BodyEncoder{out}, body);
}

CommandBody decode_command_body(Decoder& in) {
    switch (static_cast<Tag>(in.u8())) {
        case Tag::limit:
            return decode_limit(in);
        case Tag::market:
            return decode_market_order(in);
        case Tag::cancel:
            return CancelOrder{decode_ref(in)};
        case Tag::reduce: {
            ReduceOrder reduce;
            reduce.target = decode_ref(in);
            reduce.by = Quantity(in.svarint());
            return reduce;
        }
        case Tag::open_account:
            return OpenAccount{in.text(account_name_length_max, "an account name is too long")};
        case Tag::faucet: {
            Faucet faucet;
            faucet.asset = decode_asset(in);
            faucet.amount = in.i128();
            return faucet;
        }
        case Tag::transfer: {
            Transfer transfer;
            in.fixed(transfer.to);
            transfer.asset = decode_asset(in);
            transfer.amount = in.i128();
            return transfer;
        }
    }
    in.fail("a command is of an unknown kind");
    return CancelOrder{};
}

Bytes encode_signed_batch(BatchKind kind, const Digest& network, std::uint16_t rules_version,
                          const Signer& signer, const std::vector<Command>& commands) {
    PB_CHECK(kind != BatchKind::hosted_by_author, "the author's own batch is signed with its block");
    PB_CHECK(!commands.empty() && commands.size() <= signed_batch_commands_max,
             "a batch has 1 to 1,000 commands");
    Bytes bytes;
    Encoder out(bytes);
    out.u8(static_cast<std::uint8_t>(kind));
    out.raw(signer.public_key().view());
    if (kind == BatchKind::hosted_by_other) {
        std::vector<AccountId> accounts;
        Bytes body;
        Encoder encoder(body);
        for (const Command& command : commands) {
            const auto found = std::find(accounts.begin(), accounts.end(), command.account);
            encoder.varint(static_cast<std::uint64_t>(found - accounts.begin()));
            if (found == accounts.end()) accounts.push_back(command.account);
            encoder.varint(command.ref.nonce);
            encode_command_body(encoder, command.body);
        }
        encode_hosted(out, accounts, commands.size(), body);
    } else {
        out.varint(commands.front().ref.nonce);
        out.varint(commands.size());
        for (const Command& command : commands) {
            PB_CHECK(command.ref.nonce == commands.front().ref.nonce, "a signed batch has one nonce");
            encode_command_body(out, command.body);
        }
    }
    const Signature signature = signer.sign(signing_digest(network, rules_version, bytes).view());
    out.raw(signature.view());
    return bytes;
}

bool PayloadBuilder::add_hosted(const Command& command) {
    const std::size_t size_before = hosted_.size();
    const auto [place, is_new] = account_places_.try_emplace(command.account, accounts_.size());
    if (is_new) accounts_.push_back(command.account);
    Encoder out(hosted_);
    out.varint(place->second);
    out.varint(command.ref.nonce);
    encode_command_body(out, command.body);
    ++hosted_count_;
    if (size() <= payload_bytes_max) return true;
    hosted_.resize(size_before);
    --hosted_count_;
    if (is_new) {
        accounts_.pop_back();
        account_places_.erase(place);
    }
    return false;
}

bool PayloadBuilder::add_signed_batch(ByteView encoded) {
    const Result<ParsedSignedBatch> parsed = parse_signed_batch(encoded);
    PB_CHECK(parsed.ok(), "a signed batch is checked before it is added to a payload");
    const std::size_t size_before = signed_batches_.size();
    Encoder(signed_batches_).bytes(encoded);
    ++signed_count_;
    if (size() > payload_bytes_max) {
        signed_batches_.resize(size_before);
        --signed_count_;
        return false;
    }
    signed_commands_ += parsed->batch.commands.size();
    return true;
}

bool PayloadBuilder::empty() const {
    return hosted_count_ == 0 && signed_count_ == 0;
}

std::size_t PayloadBuilder::size() const {
    if (empty()) return 0;
    std::size_t size = varint_size(signed_count_) + signed_batches_.size() + 1;
    if (hosted_count_ > 0)
        size += varint_size(accounts_.size()) + accounts_.size() * AccountId::size +
                varint_size(hosted_count_) + hosted_.size();
    return size;
}

std::size_t PayloadBuilder::command_count() const {
    return hosted_count_ + signed_commands_;
}

Bytes PayloadBuilder::take() {
    Bytes bytes;
    if (!empty()) {
        bytes.reserve(size());
        Encoder out(bytes);
        out.varint(signed_count_);
        out.raw(signed_batches_);
        out.u8(hosted_count_ > 0 ? 1 : 0);
        if (hosted_count_ > 0) encode_hosted(out, accounts_, hosted_count_, hosted_);
    }
    *this = PayloadBuilder();
    return bytes;
}

Result<std::vector<CommandBatch>> decode_payload(ByteView payload, const PublicKey& author,
                                                 const Digest& network, std::uint16_t rules_version,
                                                 const Verifier& verifier) {
    std::vector<CommandBatch> batches;
    if (payload.empty()) return batches;
    if (payload.size() > payload_bytes_max)
        return Error{ErrorCode::too_large, "a payload has " + std::to_string(payload.size()) +
                                               " bytes, above " + std::to_string(payload_bytes_max)};
    Decoder in(payload);
    const std::uint64_t signed_count = in.varint_max(in.remaining(), "a payload has too many signed batches");
    for (std::uint64_t i = 0; i < signed_count && in.ok(); ++i) {
        const ByteView encoded = in.bytes(in.remaining(), "a signed batch is longer than its payload");
        if (!in.ok()) break;
        Result<CommandBatch> batch =
            check_signature(parse_signed_batch(encoded), network, rules_version, verifier);
        if (!batch.ok()) return batch.error().within("signed batch " + std::to_string(i));
        batches.push_back(std::move(batch).value());
    }
    const unsigned has_hosted = in.u8();
    if (has_hosted > 1) in.fail("a payload's flag is neither 0 nor 1");
    if (has_hosted == 1) {
        CommandBatch& batch = batches.emplace_back();
        batch.kind = BatchKind::hosted_by_author;
        batch.signer = author;
        batch.commands = decode_hosted(in, payload.size());
    }
    if (batches.empty()) in.fail("a payload without commands must have no bytes");
    if (Status status = in.finish(); !status.ok()) return status.error();
    return batches;
}

Result<CommandBatch> decode_signed_batch(ByteView encoded, const Digest& network, std::uint16_t rules_version,
                                         const Verifier& verifier) {
    Result<CommandBatch> batch =
        check_signature(parse_signed_batch(encoded), network, rules_version, verifier);
    if (batch.ok() && !batch->authorized)
        return Error{ErrorCode::unauthorized,
                     "the signature over the batch is wrong for this key and network"};
    return batch;
}

}  // namespace peerbook::exchange
