#include "app/node_keys/certificate_file.h"

#include <algorithm>
#include <vector>

#include "app/node_keys/file_lock.h"
#include "app/node_keys/text_lines.h"
#include "base/whole_file.h"
#include "config/sources.h"

namespace peerbook::app {

namespace {

constexpr std::size_t file_bytes_max = 4 * 1024;
constexpr std::size_t issued_bytes_max = issued_max * (2 * p2p::certificate_bytes_max + 1);

Result<std::vector<p2p::NodeCertificate>> load_issued(const std::string& path) {
    std::vector<p2p::NodeCertificate> issued;
    const Status read = read_lines(path, issued_bytes_max, [&issued](std::string_view line) -> Status {
        auto certificate = parse_certificate(line);
        if (!certificate.ok()) return certificate.error();
        issued.push_back(std::move(*certificate));
        return {};
    });
    if (!read.ok()) return read.error();
    return issued;
}

}  // namespace

std::string certificate_text(const p2p::NodeCertificate& certificate) {
    return to_hex(ByteView(p2p::encode_certificate(certificate)));
}

Result<p2p::NodeCertificate> parse_certificate(std::string_view text) {
    text = trimmed(text);
    Bytes bytes(text.size() / 2);
    if (text.empty() || text.size() > 2 * p2p::certificate_bytes_max || !from_hex(text, bytes).ok())
        return Error{
            ErrorCode::invalid_input,
            "a certificate is a line of hexadecimal digits, as `peerbook authority issue` prints it"};
    return p2p::decode_certificate(bytes);
}

std::string certificate_path(const std::string& data_dir) {
    return data_dir + "/certificate";
}

Result<p2p::NodeCertificate> load_certificate(const std::string& path) {
    const auto text = config::read_text_file(path, file_bytes_max);
    if (!text.ok()) return text.error();
    auto certificate = parse_certificate(*text);
    if (!certificate.ok()) return Error{ErrorCode::corrupt, path + ": " + certificate.error().message};
    return certificate;
}

Status write_certificate(const std::string& path, const p2p::NodeCertificate& certificate) {
    return replace_file(path, certificate_text(certificate) + "\n");
}

Status note_issued(const std::string& authority_dir, const p2p::NodeCertificate& certificate, WallTime now) {
    const std::string path = authority_dir + "/issued";
    const FileLock lock(path + ".lock");
    if (!lock.is_held()) return Error{ErrorCode::io, lock.why_not()};
    auto issued = load_issued(path);
    if (!issued.ok()) return issued.error();
    for (const p2p::NodeCertificate& other : *issued)
        if (other.network == certificate.network && other.email == certificate.email &&
            other.node != certificate.node && other.expires > now)
            return Error{ErrorCode::conflict, certificate.email + " has a certificate for node " +
                                                  to_hex(other.node) + ", which has not expired"};
    std::erase_if(*issued, [&](const p2p::NodeCertificate& other) {
        return other.expires <= now ||
               (other.network == certificate.network && other.email == certificate.email &&
                other.expires <= certificate.expires);
    });
    issued->push_back(certificate);
    if (issued->size() > issued_max)
        return Error{ErrorCode::too_large, path + " holds as many certificates as it may"};
    std::string text;
    for (const p2p::NodeCertificate& one : *issued)
        text += certificate_text(one) + "\n";
    return replace_file(path, text);
}

}  // namespace peerbook::app
