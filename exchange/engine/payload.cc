// Batches and payloads: command bodies with who answers for them.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/check.h"
#include "exchange/engine/command.h"

namespace peerbook::exchange {

namespace {

// The shortest of what is counted; bounds what a count may promise.
constexpr std::size_t body_bytes_min = 2;            // a tag and one more byte
constexpr std::size_t hosted_command_bytes_min = 4;  // account, nonce, body
constexpr std::size_t signed_batch_bytes_min = 1 + 1 + 32 + 1 + 1 + body_bytes_min + 64;  // with its length

std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        ++size;
    return size;
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

// A hosted command has a nonce of its own, so its index is not written.
void encode_hosted_command(Encoder& out, std::size_t place, const Command& command) {
    PB_CHECK(command.ref.index == 0, "a hosted command has index 0");
    out.varint(place);
    out.varint(command.ref.nonce);
    encode_command_body(out, command.body);
}

// A count of things of at least `bytes_each`, all of which must have room in what follows it; 0 after an
// error.
std::size_t read_count(Decoder& in, std::size_t bytes_each, const char* what) {
    const std::uint64_t count = in.varint();
    if (count <= in.remaining() / bytes_each) return static_cast<std::size_t>(count);
    in.fail(what);
    return 0;
}

// Sorts short prefixes, most of which differ, instead of the ids.
bool has_two_equal(const std::vector<AccountId>& accounts) {
    struct Prefixed {
        std::uint64_t prefix;
        const AccountId* id;
    };
    std::vector<Prefixed> sorted;
    sorted.reserve(accounts.size());
    for (const AccountId& id : accounts) {
        Prefixed entry{0, &id};
        std::memcpy(&entry.prefix, id.data.data(), sizeof entry.prefix);
        sorted.push_back(entry);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Prefixed& a, const Prefixed& b) {
        return a.prefix != b.prefix ? a.prefix < b.prefix : *a.id < *b.id;
    });
    return std::adjacent_find(sorted.begin(), sorted.end(), [](const Prefixed& a, const Prefixed& b) {
               return a.prefix == b.prefix && *a.id == *b.id;
           }) != sorted.end();
}

void decode_accounts(Decoder& in, std::vector<AccountId>& accounts) {
    accounts.resize(read_count(in, AccountId::size, "a batch names more accounts than it has room for"));
    for (AccountId& account : accounts)
        in.fixed(account);
    if (has_two_equal(accounts)) in.fail("a batch names an account twice");
}

void decode_hosted(Decoder& in, std::size_t commands_max, CommandBatch& batch) {
    decode_accounts(in, batch.accounts);
    const std::size_t count = read_count(in, hosted_command_bytes_min, "a batch has too many commands");
    if (count > commands_max) in.fail("a batch has too many commands");
    if (count == 0) in.fail("a batch is empty");
    if (!in.ok()) return;
    batch.commands.reserve(count);
    std::size_t used = 0;  // accounts stand in the order of their first use, so that there is one encoding
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        const std::uint64_t place = in.varint();
        if (place > used || place >= batch.accounts.size()) {
            in.fail("a command names an account out of order");
            return;
        }
        if (place == used) ++used;
        const std::uint64_t nonce = in.varint();
        batch.commands.push_back({nonce, 0, static_cast<std::uint32_t>(place), decode_command_body(in)});
    }
    if (used != batch.accounts.size()) in.fail("a batch names an account that it does not use");
}

void decode_self_custodied(Decoder& in, CommandBatch& batch) {
    batch.accounts.emplace_back().data = batch.signer.data;
    const std::uint64_t nonce = in.varint();
    const std::size_t count = read_count(in, body_bytes_min, "a batch has too many commands");
    if (count > signed_batch_commands_max) in.fail("a batch has too many commands");
    if (count == 0) in.fail("a batch is empty");
    if (!in.ok()) return;
    batch.commands.reserve(count);
    std::uint32_t index = 0;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        batch.commands.push_back({nonce, index, 0, decode_command_body(in)});
        index += index_count(batch.commands.back().body);
        if (index > signed_batch_commands_max) in.fail("a batch takes more indexes than a nonce has");
    }
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
    CommandBatch& batch = parsed.batch;
    const unsigned kind = in.u8();
    if (kind != 1 && kind != 2) in.fail("a signed batch is of an unknown kind");
    batch.kind = kind == 1 ? BatchKind::hosted_by_other : BatchKind::self_custodied;
    batch.encoded_bytes = static_cast<std::uint32_t>(encoded.size());
    in.fixed(batch.signer);
    if (batch.kind == BatchKind::hosted_by_other)
        decode_hosted(in, signed_batch_commands_max, batch);
    else
        decode_self_custodied(in, batch);
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

void encode_signed_hosted(Encoder& out, const std::vector<Command>& commands) {
    std::vector<AccountId> accounts;
    Bytes bodies;
    Encoder encoder(bodies);
    for (const Command& command : commands) {
        const auto found = std::find(accounts.begin(), accounts.end(), command.account);
        const auto place = static_cast<std::size_t>(found - accounts.begin());
        if (found == accounts.end()) accounts.push_back(command.account);
        encode_hosted_command(encoder, place, command);
    }
    encode_hosted(out, accounts, commands.size(), bodies);
}

void encode_self_custodied(Encoder& out, const std::vector<Command>& commands) {
    const std::uint64_t nonce = commands.front().ref.nonce;
    out.varint(nonce);
    out.varint(commands.size());
    std::uint32_t index = 0;
    for (const Command& command : commands) {
        PB_CHECK((command.ref == CommandRef{nonce, index}),
                 "a signed batch has one nonce, and its indexes count up by index_count()");
        index += index_count(command.body);
        encode_command_body(out, command.body);
    }
    PB_CHECK(index <= signed_batch_commands_max, "a signed batch takes at most 1,000 indexes");
}

}  // namespace

Bytes encode_signed_batch(BatchKind kind, const Digest& network, std::uint16_t rules_version,
                          const Signer& signer, const std::vector<Command>& commands) {
    PB_CHECK(kind != BatchKind::hosted_by_author, "the author's own batch is signed with its block");
    PB_CHECK(!commands.empty() && commands.size() <= signed_batch_commands_max,
             "a batch has 1 to 1,000 commands");
    Bytes bytes;
    Encoder out(bytes);
    out.u8(static_cast<std::uint8_t>(kind));
    out.raw(signer.public_key().view());
    if (kind == BatchKind::hosted_by_other)
        encode_signed_hosted(out, commands);
    else
        encode_self_custodied(out, commands);
    const Signature signature = signer.sign(signing_digest(network, rules_version, bytes).view());
    out.raw(signature.view());
    return bytes;
}

bool PayloadBuilder::add_hosted(const Command& command) {
    const std::size_t size_before = hosted_.size();
    const auto [place, is_new] = account_places_.try_emplace(command.account, accounts_.size());
    if (is_new) accounts_.push_back(command.account);
    Encoder out(hosted_);
    encode_hosted_command(out, place->second, command);
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
    const std::size_t signed_count =
        read_count(in, signed_batch_bytes_min, "a payload promises more signed batches than it has room for");
    batches.reserve(signed_count + 1);
    for (std::size_t i = 0; i < signed_count && in.ok(); ++i) {
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
        const std::size_t begin = in.position();
        decode_hosted(in, payload.size(), batch);
        batch.encoded_bytes = static_cast<std::uint32_t>(in.position() - begin);
    }
    if (batches.empty()) in.fail("a payload without commands must have no bytes");
    if (Status status = in.finish(); !status.ok()) return status.error();
    return batches;
}

std::vector<ByteView> signed_batches_of(ByteView payload) {
    std::vector<ByteView> batches;
    if (payload.empty()) return batches;
    Decoder in(payload);
    for (std::uint64_t count = in.varint(); count > 0 && in.ok(); --count)
        batches.push_back(in.bytes(in.remaining(), "a signed batch is longer than its payload"));
    return batches;
}

Result<CommandBatch> decode_signed_batch(ByteView encoded, const Digest& network, std::uint16_t rules_version,
                                         const Verifier& verifier) {
    if (encoded.size() > signed_batch_bytes_max)
        return Error{ErrorCode::too_large, "a signed batch has at most " +
                                               std::to_string(signed_batch_bytes_max) + " bytes, this one " +
                                               std::to_string(encoded.size()) + "; divide its commands"};
    Result<CommandBatch> batch =
        check_signature(parse_signed_batch(encoded), network, rules_version, verifier);
    if (batch.ok() && !batch->authorized)
        return Error{ErrorCode::unauthorized,
                     "the signature over the batch is wrong for this key and network"};
    return batch;
}

}  // namespace peerbook::exchange
