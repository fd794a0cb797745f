// The vocabulary: blocks are written "A1@3", author A's block 1 of order 3. A test appends, closes and opens,
// damages, and compares what comes back.
#include "storage/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/codec.h"
#include "storage/schema.h"
#include "tests/unit/storage/houses.h"

namespace peerbook::storage {
namespace {

using testing::AllOf;
using testing::HasSubstr;

PublicKey author_of(char letter) {
    PublicKey key;
    key.data.fill(static_cast<std::uint8_t>(letter));
    return key;
}

JournalEntry block(const std::string& word, std::size_t size = 100) {
    const std::size_t at = word.find('@');
    JournalEntry entry;
    entry.author = author_of(word[0]);
    entry.seq = std::stoull(word.substr(1, at - 1));
    entry.order = std::stoull(word.substr(at + 1));
    Bytes content = bytes_of(word + " ");
    content.resize(size, static_cast<std::uint8_t>('.'));
    entry.block = SharedBytes(content);
    return entry;
}

std::vector<JournalEntry> blocks(const std::string& words, std::size_t size = 100) {
    std::istringstream in(words);
    std::vector<JournalEntry> entries;
    for (std::string word; in >> word;)
        entries.push_back(block(word, size));
    return entries;
}

// Checks that the content belongs to the name.
std::string word_of(const JournalEntry& entry) {
    const std::string word = std::string(1, static_cast<char>(entry.author.data[0])) +
                             std::to_string(entry.seq) + "@" + std::to_string(entry.order);
    return as_text(entry.block.view()).starts_with(word + " ") ? word : word + "?";
}

std::string words_of(const std::vector<JournalEntry>& entries) {
    std::string words;
    for (const JournalEntry& entry : entries)
        words += (words.empty() ? "" : " ") + word_of(entry);
    return words;
}

class JournalFixture {
  public:
    explicit JournalFixture(House& house) : house_(house) { open(); }

    void open(std::string_view identity = "node 1 of demo") {
        journal_.reset();
        Result<std::unique_ptr<Journal>> opened = Journal::open(house_.open(), as_bytes(identity));
        error_ = opened.ok() ? std::optional<Error>() : opened.error();
        if (opened.ok()) journal_ = std::move(opened.value());
    }
    void close() { journal_.reset(); }
    const std::optional<Error>& open_error() const { return error_; }
    Journal& journal() { return *journal_; }

    Status append(const std::string& words, Sync sync = Sync::yes) {
        return journal_->append(blocks(words), sync);
    }

    // All entries from `from`, or the error.
    std::string replay(std::uint64_t from = 1, std::size_t count_max = 1000) {
        std::vector<JournalEntry> entries;
        std::uint64_t expected = std::max<std::uint64_t>(from, 1);
        const Status status =
            journal_->replay(JournalPosition(from), [&](JournalPosition position, const JournalEntry& entry) {
                EXPECT_EQ(position.value(), expected++);
                entries.push_back(entry);
                return entries.size() < count_max;
            });
        return status.ok() ? words_of(entries) : "error " + status.error().message;
    }
    std::string chain(char author, std::uint64_t from, std::size_t bytes_max = 1'000'000) {
        return answer(journal_->chain(author_of(author), from, bytes_max));
    }
    // `have` as "A2 B1".
    std::string missing(const std::string& have, std::size_t bytes_max = 1'000'000) {
        std::istringstream in(have);
        std::vector<std::pair<PublicKey, std::uint64_t>> known;
        for (std::string word; in >> word;)
            known.emplace_back(author_of(word[0]), std::stoull(word.substr(1)));
        return answer(journal_->missing(known, bytes_max));
    }

  private:
    static std::string answer(const Result<std::vector<JournalEntry>>& entries) {
        return entries.ok() ? words_of(*entries) : "error " + entries.error().message;
    }
    House& house_;
    std::unique_ptr<Journal> journal_;
    std::optional<Error> error_;
};

class JournalOn : public testing::TestWithParam<std::string> {
  protected:
    std::unique_ptr<House> house = make_house(GetParam());
    JournalFixture on{*house};
};

TEST_P(JournalOn, ANewJournalIsEmpty) {
    EXPECT_EQ(on.journal().last().value(), 0u);
    EXPECT_EQ(on.replay(), "");
    EXPECT_EQ(on.chain('A', 1), "");
    EXPECT_EQ(on.missing("A7"), "");
}

TEST_P(JournalOn, ReplaysInTheOrderOfAppending) {
    ASSERT_TRUE(on.append("B1@1 A1@1").ok());
    ASSERT_TRUE(on.append("A2@2", Sync::no).ok());
    EXPECT_EQ(on.journal().last().value(), 3u);
    EXPECT_EQ(on.replay(), "B1@1 A1@1 A2@2");
    EXPECT_EQ(on.replay(0), "B1@1 A1@1 A2@2");
    EXPECT_EQ(on.replay(2), "A1@1 A2@2");
    EXPECT_EQ(on.replay(4), "");
    EXPECT_EQ(on.replay(1, 2), "B1@1 A1@1");
}

TEST_P(JournalOn, GoesOnAfterReopening) {
    ASSERT_TRUE(on.append("A1@1 B1@2").ok());
    on.open();
    ASSERT_FALSE(on.open_error());
    EXPECT_EQ(on.journal().last().value(), 2u);
    ASSERT_TRUE(on.append("A2@3").ok());
    on.open();
    EXPECT_EQ(on.replay(), "A1@1 B1@2 A2@3");
    EXPECT_EQ(on.chain('A', 1), "A1@1 A2@3");
}

TEST_P(JournalOn, AppendingNothingChangesNothing) {
    ASSERT_TRUE(on.append("").ok());
    EXPECT_EQ(on.journal().last().value(), 0u);
}

TEST_P(JournalOn, AChainHasOneAuthorsBlocksBySeq) {
    ASSERT_TRUE(on.append("A1@1 B1@1 A2@2 B2@3 A3@4").ok());
    EXPECT_EQ(on.chain('A', 1), "A1@1 A2@2 A3@4");
    EXPECT_EQ(on.chain('A', 3), "A3@4");
    EXPECT_EQ(on.chain('A', 4), "");
    EXPECT_EQ(on.chain('C', 1), "");
}

TEST_P(JournalOn, AChainStopsAtTheByteLimitButHasOneBlock) {
    ASSERT_TRUE(on.append("A1@1 A2@2 A3@3").ok());
    EXPECT_EQ(on.chain('A', 1, 200), "A1@1 A2@2");
    EXPECT_EQ(on.chain('A', 1, 199), "A1@1");
    EXPECT_EQ(on.chain('A', 2, 0), "A2@2");
}

TEST_P(JournalOn, AChainLongerThanAPageOfRowsIsWhole) {
    std::string words;
    for (int seq = 1; seq <= 150; ++seq)
        words += "A" + std::to_string(seq) + "@" + std::to_string(seq) + " ";
    words.pop_back();
    ASSERT_TRUE(on.append(words).ok());
    EXPECT_EQ(on.chain('A', 1), words);
    EXPECT_EQ(on.missing("A0"), words);
}

TEST_P(JournalOn, KeepsBothBlocksOfAnAuthorThatSignsTwice) {
    ASSERT_TRUE(on.append("A1@1 A2@2 A2@5").ok());
    EXPECT_EQ(on.chain('A', 2), "A2@2 A2@5");
}

TEST_P(JournalOn, APlaceHasAllBlocksThatItsAuthorSignedForIt) {
    ASSERT_TRUE(on.append("A1@1 A2@2 B2@3 A2@4 A3@5").ok());
    const auto words = [&](char author, std::uint64_t seq) {
        const auto entries = on.journal().place(author_of(author), seq);
        EXPECT_TRUE(entries.ok());
        return words_of(*entries);
    };
    EXPECT_EQ(words('A', 2), "A2@2 A2@4");
    EXPECT_EQ(words('A', 3), "A3@5");
    EXPECT_EQ(words('A', 4), "");
    EXPECT_EQ(words('B', 1), "");
}

TEST_P(JournalOn, AKeyOfOnesIsAnAuthorLikeOthers) {
    ASSERT_TRUE(on.append("A1@1 \xff"
                          "1@2 A2@3")
                    .ok());
    EXPECT_EQ(on.chain('\xff', 1),
              "\xff"
              "1@2");
    EXPECT_EQ(on.missing("A2 \xff"
                         "0"),
              "\xff"
              "1@2");
}

TEST_P(JournalOn, MissingMergesChainsSoThatParentsComeFirst) {
    ASSERT_TRUE(on.append("B1@1 A1@2 A2@3 C1@1 C2@4 B2@5 A3@6").ok());
    EXPECT_EQ(on.missing("A0 B0 C0"), "B1@1 C1@1 A1@2 A2@3 C2@4 B2@5 A3@6");
    EXPECT_EQ(on.missing("A1 B1 C1"), "A2@3 C2@4 B2@5 A3@6");
    EXPECT_EQ(on.missing("A3 B2 C2"), "");
}

TEST_P(JournalOn, MissingHasNothingOfAuthorsThatThePeerDoesNotName) {
    ASSERT_TRUE(on.append("A1@1 B1@2").ok());
    EXPECT_EQ(on.missing("A1"), "");
    EXPECT_EQ(on.missing("B0"), "B1@2");
    EXPECT_EQ(on.missing(""), "");
}

TEST_P(JournalOn, MissingIsNothingForAPeerThatIsAhead) {
    ASSERT_TRUE(on.append("A1@1").ok());
    EXPECT_EQ(on.missing("A18446744073709551615 Z9"), "");
}

TEST_P(JournalOn, MissingStopsAtTheByteLimitButHasOneBlock) {
    ASSERT_TRUE(on.append("A1@1 B1@2 A2@3").ok());
    EXPECT_EQ(on.missing("A0 B0", 250), "A1@1 B1@2");
    EXPECT_EQ(on.missing("A1 B0", 1), "B1@2");
}

TEST_P(JournalOn, ABlockAboveTheLimitIsRefusedAndTheJournalGoesOn) {
    std::vector<JournalEntry> entries = blocks("A1@1");
    entries.push_back(block("A2@2", journal_block_bytes_max + 1));
    const Status status = on.journal().append(entries, Sync::yes);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::too_large);
    ASSERT_TRUE(on.journal().append(std::vector{block("A1@1", journal_block_bytes_max)}, Sync::yes).ok());
    EXPECT_EQ(on.replay(), "A1@1");
}

TEST_P(JournalOn, AnotherIdentityIsAConflictThatSaysWhatToDo) {
    ASSERT_TRUE(on.append("A1@1").ok());
    on.open("node 2 of demo");
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::conflict);
    EXPECT_THAT(on.open_error()->message, HasSubstr("belongs to another node key, network or ledger"));
    on.open();
    EXPECT_FALSE(on.open_error());
    EXPECT_EQ(on.replay(), "A1@1");
}

INSTANTIATE_TEST_SUITE_P(Store, JournalOn, testing::Values("Memory", "LevelDb"), house_name);

class JournalInMemory : public testing::Test {
  protected:
    MemoryHouse house;
    JournalFixture on{house};

    static Bytes entry_key(std::uint64_t position) {
        Bytes key{0x01};
        Encoder(key).u64(position);
        return key;
    }
    void put(const Bytes& key, Bytes payload) {
        ASSERT_TRUE(house.open()->write({{key, with_checksum(key, std::move(payload))}}, Sync::yes).ok());
    }
};

TEST_F(JournalInMemory, ACrashKeepsWhatWasSyncedAndNothingInPart) {
    ASSERT_TRUE(on.append("A1@1", Sync::no).ok());
    ASSERT_TRUE(on.append("A2@2", Sync::yes).ok());
    ASSERT_TRUE(on.append("A3@3 A4@4", Sync::no).ok());
    house.disk.crash();
    on.open();
    EXPECT_EQ(on.replay(), "A1@1 A2@2");
    EXPECT_EQ(on.chain('A', 1), "A1@1 A2@2");
}

TEST_F(JournalInMemory, AFlippedBitIsCorruptAtItsPositionAndSaysWhatToDo) {
    ASSERT_TRUE(on.append("A1@1 A2@2 A3@3").ok());
    ASSERT_TRUE(house.disk.flip_bit(entry_key(2), 60, 3));
    EXPECT_THAT(on.replay(), AllOf(HasSubstr("position 2: checksum does not match"),
                                   HasSubstr("move this directory away"), HasSubstr("under a new node key")));
    EXPECT_THAT(on.chain('A', 1), HasSubstr("position 2"));
    EXPECT_THAT(on.missing("A0"), HasSubstr("position 2"));
    EXPECT_EQ(on.replay(3), "A3@3");
    EXPECT_EQ(on.journal()
                  .replay(JournalPosition(1), [](JournalPosition, const JournalEntry&) { return true; })
                  .error()
                  .code,
              ErrorCode::corrupt);
}

TEST_F(JournalInMemory, EntriesBeforeTheDamageAreVisited) {
    ASSERT_TRUE(on.append("A1@1 A2@2 A3@3").ok());
    ASSERT_TRUE(house.disk.flip_bit(entry_key(3), 0, 0));
    EXPECT_EQ(on.replay(1, 2), "A1@1 A2@2");
}

TEST_F(JournalInMemory, AnyFlippedBitOfAnyRecordIsTold) {
    ASSERT_TRUE(on.append("A1@1 B1@2").ok());
    on.close();
    for (const Bytes& key : house.disk.keys()) {
        for (std::size_t byte = 0;; ++byte) {
            const unsigned bit = static_cast<unsigned>(byte % 8);
            if (!house.disk.flip_bit(key, byte, bit)) break;
            on.open();
            const bool told = on.open_error() ? on.open_error()->code == ErrorCode::corrupt
                                              : on.replay().starts_with("error") ||
                                                    on.missing("A0 B0").starts_with("error");
            EXPECT_TRUE(told) << "key " << to_hex(key) << " byte " << byte;
            ASSERT_TRUE(house.disk.flip_bit(key, byte, bit));
        }
    }
    on.open();
    EXPECT_EQ(on.replay(), "A1@1 B1@2");
}

TEST_F(JournalInMemory, ATruncatedValueIsCorrupt) {
    ASSERT_TRUE(on.append("A1@1 A2@2").ok());
    ASSERT_TRUE(house.disk.truncate_value(entry_key(1), 50));
    EXPECT_THAT(on.replay(), HasSubstr("position 1: checksum does not match"));
    ASSERT_TRUE(house.disk.truncate_value(entry_key(1), 7));
    EXPECT_THAT(on.replay(), HasSubstr("position 1: too short for a checksum"));
}

TEST_F(JournalInMemory, AMissingEntryIsCorruptAtItsPosition) {
    ASSERT_TRUE(on.append("A1@1 A2@2 A3@3").ok());
    ASSERT_TRUE(house.disk.erase(entry_key(2)));
    EXPECT_THAT(on.replay(), HasSubstr("position 2: the entry is missing"));
    EXPECT_THAT(on.chain('A', 1), HasSubstr("position 2: the entry is missing"));
}

TEST_F(JournalInMemory, AMissingEndIsCorrupt) {
    ASSERT_TRUE(on.append("A1@1 A2@2").ok());
    ASSERT_TRUE(house.disk.erase(entry_key(2)));
    EXPECT_THAT(on.replay(), HasSubstr("position 2: the entry is missing"));
    on.open();
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::corrupt);
    EXPECT_THAT(on.open_error()->message,
                HasSubstr("the last entry has position 1 and the tail record says 2"));
}

TEST_F(JournalInMemory, AnEntryUnderAnotherKeyIsCorrupt) {
    ASSERT_TRUE(on.append("A1@1 A2@2").ok());
    const Bytes first = **house.open()->get(entry_key(1));
    ASSERT_TRUE(house.open()->write({{entry_key(2), first}}, Sync::yes).ok());
    EXPECT_THAT(on.replay(), HasSubstr("position 2: checksum does not match"));
}

TEST_F(JournalInMemory, AMalformedEntryWithARightChecksumIsCorrupt) {
    ASSERT_TRUE(on.append("A1@1").ok());
    put(entry_key(1), Bytes(20, 1));
    EXPECT_THAT(on.replay(), HasSubstr("position 1: "));
    on.open();
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::corrupt);
}

TEST_F(JournalInMemory, AMalformedKeyAtTheEndIsCorrupt) {
    ASSERT_TRUE(on.append("A1@1").ok());
    put({0x01, 0xff}, {});
    on.open();
    ASSERT_TRUE(on.open_error());
    EXPECT_THAT(on.open_error()->message, HasSubstr("the last entry's key is malformed"));
}

TEST_F(JournalInMemory, AMalformedChainRowIsCorrupt) {
    ASSERT_TRUE(on.append("A1@1").ok());
    Bytes key{0x02};
    key.resize(1 + 32, 'A');
    Encoder(key).u64(2);
    put(key, {1});
    EXPECT_THAT(on.chain('A', 1), HasSubstr("malformed row"));
}

TEST_F(JournalInMemory, ATornBatchIsCorruptWhereverItWasCut) {
    // Entry, row, entry, row, tail: five writes. Cut before the first, nothing happened.
    for (std::size_t kept = 0; kept < 5; ++kept) {
        MemoryHouse torn_house;
        JournalFixture torn(torn_house);
        ASSERT_TRUE(torn.append("A1@1").ok());
        torn_house.disk.tear_write(1, kept);
        EXPECT_FALSE(torn.append("A2@2 A3@3").ok());
        torn.open();
        if (kept == 0) {
            EXPECT_EQ(torn.replay(), "A1@1");
        } else {
            ASSERT_TRUE(torn.open_error()) << kept << " writes kept";
            EXPECT_EQ(torn.open_error()->code, ErrorCode::corrupt);
        }
    }
}

TEST_F(JournalInMemory, AFailedWriteIsTheEndOfAppending) {
    ASSERT_TRUE(on.append("A1@1").ok());
    house.disk.fail_write(1, {ErrorCode::io, "worn out"});
    const Status failed = on.append("A2@2");
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code, ErrorCode::io);
    EXPECT_THAT(failed.error().message, AllOf(HasSubstr("position 2"), HasSubstr("worn out")));
    const Status later = on.append("A2@2");
    ASSERT_FALSE(later.ok());
    EXPECT_THAT(later.error().message, HasSubstr("an earlier write failed"));
    EXPECT_EQ(on.journal().last().value(), 1u);
    EXPECT_EQ(on.replay(), "A1@1");
}

TEST_F(JournalInMemory, AFullDiskIsAnIoErrorAndLosesNothingWritten) {
    ASSERT_TRUE(on.append("A1@1").ok());
    house.disk.limit_bytes(house.disk.bytes() + 100);
    const Status full = on.append("A2@2");
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().code, ErrorCode::io);
    EXPECT_THAT(full.error().message, HasSubstr("the disk is full"));
    house.disk.limit_bytes(1'000'000);
    on.open();
    ASSERT_FALSE(on.open_error());
    ASSERT_TRUE(on.append("A2@2").ok());
    EXPECT_EQ(on.replay(), "A1@1 A2@2");
}

TEST_F(JournalInMemory, AFailedReadIsAnIoErrorAndNotCorrupt) {
    ASSERT_TRUE(on.append("A1@1").ok());
    house.disk.fail_reads(Error{ErrorCode::io, "no answer"});
    EXPECT_EQ(on.replay(), "error journal, position 1: no answer");
    EXPECT_THAT(on.chain('A', 1), HasSubstr("no answer"));
    EXPECT_THAT(on.missing("A0"), HasSubstr("no answer"));
    on.open();
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::io);
}

TEST_F(JournalInMemory, ANewerSchemaIsAConflictThatNamesBothVersions) {
    Bytes record;
    Encoder out(record);
    out.text("journal");
    out.u32(journal_schema_version + 1);
    put(meta_key("schema"), record);
    on.open();
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::conflict);
    EXPECT_THAT(on.open_error()->message, HasSubstr("schema version 2 and this program reads version 1"));
}

TEST_F(JournalInMemory, AnotherKindOfDatabaseIsAConflict) {
    Bytes record;
    Encoder out(record);
    out.text("index");
    out.u32(1);
    put(meta_key("schema"), record);
    on.open();
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::conflict);
    EXPECT_THAT(on.open_error()->message, HasSubstr("kind 'index', not 'journal'"));
}

TEST_F(JournalInMemory, AMissingSchemaOrIdentityRecordIsCorrupt) {
    for (const char* name : {"schema", "identity"}) {
        MemoryHouse other;
        JournalFixture journal(other);
        ASSERT_TRUE(other.disk.erase(meta_key(name)));
        journal.open();
        ASSERT_TRUE(journal.open_error());
        EXPECT_EQ(journal.open_error()->code, ErrorCode::corrupt);
        EXPECT_THAT(journal.open_error()->message, HasSubstr(std::string(name) + " record: missing"));
    }
}

// A process that is killed leaves LevelDB's log cut anywhere: the journal must come back whole up to some
// append.
TEST(JournalInLevelDb, ALogCutAnywhereKeepsAPrefixOfWholeAppends) {
    for (std::size_t bytes_cut = 1; bytes_cut < 900; bytes_cut += 37) {
        LevelDbHouse house;
        JournalFixture on(house);
        ASSERT_TRUE(on.append("A1@1 B1@1").ok());
        ASSERT_TRUE(on.append("A2@2 B2@2").ok());
        ASSERT_TRUE(on.append("A3@3 B3@3").ok());
        on.close();
        LevelDbHouse::cut(house.files(".log").at(0), bytes_cut);
        on.open();
        ASSERT_FALSE(on.open_error()) << on.open_error()->message;
        const std::string words = on.replay();
        EXPECT_THAT((std::vector<std::string>{"A1@1 B1@1", "A1@1 B1@1 A2@2 B2@2"}), testing::Contains(words))
            << bytes_cut << " bytes cut";
        EXPECT_EQ(on.missing("A0 B0"), words);
    }
}

TEST(JournalInLevelDb, ADamagedTableIsCorruptAndNamesThePlace) {
    LevelDbHouse house;
    house.options.write_buffer_bytes = 64 * 1024;
    house.options.block_bytes = 4 * 1024;
    JournalFixture on(house);
    for (int seq = 1; seq <= 100; ++seq)
        ASSERT_TRUE(
            on.journal().append(std::vector{block("A" + std::to_string(seq) + "@1", 2000)}, Sync::no).ok());
    on.open();
    on.close();
    ASSERT_FALSE(house.files(".ldb").empty());
    LevelDbHouse::flip_byte(house.files(".ldb").at(0), 20'000);
    on.open();
    const std::string told = on.open_error() ? on.open_error()->message : on.replay();
    EXPECT_THAT(
        told, AllOf(HasSubstr("journal " + house.path()), HasSubstr("position "), HasSubstr("new node key")));
}

}  // namespace
}  // namespace peerbook::storage
