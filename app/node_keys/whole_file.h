// Small files of a data directory that are replaced whole, and a lock beside them for several processes.
// Adapters; thread-safe because nothing is shared but the files.
#pragma once

#include <string>

#include "base/result.h"

namespace peerbook::app {

// The file is there whole, or as it was; readable for its owner alone. Error: io.
Status replace_file(const std::string& path, const std::string& text);

// Held by one process at a time, which is released when it ends however that happens. Waits.
class FileLock {
  public:
    explicit FileLock(const std::string& path);
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    bool is_held() const { return is_held_; }
    // For people, if it is not.
    const std::string& why_not() const { return why_not_; }

  private:
    std::string why_not_;
    const int descriptor_;
    bool is_held_ = false;
};

}  // namespace peerbook::app
