#include "p2p/transport/tls_channel.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

namespace peerbook::p2p {

namespace {

class TlsChannel final : public Channel {
  public:
    TlsChannel(const TransportIdentity& identity, Direction direction)
        : own_certificate_(identity.certificate) {
        BIO* inner = nullptr;
        PB_CHECK(BIO_new_bio_pair(&inner, channel_ring_bytes, &network_, channel_ring_bytes) == 1,
                 "out of memory");
        ssl_ = SSL_new(identity.context.get());
        PB_CHECK(ssl_ != nullptr, "out of memory");
        SSL_set_bio(ssl_, inner, inner);
        if (direction == Direction::outbound)
            SSL_set_connect_state(ssl_);
        else
            SSL_set_accept_state(ssl_);
    }
    ~TlsChannel() override {
        SSL_free(ssl_);
        BIO_free(network_);
    }
    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;

    std::span<std::uint8_t> input_space() override {
        char* space = nullptr;
        const int size = BIO_nwrite0(network_, &space);
        if (size <= 0) return {};
        return {reinterpret_cast<std::uint8_t*>(space), static_cast<std::size_t>(size)};
    }

    void input_commit(std::size_t bytes) override {
        char* space = nullptr;
        const int taken = BIO_nwrite(network_, &space, static_cast<int>(bytes));
        PB_CHECK(taken == static_cast<int>(bytes), "more input committed than there was room for");
    }

    ByteView output() override {
        char* data = nullptr;
        const int size = BIO_nread0(network_, &data);
        if (size <= 0) return {};
        return {reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
    }

    void output_consume(std::size_t bytes) override {
        char* data = nullptr;
        const int taken = BIO_nread(network_, &data, static_cast<int>(bytes));
        PB_CHECK(taken == static_cast<int>(bytes), "more output consumed than there was");
    }

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
    SSL* ssl_ = nullptr;
    BIO* network_ = nullptr;
    bool waits_for_output_ = false;
};

class PlainChannel final : public Channel {
  public:
    std::span<std::uint8_t> input_space() override {
        return {in_.get() + in_end_, channel_ring_bytes - in_end_};
    }
    void input_commit(std::size_t bytes) override { in_end_ += bytes; }
    ByteView output() override { return {out_.get() + out_begin_, out_end_ - out_begin_}; }
    void output_consume(std::size_t bytes) override {
        out_begin_ += bytes;
        if (out_begin_ == out_end_) out_begin_ = out_end_ = 0;
    }
    Result<bool> handshake() override { return true; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        const std::size_t size = std::min(out.size(), in_end_ - in_begin_);
        std::copy_n(in_.get() + in_begin_, size, out.begin());
        in_begin_ += size;
        if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
        return size;
    }
    Result<std::size_t> write(ByteView bytes) override {
        const std::size_t size = std::min(bytes.size(), channel_ring_bytes - out_end_);
        std::copy_n(bytes.begin(), size, out_.get() + out_end_);
        out_end_ += size;
        return size;
    }
    bool waits_for_output() const override { return false; }
    Result<ChannelBinding> binding() const override { return ChannelBinding{}; }

  private:
    // Not cleared: a connection that says nothing shall touch no memory.
    std::unique_ptr<std::uint8_t[]> in_ = std::make_unique_for_overwrite<std::uint8_t[]>(channel_ring_bytes),
                                    out_ = std::make_unique_for_overwrite<std::uint8_t[]>(channel_ring_bytes);
    std::size_t in_begin_ = 0, in_end_ = 0, out_begin_ = 0, out_end_ = 0;
};

}  // namespace

std::unique_ptr<Channel> make_tls_channel(const TransportIdentity& identity, Direction direction) {
    return std::make_unique<TlsChannel>(identity, direction);
}

std::unique_ptr<Channel> make_plain_channel() {
    return std::make_unique<PlainChannel>();
}

}  // namespace peerbook::p2p
