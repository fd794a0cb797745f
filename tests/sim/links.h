// The simulated network: sessions between nodes, as the peer layer keeps them. What is sent over a session
// comes in order or not at all; a session that breaks loses what is on the way, and both sides hear of it.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "tests/sim/plan.h"
#include "tests/sim/rare.h"
#include "tests/sim/scheduler.h"

namespace peerbook::sim {

class LinkUser {
  public:
    virtual ~LinkUser() = default;
    // Whether a session may be made with it now.
    virtual bool is_reachable(std::size_t node) const = 0;
    // Changes with each start of its process; what was sent to an earlier one is lost.
    virtual std::uint64_t process_of(std::size_t node) const = 0;
    virtual void on_connected(std::size_t node, std::size_t peer) = 0;
    virtual void on_disconnected(std::size_t node, std::size_t peer) = 0;
    virtual void on_message(std::size_t from, std::size_t to, std::uint8_t kind,
                            const SharedBytes& payload) = 0;
    // The transport noticed damage; the session breaks after this.
    virtual void on_damaged(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload,
                            std::size_t byte) = 0;
};

class Links {
  public:
    // All outlive this.
    Links(std::size_t nodes, const Plan& plan, Random random, Scheduler& scheduler, RareStates& rare,
          LinkUser& user);

    void start();
    bool is_up(std::size_t a, std::size_t b) const { return at(a, b).up; }
    // What is sent now comes over, as far as can be told.
    bool carries(std::size_t from, std::size_t to) const {
        return is_up(from, to) && direction(from, to).blocked == 0;
    }
    // For how long the node has been able to hear this peer; zero where there is no session.
    std::int64_t hears_for_us(std::size_t node, std::size_t peer) const;
    void send(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload);
    // The process is gone: all its sessions break.
    void drop_node(std::size_t node);
    void break_session(std::size_t a, std::size_t b);
    // These two may never have a session.
    void forbid(std::size_t a, std::size_t b, bool forbidden);
    bool is_forbidden(std::size_t a, std::size_t b) const { return at(a, b).forbidden; }

    // --- faults, for a while each ---
    void split(std::int64_t for_us);
    // Those whose bit is set from all others.
    void part(std::uint64_t side, std::int64_t for_us);
    // What the one sends to the other waits; neither gives the session up.
    void hold(std::size_t from, std::size_t to, std::int64_t for_us) { block(from, to, for_us, false); }
    // One node from all others.
    void isolate(std::size_t node, std::int64_t for_us);
    void bridge(std::int64_t for_us);
    void one_way(std::int64_t for_us);
    void clog(std::int64_t for_us);
    void flap(std::int64_t for_us);
    // From here on nothing goes wrong any more.
    void heal();

  private:
    struct Message {
        std::uint8_t kind = 0;
        SharedBytes payload;
    };
    struct Direction {
        std::int64_t delay_us_min = 0, delay_us_max = 0;
        std::int64_t last_arrival_us = 0;
        std::uint32_t blocked = 0;  // by so many faults; nothing gets through
        std::int64_t free_since_us = 0;
        std::deque<Message> stalled;
    };
    struct Session {
        bool up = false;
        bool forbidden = false;
        std::uint64_t epoch = 0;
        std::int64_t since_us = 0;
        bool dialing = false;
        std::int64_t quiet_until_us = 0;  // both sides have heard of the break by then
        Direction there, back;            // from the lower to the higher number, and back
    };

    Session& at(std::size_t a, std::size_t b);
    const Session& at(std::size_t a, std::size_t b) const;
    Direction& direction(std::size_t from, std::size_t to);
    const Direction& direction(std::size_t from, std::size_t to) const;
    void dial(std::size_t a, std::size_t b, std::int64_t after_us);
    void try_connect(std::size_t a, std::size_t b);
    void transmit(std::size_t from, std::size_t to, Message message);
    void arrive(std::size_t from, std::size_t to, const Message& message);
    void block(std::size_t from, std::size_t to, std::int64_t for_us, bool breaks);
    void unblock(std::size_t from, std::size_t to);
    std::size_t any_node() { return static_cast<std::size_t>(random_.below(nodes_)); }

    std::size_t nodes_;
    const Plan& plan_;
    Random random_;
    Scheduler& scheduler_;
    RareStates& rare_;
    LinkUser& user_;
    std::vector<Session> sessions_;
    bool healed_ = false;
};

}  // namespace peerbook::sim
