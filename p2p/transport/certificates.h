// The transport key: an Ed25519 key of its own with a self-signed certificate, so that the node key never
// touches TLS. Made at the first start, kept as transport.key and transport.crt (PEM, 0600), replaced
// whenever its operator likes: the node's id is another key, which endorses this one anew in each handshake.
//
// TLS here proves only that the other side holds the key of the certificate it shows; whose node that is, the
// handshake says (wire/handshake.h). So any well-formed certificate with an Ed25519 key is accepted, from
// both sides.
//
// Adapter: the only file besides tls_channel.cc that knows OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct x509_st X509;

namespace peerbook::p2p {

struct SslContextDeleter {
    void operator()(SSL_CTX* context) const;
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

struct TransportIdentity {
    SslContext context;  // TLS 1.3 only, mutual, both roles; no tickets, no resumption
    Digest certificate;  // certificate_digest() of our own
};

// Loads the transport key below `directory`, or makes it. Empty: makes one in memory.
// Errors: io; corrupt (the files are there but are no key and its certificate; the message names them);
// unauthorized (other users may read the key).
Result<TransportIdentity> make_transport_identity(const std::string& directory);
// Makes a new one in any case. A crash on the way leaves the old one, the new one, or none, in whose place
// the next start makes one.
Result<TransportIdentity> replace_transport_identity(const std::string& directory);

// BLAKE2b-256 of the DER form, in the domain of transport certificates. Error: invalid_input, a certificate
// that has no DER form; a foreign one may be odd enough.
Result<Digest> certificate_digest(X509* certificate);

}  // namespace peerbook::p2p
