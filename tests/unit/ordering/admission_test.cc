#include "exchange/ordering/admission.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::exchange {
namespace {

using testing::CheapSigner;

const Digest network = hash_of("test network", {});
const testing::CheapVerifier verifier;

class AdmissionTest : public ::testing::Test {
  protected:
    AdmissionTest() {
        for (std::size_t i = 0; i < 3; ++i)
            founders.push_back(signers.emplace_back(i).public_key());
        guest = signers.emplace_back(9).public_key();
        view = make_first_view(network, founders).value();
    }
    Invitation invite(std::size_t inviter, std::int64_t expires_ms = 5'000) const {
        return make_invitation(network, view.ledger, guest, {expires_ms}, signers[inviter]);
    }
    static Admission with(Joining joining, std::uint32_t needed, const std::vector<PublicKey>& known) {
        return Admission({joining, needed}, known);
    }

    std::vector<CheapSigner> signers;
    std::vector<PublicKey> founders;
    PublicKey guest;
    View view;
};

TEST_F(AdmissionTest, AnInvitationComesBackAsItWas) {
    const Invitation made = invite(1);
    const Bytes bytes = encode_invitation(made);
    EXPECT_EQ(bytes.size(), invitation_bytes);
    const auto got = decode_invitation(bytes);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(*got, made);
    EXPECT_TRUE(is_genuine(*got, verifier));
}

TEST_F(AdmissionTest, NoAlteredOrShortenedInvitationIsGenuine) {
    const Bytes bytes = encode_invitation(invite(1));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            Bytes altered = bytes;
            altered[i] ^= static_cast<std::uint8_t>(1 << bit);
            const auto got = decode_invitation(altered);
            EXPECT_FALSE(got.ok() && is_genuine(*got, verifier)) << "byte " << i << " bit " << bit;
        }
        EXPECT_FALSE(decode_invitation(ByteView(bytes).first(i)).ok());
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_invitation(longer).ok());
}

TEST_F(AdmissionTest, ItsTimeIsBounded) {
    for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{-1}, invitation_expiry_max_ms + 1, INT64_MIN})
        EXPECT_FALSE(decode_invitation(encode_invitation(invite(1, ms))).ok()) << ms;
    EXPECT_TRUE(decode_invitation(encode_invitation(invite(1, invitation_expiry_max_ms))).ok());
}

TEST_F(AdmissionTest, GarbageIsRefusedOrIsTheOneEncodingOfWhatItMeans) {
    Random random(1);
    const Bytes good = encode_invitation(invite(1));
    Bytes list;
    Encoder out(list);
    encode_invitations(out, {invite(0)});
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes = random.below(2) == 0 ? good : list;
        for (std::uint64_t flips = random.below(4); flips > 0; --flips)
            bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.below(256));
        if (random.below(4) == 0) bytes.resize(random.below(bytes.size() + 20));
        if (const auto got = decode_invitation(bytes); got.ok()) {
            EXPECT_EQ(encode_invitation(*got), bytes);
        }
        Decoder in(bytes);
        const auto some = decode_invitations(in, invitations_per_view_max, network, view.ledger);
        if (!in.finish().ok()) continue;
        Bytes again;
        Encoder writes(again);
        encode_invitations(writes, some);
        EXPECT_EQ(again, bytes);
    }
}

TEST_F(AdmissionTest, NamedLetsInFoundersOnly) {
    const Admission named = with(Joining::named, 1, founders);
    view.members.pop_back();
    EXPECT_TRUE(named.grounds(view, founders[2], {}));
    EXPECT_FALSE(named.grounds(view, guest, {invite(0), invite(1)}));
    Admission later = named;
    later.were_members({guest});
    EXPECT_FALSE(later.grounds(view, guest, {}));
}

TEST_F(AdmissionTest, AnyoneLetsInAnyone) {
    const auto grounds = with(Joining::anyone, 1, founders).grounds(view, guest, {invite(0)});
    ASSERT_TRUE(grounds);
    EXPECT_TRUE(grounds->empty());  // it needs none
}

TEST_F(AdmissionTest, InvitedNeedsSoManyDifferentMembers) {
    const Admission two = with(Joining::invited, 2, founders);
    EXPECT_FALSE(two.grounds(view, guest, {}));
    EXPECT_FALSE(two.grounds(view, guest, {invite(0)}));
    EXPECT_FALSE(two.grounds(view, guest, {invite(0), invite(0), invite(0, 9'000)}));
    const auto grounds = two.grounds(view, guest, {invite(2), invite(0), invite(1), invite(0, 9'000)});
    ASSERT_TRUE(grounds);
    ASSERT_EQ(grounds->size(), 2u);
    EXPECT_TRUE(comes_before((*grounds)[0], (*grounds)[1]));
    EXPECT_EQ(two.grounds(view, guest, *grounds), grounds);
}

TEST_F(AdmissionTest, OnlyMembersOfTheViewThatEndsInviteAndOnlyToTheirLedger) {
    const Admission one = with(Joining::invited, 1, founders);
    EXPECT_FALSE(one.grounds(view, guest, {invite(3)}));  // by itself
    const View all = view;
    view.members.erase(view.members.begin());
    EXPECT_FALSE(one.grounds(view, guest, {invite(0)}));  // by one who left
    EXPECT_TRUE(one.grounds(view, guest, {invite(1)}));
    const Digest other = hash_of("other", {});
    EXPECT_FALSE(one.grounds(view, guest, {make_invitation(network, other, guest, {5'000}, signers[1])}));
    const PublicKey another = CheapSigner(10).public_key();
    EXPECT_FALSE(one.grounds(view, another, {invite(1)}));
}

TEST_F(AdmissionTest, WhoWasAMemberComesBackWithoutAnInvitation) {
    Admission one = with(Joining::invited, 1, founders);
    EXPECT_FALSE(one.is_known(guest));
    one.were_members({founders[0], guest});
    EXPECT_TRUE(one.is_known(guest));
    const auto grounds = one.grounds(view, guest, {});
    ASSERT_TRUE(grounds);
    EXPECT_TRUE(grounds->empty());
}

TEST_F(AdmissionTest, FormerMembersAreBounded) {
    Admission one = with(Joining::invited, 1, founders);
    for (std::size_t i = 0; i < Admission::known_max; ++i)
        one.were_members({CheapSigner(100 + i).public_key()});
    EXPECT_TRUE(one.is_known(CheapSigner(100).public_key()));
    EXPECT_TRUE(one.is_known(founders[2]));
    EXPECT_FALSE(one.is_known(CheapSigner(100 + Admission::known_max - 1).public_key()));
}

}  // namespace
}  // namespace peerbook::exchange
