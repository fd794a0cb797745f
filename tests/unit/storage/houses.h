// Where a store lives in a test: something that outlives it, so that a test can close it and open it again.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "storage/key_value.h"
#include "storage/leveldb_store.h"
#include "storage/memory_store.h"
#include "tests/unit/temporary_directory.h"

namespace peerbook::storage {

class House {
  public:
    virtual ~House() = default;
    virtual std::unique_ptr<KeyValueStore> open() = 0;
};

class MemoryHouse final : public House {
  public:
    std::unique_ptr<KeyValueStore> open() override { return std::make_unique<MemoryStore>(disk); }
    MemoryDisk disk;
};

class LevelDbHouse final : public House {
  public:
    std::unique_ptr<KeyValueStore> open() override {
        Result<std::unique_ptr<KeyValueStore>> store = open_leveldb(path(), options);
        if (!store.ok()) {
            ADD_FAILURE() << store.error().message;
            return nullptr;
        }
        return std::move(store.value());
    }
    std::string path() const { return directory_.path() + "/db"; }

    // Files of the database with this ending, the largest first.
    std::vector<std::filesystem::path> files(const std::string& ending) const {
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(path()))
            if (entry.path().extension() == ending) found.push_back(entry.path());
        std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
            return std::filesystem::file_size(a) > std::filesystem::file_size(b);
        });
        return found;
    }
    static void flip_byte(const std::filesystem::path& file, std::size_t offset) {
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekg(static_cast<std::streamoff>(offset));
        const int byte = stream.get();
        ASSERT_GE(byte, 0) << file << " has no byte " << offset;
        stream.seekp(static_cast<std::streamoff>(offset));
        stream.put(static_cast<char>(byte ^ 0x10));
    }
    static void cut(const std::filesystem::path& file, std::size_t bytes) {
        std::filesystem::resize_file(file, std::filesystem::file_size(file) - bytes);
    }

    LevelDbOptions options = journal_leveldb_options();

  private:
    TemporaryDirectory directory_;
};

inline std::unique_ptr<House> make_house(const std::string& kind) {
    if (kind == "Memory") return std::make_unique<MemoryHouse>();
    return std::make_unique<LevelDbHouse>();
}

inline std::string house_name(const testing::TestParamInfo<std::string>& info) {
    return info.param;
}

inline Bytes bytes_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

}  // namespace peerbook::storage
