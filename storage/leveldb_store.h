// KeyValueStore on LevelDB: the one place that knows it.
//
// A process that dies in the middle of a write leaves a cut log, which LevelDB repairs by forgetting the cut
// record, as nothing waited for it. A cut through records that were synced looks the same to it: no database
// can tell that its end was taken away. Damage anywhere else is `corrupt`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "storage/key_value.h"

namespace peerbook::storage {

struct LevelDbOptions {
    bool create_if_missing = true;
    bool compress = false;
    std::size_t write_buffer_bytes = 4 * 1024 * 1024;  // up to two of them in memory
    std::size_t file_bytes_max = 2 * 1024 * 1024;
    std::size_t block_bytes = 4 * 1024;
    unsigned bloom_bits_per_key = 0;  // 0: no filter
    int open_files_max = 256;
    std::string damage_advice;  // ends the message of a `corrupt` error of open_leveldb(): what to do
};

// For values of up to a block's size that are written once, in the order of their keys, and read in that
// order: few large files, and nothing spent on compressing what is mostly signatures and hashes.
LevelDbOptions journal_leveldb_options();
// For small rows that are looked up by random keys.
LevelDbOptions index_leveldb_options();

// Opens with paranoid checks; reads verify LevelDB's checksums. `path` and missing parents are made.
// Errors: conflict (in use by another process), corrupt, io (message with path and, for a full disk, what to
// do).
Result<std::unique_ptr<KeyValueStore>> open_leveldb(
    const std::string& path, const LevelDbOptions& options = journal_leveldb_options());

// Removes the database at `path`, for one that can be rebuilt. Nothing there is fine. Errors: conflict, io.
Status remove_leveldb(const std::string& path);

}  // namespace peerbook::storage
