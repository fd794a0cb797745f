#include "p2p/discovery/mdns_backend.h"

#include <arpa/inet.h>
#include <avahi-common/strlst.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

bool ServiceQueue::push(NamedService service) {
    if (waiting_.size() >= lookups_waiting_max) return false;
    waiting_.push_back(std::move(service));
    return true;
}

std::optional<NamedService> ServiceQueue::begin() {
    if (waiting_.empty() || under_way_ >= lookups_max) return std::nullopt;
    NamedService service = std::move(waiting_.front());
    waiting_.pop_front();
    ++under_way_;
    return service;
}

std::optional<std::string> renamed(const std::string& name, int collisions) {
    if (collisions > renames_max) return std::nullopt;
    return name + "-" + std::to_string(collisions + 1);
}

namespace {

// Calls `visit(const ifaddrs&)` for each address of each interface that is up.
template <typename Visit>
void for_each_address(Visit&& visit) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return;
    for (const ifaddrs* one = first; one; one = one->ifa_next)
        if (one->ifa_addr && (one->ifa_flags & IFF_UP) != 0) visit(*one);
    ::freeifaddrs(first);
}

std::string literal_of(const sockaddr& address) {
    char text[INET6_ADDRSTRLEN] = {};
    const void* bytes =
        address.sa_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)
            : &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (address.sa_family != AF_INET && address.sa_family != AF_INET6) return {};
    return ::inet_ntop(address.sa_family, bytes, text, sizeof text) ? text : std::string();
}

}  // namespace

std::vector<InterfaceAddress> announced_addresses(const std::string& listen_host) {
    const auto listen = parse_ip(listen_host);
    const bool is_every_v4 = listen_host == "0.0.0.0", is_every = listen_host == "::";
    const bool is_loopback = is_loopback_host(listen_host);
    std::vector<InterfaceAddress> found;
    for_each_address([&](const ifaddrs& one) {
        const bool on_loopback = (one.ifa_flags & IFF_LOOPBACK) != 0;
        if (!on_loopback && (one.ifa_flags & IFF_MULTICAST) == 0) return;
        const std::string text = literal_of(*one.ifa_addr);
        const auto ip = parse_ip(text);
        if (!ip || scope_of(*ip) == IpScope::unusable) return;
        if (ip->is_v6 && scope_of(*ip) == IpScope::link_local) return;
        // A host that is a name listens on whatever it resolves to: its IPv4 addresses are a fair guess.
        const bool is_listening = is_every      ? true
                                  : is_every_v4 ? !ip->is_v6
                                  : listen      ? *ip == *listen || (is_loopback && on_loopback && !ip->is_v6)
                                  : is_loopback ? on_loopback && !ip->is_v6
                                                : !ip->is_v6;
        if (!is_listening) return;
        // Any address of 127/8 is served on the one that the interface has, but announced is what listens.
        found.push_back({static_cast<int>(::if_nametoindex(one.ifa_name)), one.ifa_name,
                         listen && is_loopback ? to_string(*listen) : to_string(*ip), on_loopback});
    });
    // Who listens everywhere is found by the network, also from this machine. Loopback besides would be a
    // second address of the same node; it is for a machine without a network.
    const auto is_local = [](const InterfaceAddress& one) { return one.on_loopback; };
    if (!std::all_of(found.begin(), found.end(), is_local)) std::erase_if(found, is_local);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

bool is_loopback_interface(int interface) {
    bool result = false;
    for_each_address([&](const ifaddrs& one) {
        if ((one.ifa_flags & IFF_LOOPBACK) != 0 &&
            static_cast<int>(::if_nametoindex(one.ifa_name)) == interface)
            result = true;
    });
    return result;
}

AvahiStringList* to_avahi(const std::vector<std::string>& strings) {
    AvahiStringList* list = nullptr;
    for (const std::string& text : strings)
        list = avahi_string_list_add_arbitrary(list, reinterpret_cast<const std::uint8_t*>(text.data()),
                                               text.size());
    return avahi_string_list_reverse(list);
}

std::vector<std::string> from_avahi(AvahiStringList* list) {
    std::vector<std::string> strings;
    for (; list && strings.size() <= service_txt_strings_max; list = avahi_string_list_get_next(list))
        strings.emplace_back(reinterpret_cast<const char*>(avahi_string_list_get_text(list)),
                             avahi_string_list_get_size(list));
    return strings;
}

}  // namespace peerbook::p2p
