// Who offers what. Each node tells of its own services (directory_wire.h), keeps what others tell, and asks
// the network for a service of which it knows no node that can be dialled.
//
// What is told to all is passed on by everybody to all neighbours but the one it came from, once, if it is
// genuine, timely and within the rates below. A request is passed on only by who cannot answer it; answers go
// back the way that the request came. An announcement names no address, so nobody can send others to a third
// party: an answer gives the one at which its sender has met the node itself.
//
// A node that does not broadcast greets its neighbours and asks, and announces nothing; nobody lists it.
//
// Bounded: providers_max nodes, of which providers_by_neighbour_max came by one neighbour, so that one that
// invents nodes displaces its own; the one heard of least lately makes room, unless it is a neighbour;
// requests_max requests under way of others, own_requests_max of our own. Each neighbour may bring 20
// messages a second (200 at once), of each sender 3 in
// 10 s are taken (10 at once), answers to requests not counted.
//
// Pure: time is an argument, outputs are data. Not thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "p2p/directory/directory_wire.h"
#include "p2p/peers/keyed_limiter.h"
#include "p2p/peers/rate_limiter.h"
#include "p2p/routing/seen_cache.h"

namespace peerbook::p2p {

inline constexpr Duration announce_interval = Duration::seconds(600);
inline constexpr Duration provider_time_max = Duration::seconds(7200);  // since it was heard of
inline constexpr Duration listed_time_max = Duration::seconds(600);     // of what somebody else said of it
inline constexpr Duration request_time_max = Duration::seconds(30);
inline constexpr std::int64_t announcement_ttl = 16, update_ttl = 32, request_ttl = 16, response_ttl = 32;
inline constexpr std::size_t providers_max = 4'096;
inline constexpr std::size_t providers_by_neighbour_max = 256;
inline constexpr std::size_t requests_max = 1'024;
inline constexpr std::size_t own_requests_max = 4;
inline constexpr std::size_t responses_of_one_request_max = 8;  // passed on, or taken
inline constexpr TokenBucket::Rate directory_in_rate{200, 20'000};
inline constexpr TokenBucket::Rate directory_out_rate{150, 15'000};
inline constexpr TokenBucket::Rate directory_sender_rate{10, 300};
inline constexpr std::size_t directory_senders_max = 4'096;
inline constexpr Duration announce_pause_min = Duration::seconds(15);  // between own news to all

struct ServiceProvider {
    PeerId node;
    std::vector<std::string> services;
    bool is_neighbour = false;
    std::optional<PeerId> told_by;  // none: its own word
    Duration heard_ago;
};

class Directory {
  public:
    struct Send {
        PeerId neighbour;
        Bytes body;  // behind signed_control_kind
    };
    struct Violation {
        PeerId neighbour;
        int points;
        std::string why;
    };
    struct Found {  // somebody says that a node of a service that we asked for can be dialled here
        PeerId told_by;
        PeerId came_by;  // the neighbour
        PeerAddress address;
    };
    using Output = std::variant<Send, Violation, Found>;
    using Outputs = std::vector<Output>;
    // Where which nodes can be dialled, of those that may be told; `asks`: the neighbour that asks, none if
    // somebody behind one does.
    using Addresses = std::function<std::map<PeerId, PeerAddress>(const std::optional<PeerId>& asks)>;
    using NextId = std::function<MessageId()>;

    struct Options {
        Digest network;
        bool broadcast = true;
        NextId next_id;       // never the same twice, also after a restart
        Addresses addresses;  // called within receive(), once for a question
    };
    // `signer` and `verifier` outlive the Directory.
    Directory(Options options, const Signer& signer, const Verifier& verifier);

    // `broadcasts`: whether the neighbour may be told of.
    void neighbour_up(Now now, const PeerId& neighbour, bool broadcasts, Outputs& out);
    void neighbour_down(const PeerId& neighbour);
    void receive(Now now, const PeerId& neighbour, ByteView body, Outputs& out);
    // This node's services from now on. Precondition: names, at most services_max.
    void set_services(Now now, std::vector<std::string> services, Outputs& out);
    const std::vector<std::string>& services() const { return services_; }
    // Nodes that offer it, as far as is known here: neighbours first, then those heard of last.
    std::vector<ServiceProvider> find(MonoTime now, std::string_view service) const;
    // Asks the network; what comes is found later. False: that was asked within request_time_max, or too much
    // else was.
    bool ask(Now now, std::string_view service, Outputs& out);
    void tick(Now now, Outputs& out);
    // Whether this node is announced from now on; if not any more, the network is told that it offers
    // nothing.
    void set_broadcast(Now now, bool broadcast, Outputs& out);
    // Says that it goes.
    void leave(Now now, Outputs& out);

    std::size_t providers() const { return providers_.size(); }
    std::uint64_t relayed() const { return relayed_; }
    std::uint64_t dropped() const { return dropped_; }  // above the rates, untimely, or seen before

  private:
    struct Neighbour {
        bool broadcasts;
        TokenBucket in, out;
    };
    struct Provider {
        std::vector<std::string> services;
        WallTime said_at;
        MonoTime heard_at;
        bool is_shared = true;
        std::optional<PeerId> told_by;
        PeerId came_by;  // the neighbour
    };
    struct Request {  // of somebody else
        PeerId from_neighbour;
        MonoTime at;
        std::size_t responses = 0;
    };
    struct OwnRequest {
        MessageId id;
        std::string service;
        MonoTime at;
        std::map<PeerId, std::size_t> responses;  // by neighbour, so that none can crowd out another's
    };
    using RequestKey = std::pair<PeerId, MessageId>;

    void take_news(Now now, const PeerId& neighbour, const SignedControl& message, ServicesNews news,
                   Outputs& out);
    void take_request(Now now, const PeerId& neighbour, const SignedControl& message,
                      const ServiceRequest& request, Outputs& out);
    void take_list(Now now, const PeerId& neighbour, const SignedControl& message, const ServiceList& list,
                   Outputs& out);
    std::vector<ListedProvider> listed(const std::string& service, const PeerId& neighbour,
                                       const PeerId& asker) const;
    Provider* provider(MonoTime now, const PeerId& node, const PeerId& came_by);
    SignedControl make(Now now, const DirectoryBody& body, std::optional<PeerId> to, std::int64_t ttl) const;
    void send(Now now, const PeerId& neighbour, const SignedControl& message, Outputs& out);
    void send_to_all(Now now, const SignedControl& message, const PeerId* except, Outputs& out);
    void pass_on(Now now, const PeerId& from, SignedControl message, Outputs& out);
    void announce(Now now, ServicesOccasion occasion, Outputs& out);
    void greet(Now now, const PeerId& neighbour, Outputs& out);
    void greet_all(Now now, Outputs& out);
    void retract(Now now, Outputs& out);
    void forget_old(MonoTime now);

    Options options_;
    const Signer& signer_;
    const Verifier& verifier_;
    std::vector<std::string> services_;
    std::map<PeerId, Neighbour> neighbours_;
    std::map<PeerId, Provider> providers_;
    std::map<RequestKey, Request> requests_;
    std::deque<OwnRequest> own_requests_;  // oldest first
    SeenCache seen_;
    KeyedLimiter senders_;
    std::optional<MonoTime> announced_at_;
    std::optional<MonoTime> tidied_at_;
    bool is_news_due_ = false;  // services changed, and that was not told yet
    bool has_announced_ = false;
    std::uint64_t relayed_ = 0, dropped_ = 0;
};

}  // namespace peerbook::p2p
