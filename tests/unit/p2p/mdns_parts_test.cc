// The parts of multicast DNS that open no socket. tests/functional/test_mdns.py has the rest.
#include <gtest/gtest.h>

#include "p2p/discovery/mdns_backend.h"

namespace peerbook::p2p {
namespace {

NamedService named(std::size_t number) {
    return {1, 0, "service " + std::to_string(number), service_type, "local"};
}

TEST(ServiceQueue, HoldsAndLooksUpNoMoreThanItsLimitsAndInOrder) {
    ServiceQueue queue;
    for (std::size_t i = 0; i < lookups_waiting_max; ++i)
        EXPECT_TRUE(queue.push(named(i)));
    EXPECT_FALSE(queue.push(named(lookups_waiting_max)));
    for (std::size_t i = 0; i < lookups_max; ++i)
        EXPECT_EQ(queue.begin()->name, named(i).name);
    EXPECT_FALSE(queue.begin());
    queue.ended();
    EXPECT_EQ(queue.begin()->name, named(lookups_max).name);
    EXPECT_FALSE(queue.begin());
    queue.clear();
    queue.ended();
    EXPECT_FALSE(queue.begin());
    EXPECT_TRUE(queue.push(named(1)));
    EXPECT_TRUE(queue.begin());
}

TEST(Renamed, AFewTimesAndThenNoMore) {
    EXPECT_EQ(renamed("peerbook-1", 1), "peerbook-1-2");
    EXPECT_EQ(renamed("peerbook-1", renames_max), "peerbook-1-9");
    EXPECT_FALSE(renamed("peerbook-1", renames_max + 1));
}

TEST(AnnouncedAddresses, WhoListensOnLoopbackIsAnnouncedThereAlone) {
    for (const char* host : {"127.0.0.1", "127.0.0.5", "localhost"})
        for (const InterfaceAddress& one : announced_addresses(host)) {
            EXPECT_TRUE(one.on_loopback) << one.name;
            EXPECT_EQ(one.address, std::string_view(host) == "127.0.0.5" ? host : "127.0.0.1");
            EXPECT_TRUE(is_loopback_interface(one.interface));
        }
}

TEST(AnnouncedAddresses, WhoListensAtIpv4IsNotAnnouncedAtIpv6) {
    for (const InterfaceAddress& one : announced_addresses("0.0.0.0"))
        EXPECT_EQ(one.address.find(':'), std::string::npos) << one.address;
}

TEST(AnnouncedAddresses, AnAddressThatThisMachineHasNotIsAnnouncedNowhere) {
    EXPECT_TRUE(announced_addresses("192.0.2.77").empty());
    EXPECT_FALSE(is_loopback_interface(-1));
}

}  // namespace
}  // namespace peerbook::p2p
