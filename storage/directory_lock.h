// One process a data directory: two nodes that share a key would sign the same slots twice.
#pragma once

#include <string>

#include "base/result.h"

namespace peerbook::storage {

// Holds <directory>/LOCK with flock(2) while it lives; the system lets go when the process dies, however it
// dies. The file stays and holds the last owner's process id, for people.
class DirectoryLock {
  public:
    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&& other) noexcept;
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    ~DirectoryLock();

  private:
    friend Result<DirectoryLock> lock_data_directory(const std::string& path);
    explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_ = -1;
};

// Makes the directory (mode 0700) and missing parents. Errors: conflict (in use by another process; names the
// directory and the process), io.
Result<DirectoryLock> lock_data_directory(const std::string& path);

}  // namespace peerbook::storage
