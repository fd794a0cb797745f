// Any bytes as a command body, as a block's payload and as a signed batch: refused, or they are the one
// encoding of what they mean, which therefore gives the same bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "exchange/engine/command.h"
#include "tests/fuzz/kept_signer.h"

namespace {

using namespace peerbook;
using namespace peerbook::exchange;

// Accepts every signature and keeps it, so that a batch can be written again without its key.
class KeepingVerifier final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature& signature) const override {
        signatures_.push_back(signature);
        return true;
    }
    const std::vector<Signature>& signatures() const { return signatures_; }

  private:
    mutable std::vector<Signature> signatures_;
};

bool equal(ByteView a, ByteView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::vector<Command> loose(const CommandBatch& batch) {
    std::vector<Command> commands;
    for (const BatchCommand& command : batch.commands)
        commands.push_back({batch.accounts[command.account], command.ref(), command.body});
    return commands;
}

Bytes written(const CommandBatch& batch, const Signature& signature) {
    return encode_signed_batch(batch.kind, Digest(), 1, fuzz::KeptSigner(batch.signer, signature),
                               loose(batch));
}

void check_body(ByteView bytes) {
    Decoder in(bytes);
    const CommandBody body = decode_command_body(in);
    if (!in.ok()) return;
    Bytes again;
    Encoder out(again);
    encode_command_body(out, body);
    PB_CHECK(equal(again, in.consumed(0)), "a body has one encoding");
    Decoder back(again);
    PB_CHECK(decode_command_body(back) == body, "what is written is read as it was");
}

void check_payload(ByteView bytes) {
    const KeepingVerifier verifier;
    const auto batches = decode_payload(bytes, PublicKey(), Digest(), 1, verifier);
    if (!batches.ok()) return;
    PayloadBuilder builder;
    std::size_t signed_batches = 0;
    for (const CommandBatch& batch : *batches) {
        if (batch.kind == BatchKind::hosted_by_author) {
            for (const Command& command : loose(batch))
                PB_CHECK(builder.add_hosted(command), "what a payload held has room in one");
        } else {
            const Bytes encoded = written(batch, verifier.signatures()[signed_batches++]);
            PB_CHECK(encoded.size() == batch.encoded_bytes, "a batch knows its size");
            PB_CHECK(builder.add_signed_batch(encoded), "what a payload held has room in one");
        }
    }
    PB_CHECK(builder.size() == bytes.size(), "a builder knows its size");
    PB_CHECK(equal(builder.take(), bytes), "a payload has one encoding");
}

void check_signed_batch(ByteView bytes) {
    const KeepingVerifier verifier;
    const auto batch = decode_signed_batch(bytes, Digest(), 1, verifier);
    if (!batch.ok()) return;
    const BatchCommand& last = batch->commands.back();
    PB_CHECK(batch->kind == BatchKind::hosted_by_other ||
                 last.index + index_count(last.body) <= signed_batch_commands_max,
             "the indexes of a nonce are bounded");
    PB_CHECK(equal(written(*batch, verifier.signatures().front()), bytes), "a batch has one encoding");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    check_body(bytes);
    check_payload(bytes);
    check_signed_batch(bytes);
    return 0;
}
