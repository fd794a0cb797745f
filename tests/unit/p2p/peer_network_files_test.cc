// What a node's network keeps in files: its transport key, its peers, its bans.

#include <sys/stat.h>
#include <unistd.h>

#include <iterator>
#include <string>

#include <filesystem>
#include <fstream>

#include "p2p/peer_network.h"
#include "p2p/transport/certificates.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::p2p {
namespace {

TEST_F(PeerNetworkTest, TheTransportKeyIsRotatedWhileItRunsAndTheIdStays) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("peerbook-rotate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    const auto key = [&] {
        std::ifstream file(directory / "transport.key");
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    Node a(io_, 1, options(), directory.string()), b(io_, 2, options()), c(io_, 3, options());
    ASSERT_TRUE(b.network->connect(a.address()).ok());
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    const std::string before = key();
    const auto rotated = a.network->rotate_transport_key();
    ASSERT_TRUE(rotated.ok()) << rotated.error().message;
    EXPECT_NE(key(), before);
    // The open connection goes on, and a new one shows the new certificate.
    a.network->send(b.id(), block_kind, SharedBytes(Bytes{'h', 'i'}));
    ASSERT_TRUE(run_until([&] { return b.payloads.size() == 1; }));
    EXPECT_EQ(b.disconnected, 0);
    ASSERT_TRUE(c.network->connect(a.address()).ok());
    ASSERT_TRUE(run_until([&] { return c.connected == 1; }));
    EXPECT_EQ(c.network->peers().at(0).id, a.id());
    a.network->stop();
    const auto at_rest = rotate_transport_key(directory.string());
    ASSERT_TRUE(at_rest.ok());
    EXPECT_NE(*at_rest, *rotated);
    Node again(io_, 1, options(), directory.string());
    EXPECT_FALSE(again.error);
    again.network->stop();

    // A key that others can read is refused with its name.
    std::filesystem::permissions(directory / "transport.key", std::filesystem::perms(0644));
    Node open(io_, 1, options(), directory.string());
    ASSERT_TRUE(open.error);
    EXPECT_EQ(open.error->code, ErrorCode::unauthorized);
    EXPECT_NE(open.error->message.find("chmod 600"), std::string::npos);
    // A crash between the two files: the key alone counts as none.
    std::filesystem::permissions(directory / "transport.key", std::filesystem::perms(0600));
    std::filesystem::remove(directory / "transport.crt");
    Node repaired(io_, 1, options(), directory.string());
    EXPECT_FALSE(repaired.error);
    repaired.network->stop();
    std::filesystem::remove_all(directory);
}

TEST_F(PeerNetworkTest, ABannedPeerStaysOutUntilItIsUnbannedAndTheFileKnows) {
    const auto file =
        std::filesystem::temp_directory_path() / ("peerbook-ban-" + std::to_string(::getpid()) + ".json");
    PeerNetworkOptions keeping = options();
    keeping.peers_file = file.string();
    keeping.reconnect_interval_max = Duration::seconds(1);
    Node a(io_, 1, keeping), b(io_, 2, options());
    ASSERT_TRUE(a.network->connect(b.address()).ok());
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    ASSERT_TRUE(a.network->ban(b.id(), Duration::seconds(3600)).ok());
    ASSERT_TRUE(run_until([&] { return a.disconnected == 1; }));
    EXPECT_EQ(a.network->peers().at(0).state, "banned");
    EXPECT_EQ(a.network->stats().banned, 1U);
    std::ifstream written(file);
    const std::string text(std::istreambuf_iterator<char>(written), {});
    EXPECT_NE(text.find("\"by_operator\": true"), std::string::npos);
    Node c(io_, 3, options());
    ASSERT_TRUE(c.network->import_peers(a.network->export_peers()).ok());
    EXPECT_EQ(c.network->stats().banned, 1U);
    ASSERT_TRUE(a.network->unban(b.id()).ok());
    EXPECT_EQ(a.network->unban(b.id()).error().code, ErrorCode::not_found);
    EXPECT_TRUE(run_until([&] { return a.connected == 2; }));
    a.network->stop();
    std::filesystem::remove(file);
}

TEST_F(PeerNetworkTest, KnownPeersAreFoundAgainFromTheirFile) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("peerbook-p2p-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    PeerNetworkOptions keeping = options();
    keeping.peers_file = (directory / "peers.json").string();
    Node a(io_, 1, options());
    {
        PeerNetworkOptions first = keeping;
        first.bootstrap = {a.address()};
        Node b(io_, 2, first, directory.string());
        ASSERT_TRUE(run_until([&] { return b.connected == 1; }));
    }
    Node b(io_, 2, keeping, directory.string());
    EXPECT_TRUE(run_until([&] { return b.connected == 1; }));
    b.network->stop();

    struct stat status {};
    for (const char* name : {"transport.key", "transport.crt"}) {
        ASSERT_EQ(::stat((directory / name).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
    }
    const auto first = make_transport_identity(directory.string()),
               second = make_transport_identity(directory.string());
    EXPECT_EQ(first->certificate, second->certificate);
    std::ofstream(directory / "transport.key") << "garbage";
    Node broken(io_, 3, options(), directory.string());
    ASSERT_TRUE(broken.error);
    EXPECT_EQ(broken.error->code, ErrorCode::corrupt);
    std::filesystem::remove_all(directory);
}

TEST_F(PeerNetworkTest, AFailedStartLeavesThePeersFileAndABadOneIsKept) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("peerbook-p2p-file-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    PeerNetworkOptions keeping = options({"not an address"});
    keeping.peers_file = (directory / "peers.json").string();
    const auto content = [](const std::string& path) {
        std::ifstream file(path);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const std::string bans =
        R"({"version":1,"peers":[],"bans":[{"id":")" + std::string(64, '7') + R"(","until":9999999999999}]})";
    std::ofstream(keeping.peers_file) << bans;
    {
        Node failed(io_, 1, keeping);
        EXPECT_TRUE(failed.error);
    }
    EXPECT_EQ(content(keeping.peers_file), bans);
    keeping.bootstrap.clear();
    std::ofstream(keeping.peers_file) << "garbage";
    // A link in the place of the new file must not be followed.
    std::filesystem::create_symlink(directory / "victim",
                                    keeping.peers_file + "." + std::to_string(::getpid()) + ".new");
    std::ofstream(directory / "victim") << "untouched";
    {
        Node started(io_, 1, keeping);
        ASSERT_FALSE(started.error);
        EXPECT_EQ(started.network->forget("10.0.0.1:1").error().code, ErrorCode::not_found);
        EXPECT_EQ(started.network->forget("nonsense").error().code, ErrorCode::invalid_input);
    }
    EXPECT_EQ(content(keeping.peers_file + ".bad"), "garbage");
    EXPECT_NE(content(keeping.peers_file).find("\"version\""), std::string::npos);
    EXPECT_EQ(content(directory / "victim"), "untouched");
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace peerbook::p2p
