#include "app/replay/lobster.h"

#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

TEST(Lobster, ReadsEachTypeOfMessage) {
    const TempFile file(
        "34200.004241176,1,16113575,18,5853300,1\n"
        "34200.5,2,16113575,8,5853300,1\n"
        "34200.5,4,16113575,3,5853300,1\n"
        "34201.000000001,3,16113575,7,5853300,1\n"
        "34201.2,5,0,1,2238250,-1\n"
        "34202,7,0,0,-1,-1\n");
    Result<Recording> recording = read_lobster(file.path(), 100);
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    ASSERT_EQ(recording->events.size(), 6u);
    EXPECT_EQ(recording->rows, 6u);
    const RecordedEvent& first = recording->events[0];
    EXPECT_EQ(first.time_ns, 34'200'004'241'176);
    EXPECT_EQ(first.type, RecordedType::submit);
    EXPECT_EQ(first.order, 16'113'575u);
    EXPECT_EQ(first.quantity, 18);
    EXPECT_EQ(first.price, 5'853'300);
    EXPECT_EQ(first.side, exchange::Side::buy);
    EXPECT_EQ(recording->events[1].type, RecordedType::reduce);
    EXPECT_EQ(recording->events[2].type, RecordedType::execute);
    EXPECT_EQ(recording->events[3].type, RecordedType::remove);
    EXPECT_EQ(recording->events[4].type, RecordedType::hidden);
    EXPECT_EQ(recording->events[4].side, exchange::Side::sell);
    EXPECT_EQ(recording->events[5].type, RecordedType::halt);
    EXPECT_EQ(recording->events[5].row, 5u);
}

TEST(Lobster, TimeBeyondNanosecondsIsCut) {
    EXPECT_EQ(parse_lobster_message("34200.004241176123,1,1,1,100,1", 0)->time_ns, 34'200'004'241'176);
    EXPECT_FALSE(parse_lobster_message("34200.00424117612x,1,1,1,100,1", 0).ok());
    EXPECT_FALSE(parse_lobster_message("34200.0042411761234,1,1,1,100,1", 0).ok());
}

TEST(Lobster, RefusesBadLines) {
    for (const char* bad : {
             "",                            // no columns
             "34200.1,1,1,1,100",           // one too few
             "34200.1,1,1,1,100,1,MPID",    // one too many
             "noon,1,1,1,100,1",            // time
             "-1.5,1,1,1,100,1",            // negative time
             "34200.1,0,1,1,100,1",         // type
             "34200.1,8,1,1,100,1",         // type
             "34200.1,1,0,1,100,1",         // order id of a visible order
             "34200.1,1,1,0,100,1",         // size
             "34200.1,1,1,-5,100,1",        // negative size
             "34200.1,1,1,1e3,100,1",       // exponent
             "34200.1,1,1,1,0,1",           // price
             "34200.1,1,1,1,9999999999,1",  // mark of an absent level as price
             "34200.1,1,1,1,100,0",         // direction
             "34200.1,1,1,1,100,+1",        // direction
             "34200.1,1,99999999999999999999999,1,100,1",
             "34200.1,5,0,x,100,1",  // damage where the value is not used
         })
        EXPECT_FALSE(parse_lobster_message(bad, 0).ok()) << bad;
}

TEST(Lobster, ErrorsNameFileAndLine) {
    const TempFile file("34200.1,1,1,1,100,1\n34200.2,1,2,many,100,1\n");
    const Error error = read_lobster(file.path(), 100).error();
    EXPECT_NE(error.message.find(file.path() + " line 2: size \"many\""), std::string::npos) << error.message;
}

TEST(Lobster, RefusesTimeGoingBackwards) {
    const TempFile file("34200.2,1,1,1,100,1\n34200.1,1,2,1,100,1\n");
    EXPECT_NE(read_lobster(file.path(), 100).error().message.find("line 2"), std::string::npos);
}

TEST(Lobster, ReadsTheOfficialBook) {
    const TempFile file("101,5,99,6,102,7,9,8\n101,5,99,6,9999999999,0,-9999999999,0\n");
    Result<OfficialBook> book = read_lobster_book(file.path(), 100, 5);
    ASSERT_TRUE(book.ok()) << book.error().message;
    EXPECT_EQ(book->levels, 2u);
    ASSERT_EQ(book->rows.size(), 2u);
    EXPECT_EQ(book->rows[0].ask_count, 2);
    EXPECT_EQ(book->rows[0].asks[1], (OfficialLevel{102, 7}));
    EXPECT_EQ(book->rows[0].bids[0], (OfficialLevel{99, 6}));
    EXPECT_EQ(book->rows[1].ask_count, 1);
    EXPECT_EQ(book->rows[1].bid_count, 1);
}

TEST(Lobster, OfficialBookRefusesBadRows) {
    for (const char* bad : {"1,2,3\n", "1,2,3,4\n1,2,3,4,5,6,7,8\n", "1,2,3,four\n", "1,-2,3,4\n"})
        EXPECT_FALSE(read_lobster_book(TempFile(bad).path(), 100, 5).ok()) << bad;
}

}  // namespace
}  // namespace peerbook::app::replay
