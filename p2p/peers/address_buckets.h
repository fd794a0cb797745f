// Where addresses stand in the address book, so that nobody can fill it with his own (eclipse): a table of
// *new* addresses, which were only told or came by themselves, and one of *tried* ones, which answered when
// this node dialled them. Each has buckets of bucket_slots places. Where an address may stand is a keyed hash
// with a secret of this start, which nobody outside can foresee:
//
//   new    one of buckets_of_source_group buckets of its source's group, by its own group
//   tried  one of buckets_of_address_group buckets of its own group
//
// and one slot in that bucket; in *new* the next free one if that is taken, or two of a handful of addresses
// from one source would often be one too many. So one group fills at most 128 of 2,048 places of *new*, and
// 64 of 1,024 of *tried*. A group is a /16 of IPv4, a /32 of IPv6 (group_key()); hosts of private networks
// are a group each, and so are addresses on this machine.
//
// Holds places only; the address book decides who gives way. Pure, not thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

inline constexpr unsigned bucket_slots = 16;
inline constexpr unsigned new_buckets = 128, buckets_of_source_group = 8;
inline constexpr unsigned tried_buckets = 64, buckets_of_address_group = 4;

struct AddressPlace {
    bool tried = false;
    std::uint16_t bucket = 0, slot = 0;
    friend auto operator<=>(const AddressPlace&, const AddressPlace&) = default;
};

class AddressBuckets {
  public:
    explicit AddressBuckets(const Digest& secret) : secret_(secret) {}

    // Taken only if its whole bucket is: then whoever stands there may have to give way.
    AddressPlace new_place(const PeerAddress& address, std::string_view source_group) const;
    AddressPlace tried_place(const PeerAddress& address) const;

    const PeerAddress* at(const AddressPlace& place) const;
    void put(const AddressPlace& place, const PeerAddress& address) { taken_[place] = address; }
    void clear(const AddressPlace& place) { taken_.erase(place); }
    std::size_t size() const { return taken_.size(); }

  private:
    std::uint64_t hash(std::string_view what, std::string_view a, std::string_view b,
                       std::uint64_t number) const;

    Digest secret_;
    std::map<AddressPlace, PeerAddress> taken_;
};

std::string group_of(const PeerAddress& address);

}  // namespace peerbook::p2p
