// One connection from the moment the transport is ready: handshake, then heartbeats, control messages and
// payloads.
//
//   handshaking → connected → stale (nothing heard for 30 s) → over (45 s)
//
// Any byte counts as life. Heartbeats go out every 5 s; the answer gives the round-trip time, and one that is
// not there after 25 s counts as a failure of the peer, if whole messages arrive meanwhile that are too few
// to stand in its way. Control messages above the rate (100 at once, 50/s) are dropped and cost a point each;
// data is held back by TCP instead.
//
// Pure: each input returns what to do. After an output with `close` the caller gives no further input. Not
// thread-safe.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "p2p/peers/rate_limiter.h"
#include "p2p/peers/send_queue.h"
#include "p2p/routing/message_router.h"
#include "p2p/wire/handshake.h"

namespace peerbook::p2p {

inline constexpr Duration heartbeat_interval = Duration::seconds(5);
// Five in a row are missing after 45 s. An answer may wait behind data in the buffers of a slow line: while
// more than answer_bytes_max come, or nothing but a part of a frame, a missing one tells nothing.
inline constexpr Duration answer_time_max = Duration::seconds(25);
inline constexpr std::uint64_t answer_bytes_max = 256 * 1024;
inline constexpr std::size_t heartbeats_remembered = 16;
inline constexpr Duration stale_after = Duration::seconds(30);
inline constexpr Duration over_after = Duration::seconds(45);
inline constexpr Duration exchange_interval = Duration::seconds(300);

// Misbehaviour of the peer with this input, if points > 0.
struct Violation {
    int points = 0;
    std::string why;
};

struct SessionOutput {
    struct Delivery {
        std::uint8_t kind;
        ByteView payload;  // within the frame that was the input
    };
    std::vector<OutgoingPayload> send;  // control, in order
    bool authenticated = false;         // became so with this input
    std::optional<Delivery> delivery;
    std::optional<ByteView> gossip;          // a whole frame of kinds 0x03 … 0x08
    std::optional<ByteView> relayed;         // a whole frame of kind 0x09
    std::optional<ByteView> signed_control;  // what follows signed_control_kind in the frame
    std::vector<PeerAddress> addresses;      // that the peer told us
    bool exchange_due = false;               // answer with exchange()
    std::optional<DialBack> dial_back;       // answer with say(), once it is known
    std::optional<DialBackAnswer> dial_back_answer;
    std::optional<ReachedAt> reached_at;
    std::optional<Duration> answered;  // a heartbeat, after this long
    unsigned unanswered = 0;           // heartbeats that failed with this input
    Violation violation;
    std::optional<std::string> warning;
    std::optional<std::string> close;          // why
    std::optional<Challenge> own_key_claimed;  // with close: the peer claims our key, with this challenge
};

class PeerSession {
  public:
    enum class State : unsigned char { handshaking, connected, stale };

    struct Setup {
        const LocalNode& local;
        const Signer& signer;
        const Verifier& verifier;
        MessageRouter& router;
        Direction direction;
        ChannelBinding channel;
        Challenge challenge;
        MonoTime
            opened_at;  // when the connection was accepted or dialled: the handshake's time counts from there
        ConnectionClaim here = {};
    };
    // What `setup` refers to outlives the session.
    PeerSession(const Setup& setup, Now now);

    // The first input.
    SessionOutput start(Now now);
    SessionOutput receive(Now now, ByteView payload);
    // Part of a frame arrived: a large one over a slow line must not look like silence.
    void heard(Now now);
    SessionOutput tick(Now now);
    // The addresses for a peer exchange, after exchange_due.
    OutgoingPayload exchange(Now now, std::vector<PeerAddress> addresses);
    OutgoingPayload goodbye(Now now, const std::string& reason);
    // Any other control message, after authentication.
    OutgoingPayload say(Now now, ControlBody body) { return control_payload(encode(now, std::move(body))); }
    // A heartbeat before it is due. None if nothing was heard since the last one: that one asks already.
    std::optional<OutgoingPayload> ask(Now now);

    State state() const { return state_; }
    bool authenticated() const { return state_ != State::handshaking; }
    // The claimed peer while handshaking, the proven one afterwards.
    const std::optional<HandshakeMessage>& peer() const { return handshake_.peer(); }
    const Challenge& challenge() const { return handshake_.challenge(); }
    // Of a network with an authority; the peer's once it is authenticated.
    const std::optional<NodeCertificate>& certificate() const { return handshake_.certificate(); }
    MonoTime heard_at() const { return heard_at_; }
    // How long the last heartbeat waits for a sign of life.
    Duration unanswered(MonoTime now) const {
        return heard_at_ < heartbeat_at_ ? now - heartbeat_at_ : Duration{};
    }
    MonoTime authenticated_at() const { return authenticated_at_; }
    Duration round_trip() const { return round_trip_; }

  private:
    SessionOutput receive_control(Now now, ByteView payload);
    void receive_binary(Now now, ByteView payload, SessionOutput& output);
    void handle(Now now, const ControlMessage& message, SessionOutput& output);
    void step_handshake(Now now, const ControlBody& body, ByteView payload, SessionOutput& output);
    Bytes encode(Now now, ControlBody body);
    OutgoingPayload heartbeat(Now now);

    const Signer& signer_;
    MessageRouter& router_;
    Handshake handshake_;
    State state_ = State::handshaking;
    MonoTime opened_at_;
    MonoTime heard_at_;
    MonoTime authenticated_at_;
    MonoTime heartbeat_at_;  // of the last one sent
    MonoTime exchange_at_;
    std::uint64_t heartbeat_sequence_ = 0;
    struct SentHeartbeat {
        std::uint64_t sequence;
        MonoTime at;
        std::uint64_t frames_before, bytes_before;  // received until then
        bool judged = false;                        // its answer still counts when it comes
    };
    std::uint64_t frames_ = 0, bytes_ = 0;  // received, whole
    std::deque<SentHeartbeat> unanswered_;  // oldest first
    Duration round_trip_;
    TokenBucket control_rate_;
    TokenBucket address_rate_;
};

}  // namespace peerbook::p2p
