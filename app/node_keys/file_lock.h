// A lock file for several processes. Adapter; thread-safe because nothing is shared but the file.
#pragma once

#include <string>

namespace peerbook::app {

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
