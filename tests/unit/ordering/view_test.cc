#include "exchange/ordering/view.h"

#include <gtest/gtest.h>

#include "base/codec.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::exchange {
namespace {

std::vector<PublicKey> keys(std::size_t count) {
    std::vector<PublicKey> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(testing::CheapSigner(i).public_key());
    return all;
}

Digest network(const char* name) {
    return hash_of("test network", as_bytes(name));
}

View later_view() {
    View view = make_first_view(network("a"), keys(3)).value();
    view.number = 2;
    view.previous = hash_of("view", {});
    view.cut = {{view.members[0], 7, hash_of("x", {})}, {view.members[1], 0, {}}};
    view.base_round = 300;
    view.log_length = 12;
    view.prefix_hash = hash_of("prefix", {});
    return view;
}

TEST(View, FirstViewNamesItsLedgerByNetworkAndMembersInOrder) {
    const View view = make_first_view(network("a"), keys(3)).value();
    EXPECT_EQ(view.number, 1u);
    EXPECT_EQ(view.ledger, make_first_view(network("a"), keys(3)).value().ledger);
    EXPECT_NE(view.ledger, make_first_view(network("b"), keys(3)).value().ledger);
    EXPECT_NE(view.ledger, make_first_view(network("a"), keys(2)).value().ledger);
    std::vector<PublicKey> swapped = keys(3);
    std::swap(swapped[0], swapped[1]);
    EXPECT_NE(view.ledger, make_first_view(network("a"), swapped).value().ledger);
}

TEST(View, FirstViewRefusesNobodyTooManyAndTwins) {
    EXPECT_EQ(make_first_view(network("a"), {}).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(make_first_view(network("a"), keys(view_members_max + 1)).error().code, ErrorCode::too_large);
    EXPECT_TRUE(make_first_view(network("a"), keys(view_members_max)).ok());
    std::vector<PublicKey> twins = keys(2);
    twins.push_back(twins[0]);
    EXPECT_EQ(make_first_view(network("a"), twins).error().code, ErrorCode::invalid_input);
}

TEST(View, IndexFollowsSeniority) {
    const View view = make_first_view(network("a"), keys(3)).value();
    EXPECT_EQ(view.index_of(view.members[2]), MemberIndex(2));
    EXPECT_EQ(view.index_of(testing::CheapSigner(9).public_key()), std::nullopt);
}

TEST(View, EncodingComesBackAndNamesTheView) {
    for (const View& view : {make_first_view(network("a"), keys(3)).value(), later_view()}) {
        const Bytes bytes = encode_view(view);
        Result<View> back = decode_view(bytes);
        ASSERT_TRUE(back.ok()) << back.error().message;
        EXPECT_EQ(encode_view(*back), bytes);
        EXPECT_EQ(digest_of(*back), digest_of(view));
    }
    EXPECT_NE(digest_of(later_view()), digest_of(make_first_view(network("a"), keys(3)).value()));
}

TEST(View, DecodingRefusesEveryTruncationAndTrailingBytes) {
    Bytes bytes = encode_view(later_view());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_view(ByteView(bytes).first(size)).ok()) << size;
    bytes.push_back(0);
    EXPECT_FALSE(decode_view(bytes).ok());
}

TEST(View, DecodingRefusesRecordsThatNoViewCanHave) {
    auto why = [](void (*change)(View&)) {
        View view = later_view();
        change(view);
        Result<View> back = decode_view(encode_view(view));
        return back.ok() ? std::string("accepted") : back.error().message;
    };
    EXPECT_EQ(why([](View&) {}), "accepted");
    EXPECT_NE(why([](View& v) { v.members.clear(); }).find("at least one member"), std::string::npos);
    EXPECT_NE(why([](View& v) { v.members.push_back(v.members[0]); }).find("listed twice"),
              std::string::npos);
    EXPECT_NE(why([](View& v) { v.members = keys(view_members_max + 1); }).find("too many members"),
              std::string::npos);
    EXPECT_NE(why([](View& v) { v.cut.resize(view_members_max + 1); }).find("too many authors"),
              std::string::npos);
    EXPECT_NE(why([](View& v) { v.cut.push_back(v.cut[0]); }).find("author twice"), std::string::npos);
    EXPECT_NE(why([](View& v) { v.number = 0; }).find("numbered from 1"), std::string::npos);
    EXPECT_NE(why([](View& v) { v.number = 1; }).find("nothing before it"), std::string::npos);
}

TEST(View, QuorumIsMoreThanHalfOrHalfWithTheElder) {
    struct Case {
        const char* present;  // a letter a member, elder first: x present, . absent
        bool quorum;
    };
    for (const Case& c : {Case{"x", true},
                          {".", false},
                          {"x.", true},
                          {".x", false},
                          {"xx", true},
                          {"x..", false},
                          {"xx.", true},
                          {".xx", true},
                          {"xx..", true},
                          {"..xx", false},
                          {".xxx", true},
                          {"x...", false},
                          {"xx...", false},
                          {"..xxx", true}}) {
        const std::string present = c.present;
        const View view = make_first_view(network("a"), keys(present.size())).value();
        std::vector<bool> flags;
        for (char letter : present)
            flags.push_back(letter == 'x');
        EXPECT_EQ(is_quorum(view, flags), c.quorum) << present;
    }
}

// Two quorums of one view always share a member: otherwise two sides could settle different logs.
TEST(View, AnyTwoQuorumsMeet) {
    for (std::size_t members = 1; members <= 6; ++members) {
        const View view = make_first_view(network("a"), keys(members)).value();
        auto flags = [&](unsigned set) {
            std::vector<bool> all;
            for (std::size_t i = 0; i < members; ++i)
                all.push_back(set >> i & 1);
            return all;
        };
        for (unsigned a = 0; a < 1u << members; ++a)
            for (unsigned b = 0; b < 1u << members; ++b)
                EXPECT_FALSE((a & b) == 0 && is_quorum(view, flags(a)) && is_quorum(view, flags(b)));
    }
}

}  // namespace
}  // namespace peerbook::exchange
