#include "p2p/peers/peer_session.h"

#include <algorithm>

#include "p2p/gossip/gossip_wire.h"
#include "p2p/peers/peer_score.h"
#include "p2p/relay/relay_wire.h"
#include "p2p/wire/signed_control.h"

namespace peerbook::p2p {

namespace {

constexpr TokenBucket::Rate control_rate{100, 50'000};
constexpr TokenBucket::Rate address_rate{1000, 100};

}  // namespace

PeerSession::PeerSession(const Setup& setup, Now now)
    : signer_(setup.signer),
      router_(setup.router),
      handshake_(setup.local, setup.signer, setup.verifier, setup.direction, setup.channel, setup.challenge,
                 setup.here),
      opened_at_(setup.opened_at),
      heard_at_(now.mono),
      authenticated_at_(now.mono),
      heartbeat_at_(now.mono),
      exchange_at_(now.mono),
      control_rate_(control_rate, now.mono),
      address_rate_(address_rate, now.mono) {}

Bytes PeerSession::encode(Now now, ControlBody body) {
    ControlMessage message;
    message.id = router_.next_id();
    message.from = signer_.public_key();
    if (authenticated()) message.to = peer()->node;
    message.timestamp = now.wall;
    message.body = std::move(body);
    return write_control(message);
}

SessionOutput PeerSession::start(Now now) {
    Bytes payload = encode(now, handshake_.claim(now.wall));
    handshake_.sent(payload);
    SessionOutput output;
    output.send.push_back(control_payload(std::move(payload)));
    return output;
}

void PeerSession::heard(Now now) {
    heard_at_ = now.mono;
    if (state_ == State::stale) state_ = State::connected;
}

SessionOutput PeerSession::receive(Now now, ByteView payload) {
    heard(now);
    ++frames_;
    bytes_ += payload.size();
    if (payload.front() == '{') return receive_control(now, payload);
    SessionOutput output;
    if (!authenticated()) {
        output.violation = {penalty_protocol, "a message other than handshake before authentication"};
        output.close = output.violation.why;
    } else {
        receive_binary(now, payload, output);
    }
    return output;
}

void PeerSession::receive_binary(Now now, ByteView payload, SessionOutput& output) {
    const std::uint8_t kind = payload.front();
    if (kind >= application_kind_min) {
        output.delivery = SessionOutput::Delivery{kind, payload.subspan(1)};
    } else if (kind == routed_kind) {
        Result<MessageRouter::Received> received = router_.receive(now.mono, peer()->node, payload);
        if (!received) {
            output.violation = {penalty_protocol, received.error().message};
            return;
        }
        output.send.push_back(received->acknowledgement);
        if (received->is_new) output.delivery = SessionOutput::Delivery{received->kind, received->payload};
    } else if (kind == routed_ack_kind) {
        if (Status status = router_.receive_ack(peer()->node, payload); !status.ok())
            output.violation = {penalty_protocol, status.error().message};
    } else if (kind >= gossip_push_kind && kind <= gossip_digest_kind) {
        output.gossip = payload;
    } else if (kind == signed_control_kind) {
        output.signed_control = payload.subspan(1);
    } else if (kind == relay_kind) {
        output.relayed = payload;
    }
    // Other kinds are those of a newer minor version: ignored.
}

SessionOutput PeerSession::receive_control(Now now, ByteView payload) {
    SessionOutput output;
    if (!control_rate_.take(now.mono)) {
        output.violation = {penalty_flood, "control messages above 50 a second"};
        return output;
    }
    Result<ControlMessage> message = parse_control(payload);
    if (!message) {
        output.violation = {penalty_protocol, message.error().message};
        if (!authenticated()) output.close = output.violation.why;
        return output;
    }
    if (const auto* goodbye = std::get_if<Goodbye>(&message->body)) {
        output.close = "peer said goodbye: " + goodbye->reason;
    } else if (!authenticated()) {
        step_handshake(now, message->body, payload, output);
    } else if (message->from != peer()->node) {
        output.violation = {penalty_protocol, "control message in another node's name"};
    } else if (router_.first_sight(now.mono, message->from, message->id)) {
        handle(now, *message, output);
    }
    return output;
}

void PeerSession::step_handshake(Now now, const ControlBody& body, ByteView payload, SessionOutput& output) {
    HandshakeStep step = handshake_.receive(now, body, payload);
    output.warning = std::move(step.warning);
    if (step.refusal) {
        output.violation = {step.refusal->points, step.refusal->reason};
        output.own_key_claimed = step.refusal->own_key_claimed;
        output.close = std::move(step.refusal->reason);
        return;
    }
    if (step.send) output.send.push_back(control_payload(encode(now, std::move(*step.send))));
    if (!step.done) return;
    state_ = State::connected;
    authenticated_at_ = now.mono;
    heartbeat_at_ = now.mono - heartbeat_interval;  // one at once: it gives the first round-trip time
    output.authenticated = true;
    output.exchange_due = true;
}

void PeerSession::handle(Now now, const ControlMessage& message, SessionOutput& output) {
    if (const auto* heartbeat = std::get_if<Heartbeat>(&message.body)) {
        output.send.push_back(control_payload(encode(now, HeartbeatAck{heartbeat->sequence})));
    } else if (const auto* ack = std::get_if<HeartbeatAck>(&message.body)) {
        const auto sent = std::find_if(unanswered_.begin(), unanswered_.end(),
                                       [ack](const auto& one) { return one.sequence == ack->sequence; });
        if (sent == unanswered_.end()) return;
        round_trip_ = now.mono - sent->at;
        output.answered = round_trip_;
        unanswered_.erase(unanswered_.begin(), sent + 1);
    } else if (const auto* exchange = std::get_if<PeerExchange>(&message.body)) {
        const auto allowed =
            address_rate_.take_up_to(now.mono, static_cast<std::int64_t>(exchange->addresses.size()));
        output.addresses.assign(exchange->addresses.begin(), exchange->addresses.begin() + allowed);
    } else if (const auto* question = std::get_if<DialBack>(&message.body)) {
        output.dial_back = *question;
    } else if (const auto* answer = std::get_if<DialBackAnswer>(&message.body)) {
        output.dial_back_answer = *answer;
    } else if (const auto* reached = std::get_if<ReachedAt>(&message.body)) {
        // An address like those of an exchange, and bounded with them.
        if (address_rate_.take(now.mono)) output.reached_at = *reached;
    } else if (!std::holds_alternative<UnknownControl>(message.body)) {
        output.violation = {penalty_protocol, "a second handshake on one connection"};
    }
}

SessionOutput PeerSession::tick(Now now) {
    SessionOutput output;
    if (!authenticated()) {
        if (now.mono - opened_at_ >= handshake_time_max) {
            output.violation = {penalty_timeout, "no handshake within 5 s"};
            output.close = output.violation.why;
        }
        return output;
    }
    const Duration silence = now.mono - heard_at_;
    if (silence >= over_after) {
        output.violation = {penalty_timeout, "silent for " + std::to_string(silence.ms() / 1000) + " s"};
        output.close = output.violation.why;
        return output;
    }
    if (silence >= stale_after) state_ = State::stale;
    if (now.mono - heartbeat_at_ >= heartbeat_interval) output.send.push_back(heartbeat(now));
    for (SentHeartbeat& heartbeat : unanswered_) {
        if (heartbeat.judged || now.mono - heartbeat.at < answer_time_max) continue;
        if (frames_ == heartbeat.frames_before) continue;
        heartbeat.judged = true;
        if (bytes_ - heartbeat.bytes_before <= answer_bytes_max) ++output.unanswered;
    }
    output.exchange_due = now.mono - exchange_at_ >= exchange_interval;
    return output;
}

OutgoingPayload PeerSession::heartbeat(Now now) {
    heartbeat_at_ = now.mono;
    if (unanswered_.size() >= heartbeats_remembered) unanswered_.pop_front();
    unanswered_.push_back({++heartbeat_sequence_, now.mono, frames_, bytes_});
    return control_payload(encode(now, Heartbeat{heartbeat_sequence_}));
}

std::optional<OutgoingPayload> PeerSession::ask(Now now) {
    if (heard_at_ < heartbeat_at_) return std::nullopt;
    return heartbeat(now);
}

OutgoingPayload PeerSession::exchange(Now now, std::vector<PeerAddress> addresses) {
    exchange_at_ = now.mono;
    return control_payload(encode(now, PeerExchange{std::move(addresses)}));
}

OutgoingPayload PeerSession::goodbye(Now now, const std::string& reason) {
    return control_payload(encode(now, Goodbye{printable(reason)}));
}

}  // namespace peerbook::p2p
