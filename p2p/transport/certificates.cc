#include "p2p/transport/certificates.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/hash.h"
#include "base/random.h"
#include "base/whole_file.h"

namespace peerbook::p2p {

namespace {

template <auto free_function>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        free_function(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

struct KeyAndCertificate {
    Key key;
    Certificate certificate;
};

constexpr std::size_t pem_bytes_max = 16 * 1024;

Error tls_error(const std::string& what) {
    char text[256] = "no detail";
    if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return {ErrorCode::io, what + ": " + text};
}

Error file_error(const std::string& what, const std::string& path) {
    return {ErrorCode::io, what + " " + path + ": " + std::strerror(errno)};
}

// The certificate says nothing but its key: who the node is would be a claim without proof here.
Result<KeyAndCertificate> make_certificate() {
    KeyAndCertificate made{Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), Certificate(X509_new())};
    if (!made.key || !made.certificate) return tls_error("making a transport key");
    X509* certificate = made.certificate.get();
    std::uint8_t serial[8];
    fill_with_system_random(serial);
    std::uint64_t number = 0;
    for (const std::uint8_t byte : serial)
        number = number << 8 | byte;
    X509_NAME* name = X509_get_subject_name(certificate);
    const bool is_made =
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("peerbook transport"), -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(certificate, name) == 1 &&
        // Without an end (RFC 5280): it is replaced by choice, never by date.
        ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20200101000000Z") == 1 &&
        ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
        X509_set_pubkey(certificate, made.key.get()) == 1 &&
        X509_sign(certificate, made.key.get(), nullptr) > 0;
    if (!is_made) return tls_error("making a transport certificate");
    return made;
}

std::string drain(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

// Error not_found if there is none; unauthorized if it is secret and others may read it.
Result<std::string> read_small_file(const std::string& path, bool is_secret) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        if (errno == ENOENT) return Error{ErrorCode::not_found, path};
        return file_error("cannot open", path);
    }
    struct stat info {};
    if (is_secret && ::fstat(file, &info) == 0 && (info.st_mode & 077) != 0) {
        ::close(file);
        return Error{ErrorCode::unauthorized, "other users may read the transport key " + path +
                                                  ". Make it yours alone: chmod 600 " + path +
                                                  ", and then a new one: peerbook keys rotate-transport"};
    }
    std::string text(pem_bytes_max, '\0');
    const ssize_t size = ::read(file, text.data(), text.size());
    ::close(file);
    if (size < 0) return file_error("cannot read", path);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

// The old certificate goes first: a key without its certificate counts as none, a wrong pair does not.
Result<KeyAndCertificate> make_and_keep(const std::string& directory) {
    const std::string key_path = directory + "/transport.key",
                      certificate_path = directory + "/transport.crt";
    Result<KeyAndCertificate> made = make_certificate();
    if (!made) return made;
    const Bio key_bio(BIO_new(BIO_s_mem())), certificate_bio(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_PrivateKey(key_bio.get(), made->key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
            1 ||
        PEM_write_bio_X509(certificate_bio.get(), made->certificate.get()) != 1)
        return tls_error("encoding the transport key");
    if (::unlink(certificate_path.c_str()) != 0 && errno != ENOENT)
        return file_error("cannot replace", certificate_path);
    if (Status status = replace_file(key_path, drain(key_bio.get())); !status.ok()) return status.error();
    if (Status status = replace_file(certificate_path, drain(certificate_bio.get())); !status.ok())
        return status.error();
    return made;
}

Result<KeyAndCertificate> load_or_make(const std::string& directory) {
    if (directory.empty()) return make_certificate();
    const std::string key_path = directory + "/transport.key",
                      certificate_path = directory + "/transport.crt";
    Result<std::string> key_text = read_small_file(key_path, true),
                        certificate_text = read_small_file(certificate_path, false);
    if (key_text && certificate_text) {
        const Bio key_bio(BIO_new_mem_buf(key_text->data(), static_cast<int>(key_text->size())));
        const Bio certificate_bio(
            BIO_new_mem_buf(certificate_text->data(), static_cast<int>(certificate_text->size())));
        KeyAndCertificate loaded{
            Key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr)),
            Certificate(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr))};
        if (loaded.key && loaded.certificate &&
            X509_check_private_key(loaded.certificate.get(), loaded.key.get()) == 1)
            return loaded;
        ERR_clear_error();
        return Error{ErrorCode::corrupt,
                     key_path + " and " + certificate_path +
                         " are no key with its certificate: remove both to have new ones made"};
    }
    for (const Result<std::string>* read : {&key_text, &certificate_text})
        if (!read->ok() && read->error().code != ErrorCode::not_found) return read->error();
    return make_and_keep(directory);
}

// Accepts any self-signed certificate with an Ed25519 key. OpenSSL itself checks that the peer holds the key.
int accept_ed25519(X509_STORE_CTX* store, void*) {
    X509* certificate = X509_STORE_CTX_get0_cert(store);
    EVP_PKEY* key = certificate ? X509_get0_pubkey(certificate) : nullptr;
    const bool fits = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    X509_STORE_CTX_set_error(store, fits ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return fits ? 1 : 0;
}

}  // namespace

void SslContextDeleter::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

Result<Digest> certificate_digest(X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    ERR_clear_error();
    if (size <= 0) return Error{ErrorCode::invalid_input, "the certificate cannot be encoded"};
    const Digest digest =
        hash_of("peerbook/p2p/transport-certificate/1", ByteView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return digest;
}

namespace {

Result<TransportIdentity> identity_of(const Result<KeyAndCertificate>& own) {
    if (!own) return own.error();
    const Result<Digest> digest = certificate_digest(own->certificate.get());
    if (!digest) return digest.error();
    TransportIdentity identity{SslContext(SSL_CTX_new(TLS_method())), *digest};
    SSL_CTX* context = identity.context.get();
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_use_certificate(context, own->certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, own->key.get()) != 1 || SSL_CTX_set_num_tickets(context, 0) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") != 1)
        return tls_error("setting up TLS 1.3");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_max_cert_list(context, 4096);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, accept_ed25519, nullptr);
    return identity;
}

}  // namespace

Result<TransportIdentity> make_transport_identity(const std::string& directory) {
    return identity_of(load_or_make(directory));
}

Result<TransportIdentity> replace_transport_identity(const std::string& directory) {
    return identity_of(make_and_keep(directory));
}

}  // namespace peerbook::p2p
