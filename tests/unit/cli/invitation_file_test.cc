#include "app/node_keys/invitation_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "base/hash.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

class InvitationFileTest : public ::testing::Test {
  protected:
    InvitationFileTest() {
        std::string name = (std::filesystem::temp_directory_path() / "peerbook-invitations-XXXXXX").string();
        dir = ::mkdtemp(name.data());
    }
    ~InvitationFileTest() override { std::filesystem::remove_all(dir); }
    static std::unique_ptr<Signer> signer(std::uint8_t number) {
        KeySeed seed;
        seed.data.fill(number);
        return make_ed25519_signer(seed);
    }
    exchange::Invitation made(std::uint8_t inviter = 1, std::int64_t expires_ms = 10'000) const {
        return exchange::make_invitation(network, ledger, self, {expires_ms}, *signer(inviter));
    }
    std::string fault(const exchange::Invitation& one) const {
        const Status fits = check_invitation(one, network, ledger, self, WallTime{5'000}, verifier);
        return fits.ok() ? "" : fits.error().message;
    }

    const Digest network = hash_of("network", {}), ledger = hash_of("ledger", {});
    const PublicKey self = signer(9)->public_key();
    const Ed25519Verifier verifier;
    std::string dir;
};

TEST_F(InvitationFileTest, TextComesBackAsItWas) {
    const auto got = parse_invitation("  " + invitation_text(made()) + "\r\n");
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(*got, made());
    EXPECT_THAT(parse_invitation("").error().message, HasSubstr("404 hexadecimal digits"));
    EXPECT_THAT(parse_invitation(std::string(404, 'x')).error().message, HasSubstr("404 hexadecimal digits"));
    EXPECT_THAT(parse_invitation(std::string(404, '0')).error().message, HasSubstr("unknown version"));
}

TEST_F(InvitationFileTest, SaysWhatIsWrongWithAnInvitation) {
    EXPECT_EQ(fault(made()), "");
    EXPECT_THAT(fault(made(1, 5'000)), HasSubstr("expired"));
    exchange::Invitation altered = made();
    altered.expires.ms += 1;
    EXPECT_THAT(fault(altered), HasSubstr("altered"));
    const Digest other = hash_of("other", {});
    EXPECT_THAT(fault(exchange::make_invitation(other, ledger, self, {10'000}, *signer(1))),
                HasSubstr("another network"));
    const auto elsewhere = exchange::make_invitation(network, other, self, {10'000}, *signer(1));
    EXPECT_THAT(fault(elsewhere), HasSubstr("another ledger"));
    EXPECT_TRUE(check_invitation(elsewhere, network, std::nullopt, self, WallTime{5'000}, verifier).ok());
    EXPECT_THAT(
        fault(exchange::make_invitation(network, ledger, signer(8)->public_key(), {10'000}, *signer(1))),
        HasSubstr("is for node"));
}

TEST_F(InvitationFileTest, KeepsTheLatestOfEachInviterAndNoneThatExpired) {
    EXPECT_TRUE(load_invitations(dir)->empty());
    ASSERT_TRUE(add_invitations(dir, {made(1), made(2, 6'000)}, WallTime{5'000}).ok());
    ASSERT_TRUE(
        add_invitations(dir, {made(1, 20'000), made(1, 9'000), made(1, 20'000)}, WallTime{5'000}).ok());
    auto kept = load_invitations(dir);
    ASSERT_TRUE(kept.ok());
    EXPECT_THAT(*kept, ::testing::UnorderedElementsAre(made(1, 20'000), made(2, 6'000)));
    ASSERT_TRUE(add_invitations(dir, {}, WallTime{7'000}).ok());
    EXPECT_THAT(*load_invitations(dir), ::testing::ElementsAre(made(1, 20'000)));
}

TEST_F(InvitationFileTest, LosesNothingWhereSeveralAreTakenAtOnce) {
    constexpr int takers = 6;
    std::vector<pid_t> children;
    for (int i = 0; i < takers; ++i) {
        const exchange::Invitation one = made(static_cast<std::uint8_t>(i + 10));
        const pid_t child = fork();
        if (child == 0) _exit(add_invitations(dir, {one}, WallTime{5'000}).ok() ? 0 : 1);
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(load_invitations(dir)->size(), takers);
}

TEST_F(InvitationFileTest, IsBoundedAndNamesADamagedLine) {
    std::vector<exchange::Invitation> many;
    for (std::size_t i = 0; i <= invitations_kept_max; ++i)
        many.push_back(made(static_cast<std::uint8_t>(i + 10)));
    EXPECT_EQ(add_invitations(dir, many, WallTime{5'000}).error().code, ErrorCode::too_large);
    many.pop_back();
    ASSERT_TRUE(add_invitations(dir, many, WallTime{5'000}).ok());
    EXPECT_EQ(load_invitations(dir)->size(), invitations_kept_max);
    std::ofstream(invitations_path(dir), std::ios::app) << "\nnonsense\n";
    const auto damaged = load_invitations(dir);
    ASSERT_FALSE(damaged.ok());
    EXPECT_EQ(damaged.error().code, ErrorCode::corrupt);
    EXPECT_THAT(damaged.error().message, HasSubstr("/invitations:66: "));
    EXPECT_FALSE(add_invitations(dir, {made()}, WallTime{5'000}).ok());  // and is left as it is
}

TEST_F(InvitationFileTest, TheLedgerNoteComesBack) {
    EXPECT_EQ(load_ledger_note(dir).error().code, ErrorCode::not_found);
    const LedgerNote note{network, ledger, "invited"};
    ASSERT_TRUE(write_ledger_note(dir, note).ok());
    ASSERT_TRUE(load_ledger_note(dir).ok());
    EXPECT_EQ(*load_ledger_note(dir), note);
    ASSERT_TRUE(write_ledger_note(dir, {network, network, "named"}).ok());
    EXPECT_EQ(load_ledger_note(dir)->ledger, network);
    std::ofstream(dir + "/ledger.toml") << "network = \"12\"\n";
    EXPECT_EQ(load_ledger_note(dir).error().code, ErrorCode::corrupt);
    std::ofstream(dir + "/ledger.toml") << "joining = \"named\"\n";
    EXPECT_EQ(load_ledger_note(dir).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace peerbook::app
