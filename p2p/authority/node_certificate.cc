#include "p2p/authority/node_certificate.h"

#include <algorithm>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::p2p {

namespace {

constexpr std::string_view domain = "peerbook certificate";
constexpr std::int64_t time_ms_max = std::int64_t{1} << 53;
constexpr std::size_t local_part_max = 64;
constexpr std::size_t label_max = 63;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Dots stand between other characters only.
bool is_local_part(std::string_view text) {
    constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~.";
    return !text.empty() && text.size() <= local_part_max && text.front() != '.' && text.back() != '.' &&
           text.find("..") == std::string_view::npos && std::ranges::all_of(text, [&](char c) {
               return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
           });
}

bool is_label(std::string_view text) {
    return !text.empty() && text.size() <= label_max && text.front() != '-' && text.back() != '-' &&
           std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_domain(std::string_view text) {
    int labels = 0;
    while (true) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        if (!is_label(text.substr(0, dot))) return false;
        ++labels;
        if (dot == text.size()) return labels >= 2;
        text.remove_prefix(dot + 1);
    }
}

Bytes unsigned_bytes(const NodeCertificate& certificate) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(certificate_version);
    out.raw(certificate.network.view());
    out.raw(certificate.node.view());
    out.text(certificate.email);
    out.i64(certificate.issued.ms);
    out.i64(certificate.expires.ms);
    return bytes;
}

Bytes signed_message(const NodeCertificate& certificate) {
    const Digest digest = hash_of(domain, unsigned_bytes(certificate));
    Bytes message(domain.begin(), domain.end());
    message.insert(message.end(), digest.data.begin(), digest.data.end());
    return message;
}

bool is_time(WallTime time) {
    return time.ms >= 0 && time.ms <= time_ms_max;
}

}  // namespace

Result<std::string> email_address(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto refuse = [](const char* why) { return Error{ErrorCode::invalid_input, why}; };
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return refuse("the e-mail address is empty");
    std::string address(text.substr(first, text.find_last_not_of(blanks) - first + 1));
    for (char& c : address)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (address.size() > email_bytes_max) return refuse("an e-mail address has at most 254 characters");
    const std::size_t at = address.rfind('@');
    if (at == std::string::npos) return refuse("an e-mail address has an @");
    if (!is_local_part(std::string_view(address).substr(0, at)))
        return refuse("in front of its @, an e-mail address has 1 to 64 letters, digits and some signs");
    if (!is_domain(std::string_view(address).substr(at + 1)))
        return refuse("behind its @, an e-mail address has the name of a domain, as example.org");
    return address;
}

NodeCertificate make_certificate(const Digest& network, const PeerId& node, std::string email,
                                 WallTime issued, WallTime expires, const Signer& authority) {
    NodeCertificate certificate{network, node, std::move(email), issued, expires, {}};
    const auto address = email_address(certificate.email);
    PB_CHECK(address.ok() && *address == certificate.email, "an address stands in its one form");
    PB_CHECK(is_time(issued) && is_time(expires) && issued < expires, "a certificate holds for some time");
    certificate.signature = authority.sign(signed_message(certificate));
    return certificate;
}

Bytes encode_certificate(const NodeCertificate& certificate) {
    Bytes bytes = unsigned_bytes(certificate);
    Encoder(bytes).raw(certificate.signature.view());
    return bytes;
}

Result<NodeCertificate> decode_certificate(ByteView bytes) {
    Decoder in(bytes);
    NodeCertificate certificate;
    if (in.u16() != certificate_version && in.ok()) in.fail("unknown version");
    in.fixed(certificate.network);
    in.fixed(certificate.node);
    certificate.email = in.text(email_bytes_max, "an e-mail address above 254 bytes");
    certificate.issued.ms = in.i64();
    certificate.expires.ms = in.i64();
    in.fixed(certificate.signature);
    if (in.ok()) {
        const auto address = email_address(certificate.email);
        if (!address.ok() || *address != certificate.email) in.fail("not an e-mail address in its one form");
        if (!is_time(certificate.issued) || !is_time(certificate.expires) ||
            certificate.expires <= certificate.issued)
            in.fail("times out of bounds");
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("certificate");
    return certificate;
}

bool is_signed_by(const NodeCertificate& certificate, const PublicKey& authority, const Verifier& verifier) {
    return verifier.verify(authority, signed_message(certificate), certificate.signature);
}

Status check_certificate(const NodeCertificate& certificate, const PublicKey& authority,
                         const Digest& network, const PeerId& node, WallTime now, const Verifier& verifier) {
    if (certificate.network != network)
        return Error{ErrorCode::conflict, "the certificate is for another network"};
    if (certificate.node != node)
        return Error{ErrorCode::conflict,
                     "the certificate is for node " + to_hex(certificate.node) + ", not " + to_hex(node)};
    if (!is_signed_by(certificate, authority, verifier))
        return Error{ErrorCode::unauthorized,
                     "the certificate is not of this network's authority, or was changed"};
    if (certificate.expires <= now) return Error{ErrorCode::timed_out, "the certificate has expired"};
    return {};
}

}  // namespace peerbook::p2p
