// Bytes from the socket in, bytes for the socket out, plain bytes on the other side: TLS 1.3 without a
// socket, so that one large read or write of the socket carries many records. Plain mode passes bytes
// through.
//
//   socket ──▶ input_space/commit ──▶ [ ring ] ──▶ read() ──▶ frames
//   socket ◀── output/consume     ◀── [ ring ] ◀── write() ◀── frames
//
// Each ring holds channel_ring_bytes; release() gives their memory back while nothing moves. I/O thread only.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "p2p/transport/certificates.h"
#include "p2p/wire/handshake.h"

typedef struct ssl_st SSL;

namespace peerbook::p2p {

inline constexpr std::size_t channel_ring_bytes = 256 * 1024;

class Channel {
  public:
    virtual ~Channel() = default;

    // Where to put bytes from the socket; empty while read() has something to give, or waits for output to be
    // consumed.
    virtual std::span<std::uint8_t> input_space() = 0;
    virtual void input_commit(std::size_t bytes) = 0;
    // Bytes for the socket, valid until consumed, however much is written meanwhile.
    virtual ByteView output() = 0;
    virtual void output_consume(std::size_t bytes) = 0;

    // Goes on with the TLS handshake. True once it is done. Error: what was wrong with the peer's bytes.
    virtual Result<bool> handshake() = 0;
    // After the handshake: plain bytes into `out`; 0 if there are none yet. Error as above, unavailable at
    // the end.
    virtual Result<std::size_t> read(std::span<std::uint8_t> out) = 0;
    // The last handshake() or read() could not go on because the output is full: call again when some of it
    // is consumed. A peer that asks for new keys and does not read our answer brings this about.
    virtual bool waits_for_output() const = 0;
    // How many of the bytes were taken; 0 if the output is full: try again with the same bytes when some is
    // consumed.
    virtual Result<std::size_t> write(ByteView bytes) = 0;
    // Precondition: the handshake is done. Error: invalid_input, the peer's certificate cannot be encoded.
    virtual Result<ChannelBinding> binding() const = 0;
    // Gives back what only moving bytes need. Space that input_space() handed out can still be written to.
    virtual void release() = 0;
};

// `identity` outlives the channel.
std::unique_ptr<Channel> make_tls_channel(const TransportIdentity& identity, Direction direction);
std::unique_ptr<Channel> make_plain_channel();

}  // namespace peerbook::p2p
