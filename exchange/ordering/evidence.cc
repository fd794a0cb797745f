#include "exchange/ordering/evidence.h"

#include <utility>

#include "base/check.h"
#include "base/codec.h"

namespace peerbook::exchange {

namespace {

constexpr std::size_t header_bytes_max = 8 * 1024;

const char* fault_of(const BlockHeader& first, const BlockHeader& second) {
    if (first.author != second.author) return "two authors";
    if (first.view != second.view) return "two views";
    if (first.seq == 0 || first.seq != second.seq) return "two places in a chain";
    if (!(digest_of(first) < digest_of(second))) return "not two digests, the lower one first";
    return nullptr;
}

}  // namespace

Evidence make_evidence(ByteView one, ByteView other, const View& view) {
    auto first = signed_header_of(one, view);
    auto second = signed_header_of(other, view);
    PB_CHECK(first.ok() && second.ok(), "a verified block has a header");
    Evidence evidence{std::move(*first), std::move(*second)};
    if (digest_of(evidence.second.header) < digest_of(evidence.first.header))
        std::swap(evidence.first, evidence.second);
    PB_CHECK(!fault_of(evidence.first.header, evidence.second.header), "the two blocks have one place");
    return evidence;
}

Bytes encode_evidence(const Evidence& evidence) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(evidence_version);
    out.bytes(encode_signed_header(evidence.first));
    out.bytes(encode_signed_header(evidence.second));
    return bytes;
}

Result<Evidence> verify_evidence(ByteView bytes, const Digest& network, const Digest& ledger,
                                 const Verifier& verifier) {
    if (bytes.size() > evidence_bytes_max)
        return Error{ErrorCode::too_large, "evidence has at most 16,384 bytes"};
    Decoder in(bytes);
    if (in.u16() != evidence_version && in.ok()) in.fail("unknown version of evidence");
    Evidence evidence;
    for (SignedHeader* header : {&evidence.first, &evidence.second}) {
        const ByteView encoded = in.bytes(header_bytes_max, "a header above 8 KiB");
        if (!in.ok()) break;
        auto decoded = decode_signed_header(encoded);
        if (!decoded.ok()) return decoded.error().within("evidence");
        *header = std::move(*decoded);
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("evidence");
    for (const SignedHeader* header : {&evidence.first, &evidence.second})
        if (header->header.network != network || header->header.ledger != ledger)
            return Error{ErrorCode::conflict, "evidence: it belongs to another network or ledger"};
    if (const char* fault = fault_of(evidence.first.header, evidence.second.header))
        return Error{ErrorCode::invalid_input, std::string("evidence: it has ") + fault};
    for (const SignedHeader* header : {&evidence.first, &evidence.second})
        if (!is_signed(*header, verifier))
            return Error{ErrorCode::unauthorized, "evidence: a signature is wrong"};
    return evidence;
}

}  // namespace peerbook::exchange
