// What nodes say to each other. One struct for all kinds: a kind uses the fields named beside it.
#pragma once

#include <compare>
#include <optional>
#include <tuple>

#include "tests/view_model/records.h"

namespace peerbook::view_model {

struct Ballot {
    int counter = 0;  // 0: none yet
    Key key = 0;
    auto operator<=>(const Ballot&) const = default;
    auto fields() const { return std::tie(counter, key); }
};

// An accepted value: the record of the next view.
struct Vote {
    Ballot ballot = {};
    ViewId value = 0;
    auto operator<=>(const Vote&) const = default;
    auto fields() const { return std::tie(ballot, value); }
};

enum class Kind {
    block,      // block
    prepare,    // ballot
    promise,    // ballot, blocks, accepted
    alive,      // ballot: a joiner that has installed the view answers PREPARE too
    propose,    // ballot, value
    accepted,   // ballot, value
    install,    // value: certificate with the cut's blocks, or with a snapshot
    join,       // asks to become a member of the next view
    leave,      // asks to be none
    forward,    // command: an observer's user's
    offer,      // view: the founder asks the second node
    tombstone,  // view: the founder gave this ledger up
};

struct Message {
    Kind kind = Kind::block;
    Key from = 0;
    Key to = 0;
    ViewId view = 0;  // the sender's view
    BlockId block = 0;
    Ballot ballot = {};
    std::optional<Vote> accepted = {};
    BlockSet blocks = {};
    ViewId value = 0;
    CommandId command = 0;

    auto operator<=>(const Message&) const = default;
    auto fields() const {
        return std::tie(kind, from, to, view, block, ballot, accepted, blocks, value, command);
    }
};

}  // namespace peerbook::view_model
