// Compressed frames, kind 0x10: a payload whose body was compressed by zstd, on its way over one connection.
//
//   0x10 ‖ head ‖ u32 size ‖ one zstd frame (RFC 8878) of the body, which has `size` bytes
//   head: the application's kind (1 byte); or 0x03 and what else stands before a pushed payload (13 bytes)
//
// Each payload is compressed by itself, without a dictionary, so that what one says tells nothing about
// another one; and only kinds are compressed that the application lists, because everybody may read them
// (PROTOCOL.md says why that matters). Nothing else can be inside: no control message, nothing compressed.
//
// What may come out is known before anything is allocated: `size` is at most what fits a frame, and at most
// expansion_max times what came in. Pure; not thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "p2p/peers/send_queue.h"

namespace peerbook::p2p {

// Blocks below it hardly get smaller (BENCHMARKS.md): keys, digests and signatures are noise.
inline constexpr std::size_t compressed_body_bytes_min = 16 * 1024;
inline constexpr std::size_t expansion_max = 64;  // bytes out for each in; far above what blocks have

class Compressor {
  public:
    // `kinds` of the application; others are left as they are.
    explicit Compressor(std::vector<std::uint8_t> kinds);
    ~Compressor();

    // The payload in its compressed form; the payload itself if its kind is not listed, or it is too small,
    // or it does not get a sixteenth smaller, or more than expansion_max times smaller. The outcome for the
    // last body is remembered, because one payload goes to many peers.
    OutgoingPayload compressed(OutgoingPayload payload);
    // Forgets the last body, and gives back what compressing takes.
    void release();

  private:
    struct Context;
    const SharedBytes* smaller(const SharedBytes& body);

    std::vector<std::uint8_t> kinds_;
    std::unique_ptr<Context> context_;  // made when there is something to compress
    SharedBytes last_, last_smaller_;   // the second is empty where it did not pay
};

class Expander {
  public:
    Expander();
    ~Expander();

    // `frame` is the payload of a frame of kind compressed_kind. The payload that it stands for, valid until
    // the next call. Error: invalid_input, with what is wrong; the peer broke the protocol.
    Result<ByteView> expand(ByteView frame);
    void release();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
    std::unique_ptr<std::uint8_t[]> buffer_;
    std::size_t capacity_ = 0;
};

}  // namespace peerbook::p2p
