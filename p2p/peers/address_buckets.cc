#include "p2p/peers/address_buckets.h"

#include "base/hash.h"
#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

std::string group_of(const PeerAddress& address) {
    if (is_loopback_host(address.host)) return to_string(address);
    const auto ip = parse_ip(address.host);
    const bool is_private = ip && scope_of(*ip) == IpScope::private_network;
    return is_private ? limit_key(address.host) : group_key(address.host);
}

std::uint64_t AddressBuckets::hash(std::string_view what, std::string_view a, std::string_view b,
                                   std::uint64_t number) const {
    Hasher hasher("peerbook/p2p/address-bucket/1");
    hasher.add(secret_.view());
    for (const std::string_view part : {what, a, b})
        hasher.add_u64(part.size()).add(as_bytes(part));
    const Digest digest = hasher.add_u64(number).finish();
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i)
        word = word << 8 | digest.data[i];
    return word;
}

AddressPlace AddressBuckets::new_place(const PeerAddress& address, std::string_view source_group) const {
    const std::uint64_t choice =
        hash("new choice", source_group, group_of(address), 0) % buckets_of_source_group;
    const std::uint64_t bucket = hash("new bucket", source_group, "", choice) % new_buckets;
    const std::uint64_t slot = hash("new slot", to_string(address), "", bucket) % bucket_slots;
    const auto place = [&](std::uint64_t steps) {
        return AddressPlace{false, static_cast<std::uint16_t>(bucket),
                            static_cast<std::uint16_t>((slot + steps) % bucket_slots)};
    };
    for (std::uint64_t steps = 0; steps < bucket_slots; ++steps)
        if (!at(place(steps))) return place(steps);
    return place(0);
}

AddressPlace AddressBuckets::tried_place(const PeerAddress& address) const {
    const std::uint64_t choice = hash("tried choice", to_string(address), "", 0) % buckets_of_address_group;
    const std::uint64_t bucket = hash("tried bucket", group_of(address), "", choice) % tried_buckets;
    const std::uint64_t slot = hash("tried slot", to_string(address), "", bucket) % bucket_slots;
    return {true, static_cast<std::uint16_t>(bucket), static_cast<std::uint16_t>(slot)};
}

const PeerAddress* AddressBuckets::at(const AddressPlace& place) const {
    const auto found = taken_.find(place);
    return found == taken_.end() ? nullptr : &found->second;
}

}  // namespace peerbook::p2p
