// Real nodes of a DHT on the loopback interface. Nothing sleeps: the event loop runs until a condition holds
// or a deadline passes.

#include "p2p/dht/dht_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/hash.h"
#include "base/log.h"
#include "p2p/dht/dht_strategy.h"
#include "p2p/dht/node_record.h"
#include "p2p/dht/service_name.h"

namespace peerbook::p2p {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

struct DhtNode : testing::Test {
    DhtNode() {
        configure_logging(LogLevel::off, false);
        directory = std::filesystem::temp_directory_path() / ("peerbook-dht-" + std::to_string(::getpid()));
        std::filesystem::remove_all(directory);
        std::filesystem::create_directories(directory);
    }
    ~DhtNode() override { std::filesystem::remove_all(directory); }

    std::unique_ptr<Dht> node(std::vector<std::string> bootstrap = {}, const std::string& state_file = {},
                              std::uint16_t port = 0, bool read_only = false) {
        auto started = start_dht_node(io, {"127.0.0.1", port, std::move(bootstrap), state_file,
                                           Duration::milliseconds(300), read_only});
        if (started) return std::move(*started);
        ADD_FAILURE() << started.error().message;
        return nullptr;
    }

    static std::string address(const Dht& dht) { return "127.0.0.1:" + std::to_string(dht.port()); }

    bool run_until(const std::function<bool()>& holds, seconds limit = seconds(20)) {
        const auto deadline = steady_clock::now() + limit;
        while (!holds()) {
            if (steady_clock::now() > deadline) return false;
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }

    template <typename Answer, typename Call>
    Answer answer(Call call) {
        std::optional<Answer> got;
        call([&](Answer given) { got = std::move(given); });
        EXPECT_TRUE(run_until([&] { return got.has_value(); }));
        return got ? *got : Answer(Error{ErrorCode::timed_out, "no answer"});
    }
    Result<std::size_t> announce(Dht& dht, const DhtKey& key, std::uint16_t port) {
        return answer<Result<std::size_t>>([&](auto done) { dht.announce(key, port, done); });
    }
    Result<std::vector<PeerAddress>> lookup(Dht& dht, const DhtKey& key) {
        return answer<Result<std::vector<PeerAddress>>>([&](auto done) { dht.lookup(key, 20'000, done); });
    }
    Result<DhtKey> put(Dht& dht, std::string_view bencoded) {
        return answer<Result<DhtKey>>([&](auto done) { dht.put(as_bytes(bencoded), done); });
    }
    Status put_signed(Dht& dht, const PublicKey& key, const std::string& salt, DhtSignedItem item) {
        return answer<Status>([&](auto done) { dht.put_signed(key, salt, std::move(item), done); });
    }
    Result<std::optional<DhtSignedItem>> get_signed(Dht& dht, const PublicKey& key, const std::string& salt) {
        return answer<Result<std::optional<DhtSignedItem>>>(
            [&](auto done) { dht.get_signed(key, salt, done); });
    }
    Result<std::optional<Bytes>> get(Dht& dht, const DhtKey& hash) {
        return answer<Result<std::optional<Bytes>>>([&](auto done) { dht.get(hash, done); });
    }

    boost::asio::io_context io{1};
    std::filesystem::path directory;
    DhtKey service = service_key("twenty characters ab");
};

TEST_F(DhtNode, TwoNodesFindEachOtherByTheNameOfAService) {
    auto a = node();
    auto b = node({address(*a)});
    const auto told = announce(*b, service, 7001);
    ASSERT_TRUE(told.ok()) << told.error().message;
    EXPECT_EQ(*told, 1u);
    ASSERT_TRUE(announce(*a, service, 7002).ok());
    const auto at_a = lookup(*a, service), at_b = lookup(*b, service);
    ASSERT_TRUE(at_a.ok() && at_b.ok());
    EXPECT_THAT(*at_a, Contains(PeerAddress{"127.0.0.1", 7001}));
    EXPECT_THAT(*at_b, Contains(PeerAddress{"127.0.0.1", 7002}));
    EXPECT_EQ(lookup(*a, service_key("another twenty chars"))->size(), 0u);
}

TEST_F(DhtNode, AReadOnlyNodeFindsOthersAndStandsInNobodysTable) {
    auto a = node();
    auto silent = node({address(*a)}, {}, 0, true);
    ASSERT_TRUE(run_until([&] { return silent->stats().nodes == 1; }));
    auto b = node({address(*a)});
    ASSERT_TRUE(announce(*b, service, 7001).ok());
    const auto found = lookup(*silent, service);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_THAT(*found, ElementsAre(PeerAddress{"127.0.0.1", 7001}));
    ASSERT_TRUE(run_until([&] { return a->stats().nodes >= 1 && b->stats().nodes >= 1; }));
    ASSERT_TRUE(lookup(*b, service).ok());  // who asks a is told whom it knows
    EXPECT_EQ(a->stats().nodes, 1U);
    EXPECT_EQ(b->stats().nodes, 1U);
}

TEST_F(DhtNode, AWatcherHearsOfWhoIsAnnouncedToThisNodeWithoutLookingUp) {
    auto a = node();
    std::vector<PeerAddress> heard;
    a->watch(service, [&](const PeerAddress& address) { heard.push_back(address); });
    auto b = node({address(*a)});
    ASSERT_TRUE(announce(*b, service_key("a service not watched"), 7005).ok());
    ASSERT_TRUE(announce(*b, service, 7001).ok());
    ASSERT_TRUE(run_until([&] { return !heard.empty(); }));
    EXPECT_THAT(heard, ElementsAre(PeerAddress{"127.0.0.1", 7001}));
    a->watch(service, nullptr);
    ASSERT_TRUE(announce(*b, service, 7009).ok());
    ASSERT_TRUE(lookup(*a, service).ok());
    EXPECT_EQ(heard.size(), 1u);
}

TEST_F(DhtNode, ValuesAreStoredUnderTheHashOfTheirBencodingAndFoundByOthers) {
    auto a = node();
    auto b = node({address(*a)});
    auto c = node({address(*a)});
    const auto hash = put(*b, "5:hello");
    ASSERT_TRUE(hash.ok()) << hash.error().message;
    EXPECT_EQ(to_hex(*hash), "e28910ea0adb94dd45ced75fbff3e135c01bc437");  // as Grape answers
    const auto value = get(*c, *hash);
    ASSERT_TRUE(value.ok() && value->has_value());
    EXPECT_EQ(as_text(**value), "5:hello");
    const auto nothing = get(*c, service);
    ASSERT_TRUE(nothing.ok());
    EXPECT_FALSE(nothing->has_value());
}

TEST_F(DhtNode, OnlyOneWholeBencodedItemOfAtMostAThousandBytesIsAValue) {
    auto a = node();
    for (const char* text :
         {"", "hello", "5:hell", "5:hello5:hello", "i01e", "d1:b1:x1:a1:ye", "le trailing"}) {
        const auto refused = put(*a, text);
        ASSERT_FALSE(refused.ok()) << text;
        EXPECT_EQ(refused.error().code, ErrorCode::invalid_input) << text;
    }
    const auto large = put(*a, "997:" + std::string(997, 'x'));
    ASSERT_FALSE(large.ok());
    EXPECT_EQ(large.error().code, ErrorCode::too_large);
}

TEST_F(DhtNode, ANodeThatKnowsNobodySaysSo) {
    auto a = node();
    const auto told = announce(*a, service, 7001);
    ASSERT_FALSE(told.ok());
    EXPECT_EQ(told.error().code, ErrorCode::unavailable);
    EXPECT_THAT(told.error().message, HasSubstr("--dht-bootstrap"));
}

TEST_F(DhtNode, MoreThanTheMostOperationsAreRefused) {
    auto a = node();
    std::size_t refused = 0, ended = 0;
    for (std::size_t i = 0; i < dht_operations_max + 3; ++i)
        a->lookup(service, 50, [&](const Result<std::vector<PeerAddress>>& found) {
            ++ended;
            if (!found && found.error().message.find("too many") != std::string::npos) ++refused;
        });
    ASSERT_TRUE(run_until([&] { return ended == dht_operations_max + 3; }));
    EXPECT_EQ(refused, 3u);
}

TEST_F(DhtNode, NothingIsCalledBackAfterStop) {
    auto a = node();
    bool is_called = false;
    a->lookup(service, 10'000, [&](const Result<std::vector<PeerAddress>>&) { is_called = true; });
    a->get(service, [&](const Result<std::optional<Bytes>>&) { is_called = true; });
    a->stop();
    io.run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_called);
    a->lookup(service, 10'000, [&](const Result<std::vector<PeerAddress>>&) { is_called = true; });
    io.run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_called);
}

TEST_F(DhtNode, WhoWasInOnceComesBackWithoutABootstrapNode) {
    const std::string file = directory / "dht.state";
    auto a = node();
    auto b = node({address(*a)}, file);
    ASSERT_TRUE(announce(*b, service, 7001).ok());
    const std::uint16_t port = b->port();
    b->stop();
    ASSERT_TRUE(std::filesystem::exists(file));
    auto again = node({}, file, port);
    const auto found = lookup(*again, service);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_THAT(*found, ElementsAre(PeerAddress{"127.0.0.1", 7001}));
}

TEST_F(DhtNode, ADamagedStateFileIsNoReasonNotToStart) {
    const std::string file = directory / "dht.state";
    auto a = node();
    for (const std::string& text :
         {std::string(), std::string("d9:dht state"), std::string("i5e"), std::string("de"),
          std::string(dht_state_bytes_max + 1, 'l'),
          std::string("d9:dht stated5:nodesl6:abcd5:nodes3:xyzeee"), std::string(3'000, 'l')}) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
        auto b = node({address(*a)}, file);
        ASSERT_NE(b, nullptr);
        EXPECT_TRUE(run_until([&] { return b->stats().nodes > 0; })) << text.substr(0, 20);
        b->stop();
        EXPECT_LT(std::filesystem::file_size(file), dht_state_bytes_max);  // written anew
    }
}

TEST_F(DhtNode, MistakesOfTheOperatorAreNamed) {
    auto a = node();
    const auto taken = start_dht_node(io, {"127.0.0.1", a->port(), {}, {}, {}});
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code, ErrorCode::conflict);
    EXPECT_THAT(taken.error().message, HasSubstr(std::to_string(a->port())));
    const auto no_address = start_dht_node(io, {"somewhere", 0, {}, {}, {}});
    ASSERT_FALSE(no_address.ok());
    EXPECT_EQ(no_address.error().code, ErrorCode::invalid_input);
    const auto no_port = start_dht_node(io, {"127.0.0.1", 0, {"router"}, {}, {}});
    ASSERT_FALSE(no_port.ok());
    EXPECT_THAT(no_port.error().message, HasSubstr("router"));
}

TEST_F(DhtNode, ASignedItemIsFoundByItsKeyAndSaltAndANewerOneTakesItsPlace) {
    const auto first = node();
    const auto second = node({address(*first)});
    const auto third = node({address(*first)});
    KeySeed seed;
    seed.data.fill(7);
    const auto signer = make_ed25519_signer(seed);
    const Digest network = hash_of("test", as_bytes("network"));
    const std::string salt = node_record_salt(network);
    const WallTime now{1'700'000'000'000};
    const auto record = [&](std::int64_t later_ms, std::uint16_t port) {
        return make_node_record(*signer, network, {now.ms + later_ms}, {{"192.0.2.7", port}});
    };
    const auto port_at = [&](Dht& dht) -> int {
        const auto item = get_signed(dht, signer->public_key(), salt);
        if (!item || !*item) return 0;
        const auto read = read_node_record(signer->public_key(), network, now, **item, Ed25519Verifier());
        return read ? read->front().port : -1;
    };
    ASSERT_TRUE(put_signed(*second, signer->public_key(), salt, record(0, 3000)).ok());
    EXPECT_EQ(port_at(*third), 3000);
    EXPECT_EQ(port_at(*first), 3000);
    EXPECT_EQ(port_at(*second), 3000);
    ASSERT_TRUE(put_signed(*second, signer->public_key(), salt, record(5, 3001)).ok());
    EXPECT_EQ(port_at(*third), 3001);
    // An older one does not come back, and another salt is another item.
    (void)put_signed(*third, signer->public_key(), salt, record(-5, 3002));
    EXPECT_EQ(port_at(*first), 3001);
    const auto other = get_signed(*third, signer->public_key(), "other");
    ASSERT_TRUE(other.ok());
    EXPECT_FALSE(other->has_value());
}

TEST_F(DhtNode, SignedItemsThatAreNoneAreRefused) {
    const auto first = node();
    const auto second = node({address(*first)});
    const auto code = [&](const std::string& bencoded, const std::string& salt) {
        const ByteView view = as_bytes(bencoded);
        const Status status = put_signed(*second, {}, salt, {Bytes(view.begin(), view.end()), 1, {}});
        return status.ok() ? std::string("taken") : status.error().message;
    };
    EXPECT_THAT(code("5:abc", "s"), HasSubstr("not one bencoded item"));
    EXPECT_THAT(code("i5ei6e", "s"), HasSubstr("not one bencoded item"));
    EXPECT_THAT(code("1000:" + std::string(1'000, 'a'), "s"), HasSubstr("at most 1,000"));
    EXPECT_THAT(code("i5e", std::string(65, 's')), HasSubstr("at most 1,000"));
}

}  // namespace
}  // namespace peerbook::p2p
