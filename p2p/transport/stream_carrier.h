// Carries the bytes of a connection where TCP does not lead, such as by Grenache's RPC. What it carries is
// TLS from end to end: a carrier can delay and end a connection, and nothing else.
//
// I/O thread only.
#pragma once

#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

class StreamCarrier {
  public:
    virtual ~StreamCarrier() = default;
    // From now on the bytes of `socket`, one end of a pair of connected sockets that belongs to the carrier
    // from here on, go to and come from a node at `address`. Whatever fails closes it.
    virtual void carry(const PeerAddress& address, int socket) = 0;
    // Closes everything.
    virtual void stop() = 0;
};

}  // namespace peerbook::p2p
