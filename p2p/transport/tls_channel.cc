#include "p2p/transport/tls_channel.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/check.h"
#include "p2p/transport/byte_ring.h"

namespace peerbook::p2p {

namespace {

struct Rings {
    ByteRing in{channel_ring_bytes}, out{channel_ring_bytes};
};

// What OpenSSL reads from and writes to: the two rings.
int read_ring(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    const std::size_t taken =
        static_cast<Rings*>(BIO_get_data(bio))
            ->in.read({reinterpret_cast<std::uint8_t*>(out), static_cast<std::size_t>(std::max(size, 0))});
    if (taken > 0 || size <= 0) return static_cast<int>(taken);
    BIO_set_retry_read(bio);
    return -1;
}

int write_ring(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const std::size_t written = static_cast<Rings*>(BIO_get_data(bio))
                                    ->out.write({reinterpret_cast<const std::uint8_t*>(bytes),
                                                 static_cast<std::size_t>(std::max(size, 0))});
    if (written > 0 || size <= 0) return static_cast<int>(written);
    BIO_set_retry_write(bio);
    return -1;
}

long control_ring(BIO* bio, int command, long, void*) {
    const Rings& rings = *static_cast<Rings*>(BIO_get_data(bio));
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_PENDING:
            return static_cast<long>(rings.in.size());
        case BIO_CTRL_WPENDING:
            return static_cast<long>(rings.out.size());
        default:
            return 0;
    }
}

int start_ring(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

using Method = std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)>;

const BIO_METHOD* ring_method() {
    static const Method method = [] {
        Method made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "peerbook rings"),
                    BIO_meth_free);
        PB_CHECK(made != nullptr && BIO_meth_set_read(made.get(), read_ring) == 1 &&
                     BIO_meth_set_write(made.get(), write_ring) == 1 &&
                     BIO_meth_set_ctrl(made.get(), control_ring) == 1 &&
                     BIO_meth_set_create(made.get(), start_ring) == 1,
                 "out of memory");
        return made;
    }();
    return method.get();
}

class TlsChannel final : public Channel {
  public:
    TlsChannel(const TransportIdentity& identity, Direction direction)
        : own_certificate_(identity.certificate) {
        BIO* bio = BIO_new(ring_method());
        PB_CHECK(bio != nullptr, "out of memory");
        BIO_set_data(bio, &rings_);
        ssl_ = SSL_new(identity.context.get());
        PB_CHECK(ssl_ != nullptr, "out of memory");
        SSL_set_bio(ssl_, bio, bio);
        if (direction == Direction::outbound)
            SSL_set_connect_state(ssl_);
        else
            SSL_set_accept_state(ssl_);
    }
    ~TlsChannel() override { SSL_free(ssl_); }
    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;

    std::span<std::uint8_t> input_space() override { return rings_.in.space(); }
    void input_commit(std::size_t bytes) override { rings_.in.commit(bytes); }
    ByteView output() override { return rings_.out.data(); }
    void output_consume(std::size_t bytes) override { rings_.out.consume(bytes); }

    Result<bool> handshake() override {
        ERR_clear_error();
        const int outcome = SSL_do_handshake(ssl_);
        waits_for_output_ = outcome != 1 && SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_WRITE;
        if (outcome == 1) return true;
        if (waits(outcome)) return false;
        return failure("TLS handshake");
    }

    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        ERR_clear_error();
        std::size_t size = 0;
        const int outcome = SSL_read_ex(ssl_, out.data(), out.size(), &size);
        waits_for_output_ = outcome != 1 && SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_WRITE;
        if (outcome == 1) return size;
        if (waits(outcome)) return std::size_t{0};
        if (SSL_get_error(ssl_, outcome) == SSL_ERROR_ZERO_RETURN)
            return Error{ErrorCode::unavailable, "closed by the peer"};
        return failure("TLS");
    }

    Result<std::size_t> write(ByteView bytes) override {
        ERR_clear_error();
        std::size_t size = 0;
        const int outcome = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &size);
        if (outcome == 1) return size;
        if (waits(outcome)) return std::size_t{0};
        return failure("TLS");
    }

    bool waits_for_output() const override { return waits_for_output_; }

    Result<ChannelBinding> binding() const override {
        ChannelBinding binding;
        binding.local_certificate = own_certificate_;
        X509* certificate = SSL_get0_peer_certificate(ssl_);
        if (!certificate) return Error{ErrorCode::invalid_input, "TLS: no certificate of the peer"};
        const Result<Digest> digest = certificate_digest(certificate);
        if (!digest) return digest.error();
        binding.remote_certificate = *digest;
        static constexpr std::string_view label = "EXPORTER-peerbook-p2p";
        const int exported = SSL_export_keying_material(ssl_, binding.exporter.data.data(), Digest::size,
                                                        label.data(), label.size(), nullptr, 0, 0);
        if (exported != 1) return failure("TLS exporter");
        return binding;
    }

    void release() override {
        (void)SSL_free_buffers(ssl_);  // it keeps them while something is in them
        rings_.in.release();
        rings_.out.release();
    }

  private:
    bool waits(int outcome) const {
        const int error = SSL_get_error(ssl_, outcome);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }

    static Error failure(const char* where) {
        const unsigned long code = ERR_get_error();
        const char* reason = code ? ERR_reason_error_string(code) : nullptr;
        ERR_clear_error();
        return {ErrorCode::invalid_input, std::string(where) + ": " + (reason ? reason : "unexpected end")};
    }

    Digest own_certificate_;
    Rings rings_;  // outlives ssl_
    SSL* ssl_ = nullptr;
    bool waits_for_output_ = false;
};

class PlainChannel final : public Channel {
  public:
    std::span<std::uint8_t> input_space() override { return rings_.in.space(); }
    void input_commit(std::size_t bytes) override { rings_.in.commit(bytes); }
    ByteView output() override { return rings_.out.data(); }
    void output_consume(std::size_t bytes) override { rings_.out.consume(bytes); }
    Result<bool> handshake() override { return true; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override { return rings_.in.read(out); }
    Result<std::size_t> write(ByteView bytes) override { return rings_.out.write(bytes); }
    bool waits_for_output() const override { return false; }
    Result<ChannelBinding> binding() const override { return ChannelBinding{}; }
    void release() override {
        rings_.in.release();
        rings_.out.release();
    }

  private:
    Rings rings_;
};

}  // namespace

std::unique_ptr<Channel> make_tls_channel(const TransportIdentity& identity, Direction direction) {
    return std::make_unique<TlsChannel>(identity, direction);
}

std::unique_ptr<Channel> make_plain_channel() {
    return std::make_unique<PlainChannel>();
}

}  // namespace peerbook::p2p
