#include "p2p/directory/directory.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "p2p/peers/peer_score.h"

namespace peerbook::p2p {

namespace {

constexpr std::size_t seen_max = 16'384;
constexpr Duration seen_time = Duration::seconds(300);  // above all ages that a message may have
constexpr Duration tidy_interval = Duration::seconds(10);

}  // namespace

Directory::Directory(Options options, const Signer& signer, const Verifier& verifier)
    : options_(std::move(options)),
      signer_(signer),
      verifier_(verifier),
      seen_(seen_max, seen_time),
      senders_(directory_sender_rate, directory_senders_max) {}

SignedControl Directory::make(Now now, const DirectoryBody& body, std::optional<PeerId> to,
                              std::int64_t ttl) const {
    SignedControl message;
    message.id = options_.next_id();
    message.to = to;
    message.timestamp = now.wall;
    message.ttl = ttl;
    write_directory(body, message);
    sign_control(message, options_.network, signer_);
    return message;
}

// What finds no room is not missed: news come again, and requests are asked again.
void Directory::send(Now now, const PeerId& neighbour, const SignedControl& message, Outputs& out) {
    const auto found = neighbours_.find(neighbour);
    if (found == neighbours_.end()) return;
    if (!found->second.out.take(now.mono)) {
        ++dropped_;
        return;
    }
    out.emplace_back(Send{neighbour, write_signed_control(message)});
}

void Directory::send_to_all(Now now, const SignedControl& message, const PeerId* except, Outputs& out) {
    for (const auto& [neighbour, state] : neighbours_)
        if (!except || neighbour != *except) send(now, neighbour, message, out);
}

void Directory::pass_on(Now now, const PeerId& from, SignedControl message, Outputs& out) {
    if (message.ttl <= 0) return;
    --message.ttl;
    ++relayed_;
    send_to_all(now, message, &from, out);
}

void Directory::announce(Now now, ServicesOccasion occasion, Outputs& out) {
    if (!options_.broadcast || neighbours_.empty()) return;
    announced_at_ = now.mono;
    is_news_due_ = false;
    has_announced_ = true;
    const bool is_update = occasion == ServicesOccasion::update;
    send_to_all(
        now,
        make(now, ServicesNews{occasion, services_}, std::nullopt, is_update ? update_ttl : announcement_ttl),
        nullptr, out);
}

void Directory::neighbour_up(Now now, const PeerId& neighbour, bool broadcasts, Outputs& out) {
    neighbours_.insert_or_assign(neighbour, Neighbour{broadcasts, TokenBucket(directory_in_rate, now.mono),
                                                      TokenBucket(directory_out_rate, now.mono)});
    if (const auto known = providers_.find(neighbour); known != providers_.end())
        known->second.is_shared = broadcasts;
    greet(now, neighbour, out);
}

void Directory::greet(Now now, const PeerId& neighbour, Outputs& out) {
    send(now, neighbour, make(now, ServicesNews{ServicesOccasion::hello, services_}, neighbour, 0), out);
}

void Directory::greet_all(Now now, Outputs& out) {
    for (const auto& [neighbour, state] : neighbours_)
        greet(now, neighbour, out);
}

void Directory::neighbour_down(const PeerId& neighbour) {
    neighbours_.erase(neighbour);
}

void Directory::set_services(Now now, std::vector<std::string> services, Outputs& out) {
    PB_CHECK(services.size() <= services_max, "a node's services are bounded");
    if (services == services_) return;
    services_ = std::move(services);
    greet_all(now, out);
    is_news_due_ = has_announced_;
}

void Directory::receive(Now now, const PeerId& neighbour, ByteView body, Outputs& out) {
    const auto found = neighbours_.find(neighbour);
    if (found == neighbours_.end()) return;
    if (!found->second.in.take(now.mono)) {
        ++dropped_;
        return;
    }
    const auto message = parse_signed_control(body);
    if (!message) {
        out.emplace_back(Violation{neighbour, penalty_protocol, message.error().message});
        return;
    }
    // Our own comes back by circles.
    if (message->from == signer_.public_key()) return;
    // By its whole content: a forgery under its id must not make the genuine one a repetition.
    if (!is_timely(*message, now.wall) || !seen_.insert(now.mono, identity_of(*message, options_.network))) {
        ++dropped_;
        return;
    }
    if (!is_genuine(*message, options_.network, verifier_)) {
        out.emplace_back(
            Violation{neighbour, penalty_signature, "passed on a message that its sender did not sign"});
        return;
    }
    auto body_read = parse_directory(*message);
    if (!body_read) {
        out.emplace_back(Violation{neighbour, penalty_protocol, body_read.error().message});
        return;
    }
    if (!*body_read) return;  // of a newer minor version
    // A neighbour's greeting is its own affair.
    const auto* news = std::get_if<ServicesNews>(&**body_read);
    const bool is_greeting = news && news->occasion == ServicesOccasion::hello;
    if (is_greeting && (message->from != neighbour || message->to != signer_.public_key())) {
        out.emplace_back(Violation{neighbour, penalty_protocol, "passed on a hello"});
        return;
    }
    const bool is_answer = std::holds_alternative<ServiceList>(**body_read);
    if (!is_greeting && !is_answer && !senders_.take(now.mono, to_hex(message->from))) {
        ++dropped_;
        return;
    }
    if (news)
        take_news(now, neighbour, *message, std::move(std::get<ServicesNews>(**body_read)), out);
    else if (const auto* request = std::get_if<ServiceRequest>(&**body_read))
        take_request(now, neighbour, *message, *request, out);
    else
        take_list(now, neighbour, *message, std::get<ServiceList>(**body_read), out);
}

// A place for what is said of a node; null if all are taken by neighbours.
Directory::Provider* Directory::provider(MonoTime now, const PeerId& node, const PeerId& came_by) {
    if (const auto found = providers_.find(node); found != providers_.end()) return &found->second;
    const auto came_likewise =
        static_cast<std::size_t>(std::count_if(providers_.begin(), providers_.end(), [&](const auto& one) {
            return one.second.came_by == came_by;
        }));
    const bool is_share_full = came_likewise >= providers_by_neighbour_max;
    if (is_share_full || providers_.size() >= providers_max) {
        auto oldest = providers_.end();
        for (auto one = providers_.begin(); one != providers_.end(); ++one)
            if (!neighbours_.contains(one->first) && (!is_share_full || one->second.came_by == came_by) &&
                (oldest == providers_.end() || one->second.heard_at < oldest->second.heard_at))
                oldest = one;
        if (oldest == providers_.end()) return nullptr;
        providers_.erase(oldest);
    }
    Provider fresh;
    fresh.heard_at = now;
    fresh.came_by = came_by;
    return &providers_.emplace(node, std::move(fresh)).first->second;
}

void Directory::take_news(Now now, const PeerId& neighbour, const SignedControl& message, ServicesNews news,
                          Outputs& out) {
    const bool is_greeting = news.occasion == ServicesOccasion::hello;
    if (const auto known = providers_.find(message.from);
        known != providers_.end() && !known->second.told_by && message.timestamp < known->second.said_at) {
        ++dropped_;
        return;
    }
    if (news.services.empty() && !is_greeting) {
        providers_.erase(message.from);
    } else if (Provider* known = provider(now.mono, message.from, neighbour)) {
        known->services = std::move(news.services);
        known->said_at = message.timestamp;
        known->heard_at = now.mono;
        known->told_by.reset();
        // Who announces wants to be known; who only greets is told of if its handshake says so.
        const auto own = neighbours_.find(message.from);
        known->is_shared = own == neighbours_.end() || own->second.broadcasts;
    }
    if (!is_greeting) pass_on(now, neighbour, message, out);
}

std::vector<ListedProvider> Directory::listed(const std::string& service, const PeerId& neighbour,
                                              const PeerId& asker) const {
    std::optional<PeerId> asks;
    if (asker == neighbour) asks = neighbour;
    std::vector<ListedProvider> providers;
    const auto offers = [&service](const std::vector<std::string>& services) {
        return std::find(services.begin(), services.end(), service) != services.end();
    };
    if (options_.broadcast && offers(services_)) {
        // Who asks this node itself has its address; others need one that a neighbour of it gives.
        if (asks) providers.push_back({signer_.public_key(), std::nullopt});
    }
    const std::map<PeerId, PeerAddress> addresses = options_.addresses(asks);
    for (const auto& [node, provider] : providers_) {
        if (providers.size() >= listed_providers_max) break;
        if (node == asker || !provider.is_shared || provider.told_by || !offers(provider.services)) continue;
        if (const auto address = addresses.find(node); address != addresses.end())
            providers.push_back({node, address->second});
    }
    return providers;
}

void Directory::take_request(Now now, const PeerId& neighbour, const SignedControl& message,
                             const ServiceRequest& request, Outputs& out) {
    auto providers = listed(request.service, neighbour, message.from);
    if (!providers.empty())
        return send(now, neighbour,
                    make(now, ServiceList{message.id, std::move(providers)}, message.from, response_ttl),
                    out);
    if (message.ttl <= 0) return;
    if (requests_.size() >= requests_max) forget_old(now.mono);
    if (requests_.size() >= requests_max) {
        ++dropped_;
        return;
    }
    requests_.insert_or_assign(RequestKey{message.from, message.id}, Request{neighbour, now.mono});
    pass_on(now, neighbour, message, out);
}

void Directory::take_list(Now now, const PeerId& neighbour, const SignedControl& message,
                          const ServiceList& list, Outputs& out) {
    if (!message.to) return;
    if (*message.to != signer_.public_key()) {
        const auto request = requests_.find({*message.to, list.request});
        if (request == requests_.end() || message.ttl <= 0 ||
            request->second.responses >= responses_of_one_request_max) {
            ++dropped_;
            return;
        }
        ++request->second.responses;
        ++relayed_;
        SignedControl passed = message;
        --passed.ttl;
        return send(now, request->second.from_neighbour, passed, out);
    }
    const auto asked = std::find_if(own_requests_.begin(), own_requests_.end(),
                                    [&](const OwnRequest& one) { return one.id == list.request; });
    if (asked == own_requests_.end() || now.mono - asked->at > request_time_max ||
        !neighbours_.contains(neighbour) || asked->responses[neighbour] >= responses_of_one_request_max) {
        ++dropped_;
        return;
    }
    ++asked->responses[neighbour];
    for (const ListedProvider& one : list.providers) {
        if (one.node == signer_.public_key()) continue;
        if (one.address) out.emplace_back(Found{message.from, neighbour, *one.address});
        Provider* known = provider(now.mono, one.node, neighbour);
        if (!known) continue;
        // What a node says of itself is worth more.
        const bool is_own_word = !known->services.empty() && !known->told_by;
        if (is_own_word) continue;
        if (std::find(known->services.begin(), known->services.end(), asked->service) ==
                known->services.end() &&
            known->services.size() < services_max)
            known->services.push_back(asked->service);
        known->told_by = message.from;
        known->heard_at = now.mono;
    }
}

std::vector<ServiceProvider> Directory::find(MonoTime now, std::string_view service) const {
    std::vector<ServiceProvider> found;
    for (const auto& [node, provider] : providers_)
        if (std::find(provider.services.begin(), provider.services.end(), service) != provider.services.end())
            found.push_back({node, provider.services, neighbours_.contains(node), provider.told_by,
                             now - provider.heard_at});
    std::sort(found.begin(), found.end(), [](const ServiceProvider& a, const ServiceProvider& b) {
        if (a.is_neighbour != b.is_neighbour) return a.is_neighbour;
        if (a.heard_ago != b.heard_ago) return a.heard_ago < b.heard_ago;
        return a.node < b.node;
    });
    return found;
}

bool Directory::ask(Now now, std::string_view service, Outputs& out) {
    PB_CHECK(is_service_name(service), "a service is asked for by its name");
    while (!own_requests_.empty() && now.mono - own_requests_.front().at > request_time_max)
        own_requests_.pop_front();
    const bool is_asked = std::any_of(own_requests_.begin(), own_requests_.end(),
                                      [&](const OwnRequest& one) { return one.service == service; });
    if (is_asked || own_requests_.size() >= own_requests_max || neighbours_.empty()) return false;
    const SignedControl message = make(now, ServiceRequest{std::string(service)}, std::nullopt, request_ttl);
    own_requests_.push_back({message.id, std::string(service), now.mono, {}});
    send_to_all(now, message, nullptr, out);
    return true;
}

void Directory::forget_old(MonoTime now) {
    std::erase_if(requests_, [&](const auto& one) { return now - one.second.at > request_time_max; });
    std::erase_if(providers_, [&](const auto& one) {
        return !neighbours_.contains(one.first) &&
               now - one.second.heard_at > (one.second.told_by ? listed_time_max : provider_time_max);
    });
}

void Directory::tick(Now now, Outputs& out) {
    if (!tidied_at_ || now.mono - *tidied_at_ >= tidy_interval) {
        tidied_at_ = now.mono;
        forget_old(now.mono);
    }
    const bool is_paused = announced_at_ && now.mono - *announced_at_ < announce_pause_min;
    if (is_news_due_ && !is_paused) return announce(now, ServicesOccasion::update, out);
    const bool is_due = !announced_at_ || now.mono - *announced_at_ >= announce_interval;
    if (is_due && !services_.empty()) announce(now, ServicesOccasion::announcement, out);
}

void Directory::set_broadcast(Now now, bool broadcast, Outputs& out) {
    if (options_.broadcast == broadcast) return;
    if (!broadcast) {
        retract(now, out);
        greet_all(now, out);  // they hear of it all the same
    }
    options_.broadcast = broadcast;
    announced_at_.reset();
    is_news_due_ = false;
}

void Directory::leave(Now now, Outputs& out) {
    retract(now, out);
    services_.clear();
}

void Directory::retract(Now now, Outputs& out) {
    if (!std::exchange(has_announced_, false)) return;
    send_to_all(now, make(now, ServicesNews{ServicesOccasion::update, {}}, std::nullopt, update_ttl), nullptr,
                out);
}

}  // namespace peerbook::p2p
