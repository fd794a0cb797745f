#include "app/replay/bitstamp.h"

#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

Result<Recording> read(const std::string& rows) {
    const TempFile file(std::string(bitstamp_header) + "\n" + rows);
    return read_bitstamp(file.path(), 1'000);
}

TEST(Bitstamp, ACreationIsASubmissionAndADeletionWithVolumeARemoval) {
    Result<Recording> recording =
        read("7,1000,1000,236.47,200000000,created,bid\n7,1500,1000,236.47,200000000,deleted,bid\n");
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    ASSERT_EQ(recording->events.size(), 2u);
    EXPECT_EQ(recording->rows, 2u);
    EXPECT_EQ(recording->events[0].type, RecordedType::submit);
    EXPECT_EQ(recording->events[0].price, 23'647);
    EXPECT_EQ(recording->events[0].quantity, 200'000'000);
    EXPECT_EQ(recording->events[0].time_ns, 1'000'000'000);
    EXPECT_EQ(recording->events[1].type, RecordedType::remove);
}

TEST(Bitstamp, EqualDecreasesOnBothSidesAreATrade) {
    Result<Recording> recording = read(
        "7,1000,1000,236.47,50,created,ask\n"
        "8,2000,2000,236.47,80,created,bid\n"
        "8,2001,2000,236.47,30,changed,bid\n"
        "7,2003,1000,236.47,0,deleted,ask\n");
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    const RecordedEvent& first = recording->events[2];
    EXPECT_EQ(first.type, RecordedType::trade);
    EXPECT_EQ(first.order, 8u);
    EXPECT_EQ(first.quantity, 50);
    EXPECT_FALSE(first.ends);
    EXPECT_EQ(first.counterparty, 0u);
    const RecordedEvent& second = recording->events[3];
    EXPECT_EQ(second.type, RecordedType::trade);
    EXPECT_EQ(second.order, 7u);
    EXPECT_EQ(second.quantity, 50);
    EXPECT_TRUE(second.ends);
    EXPECT_EQ(second.counterparty, 8u);
}

TEST(Bitstamp, ADecreaseWithoutACounterpartIsAReduction) {
    Result<Recording> recording = read(
        "7,1000,1000,236.47,50,created,ask\n"
        "8,1000,1000,236.40,80,created,bid\n"
        "8,2001,2000,236.40,30,changed,bid\n"
        "7,3000,1000,236.47,0,deleted,ask\n");  // as much, but too late
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    EXPECT_EQ(recording->events[2].type, RecordedType::reduce);
    EXPECT_EQ(recording->events[2].quantity, 50);
    EXPECT_EQ(recording->events[3].type, RecordedType::remove);
}

TEST(Bitstamp, AChangeOfPriceIsAnotherOrder) {
    Result<Recording> recording = read(
        "7,1000,1000,236.47,50,created,ask\n"
        "7,2000,1000,236.40,50,changed,ask\n"
        "7,3000,1000,236.40,0,deleted,ask\n");
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    ASSERT_EQ(recording->events.size(), 5u);
    EXPECT_EQ(recording->events[1].type, RecordedType::remove);
    EXPECT_EQ(recording->events[1].price, 23'647);
    EXPECT_EQ(recording->events[2].type, RecordedType::submit);
    EXPECT_EQ(recording->events[2].price, 23'640);
    EXPECT_EQ(recording->events[2].quantity, 50);
    EXPECT_EQ(recording->events[3].type, RecordedType::reduce);
    EXPECT_EQ(recording->events[3].quantity, 0);
    EXPECT_EQ(recording->events[4].type, RecordedType::remove);
    EXPECT_EQ(recording->events[4].price, 23'640);
}

TEST(Bitstamp, AnOrderFromBeforeTheFileIsKnownByWhatRemains) {
    Result<Recording> recording =
        read("5,1000,900,236.00,40,deleted,bid\n6,1000,900,236.00,70,changed,bid\n");
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    EXPECT_EQ(recording->events[0].quantity, 40);
    EXPECT_EQ(recording->events[0].type, RecordedType::remove);
    EXPECT_EQ(recording->events[1].quantity, 0);
}

TEST(Bitstamp, RefusesBadInput) {
    const TempFile header("id,time\n");
    EXPECT_NE(read_bitstamp(header.path(), 10).error().message.find("line 1"), std::string::npos);
    for (const char* bad : {
             "7,1000,1000,236.47,50,created\n",
             "7,1000,1000,236.47,50,created,ask,more\n",
             "0,1000,1000,236.47,50,created,ask\n",
             "7,1000,1000,236.475,50,created,ask\n",
             "7,1000,1000,236.47,-50,created,ask\n",
             "7,1000,1000,236.47,5e7,created,ask\n",
             "7,1000,1000,236.47,50,replaced,ask\n",
             "7,1000,1000,236.47,50,created,offer\n",
             "7,1000,1000,236.47,0,created,ask\n",
             "7,1000,1000,236.47,50,created,ask\n7,1000,1000,236.47,50,created,ask\n",
             "7,1000,1000,236.47,50,created,ask\n7,1001,1000,236.47,60,changed,ask\n",
             "7,1000,1000,236.47,50,created,ask\n8,999,1000,236.47,60,created,ask\n",
         })
        EXPECT_FALSE(read(bad).ok()) << bad;
}

}  // namespace
}  // namespace peerbook::app::replay
