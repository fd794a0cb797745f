// Replaces a small file whole: who reads it, and who starts after a crash, finds the old text or the new one.
// Adapter; one thread at a time for one path.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace peerbook {

enum class Readers : unsigned char { owner, everybody };  // who may read it: mode 0600, or 0644
enum class Durability : unsigned char {
    renamed,  // what a crash of the machine takes may be either text
    synced,   // the new text is on the disk when this returns; some milliseconds
};

// Written beside, under a name of this process, and renamed. The file beside is always a new one, so that
// nobody can lay a link in its place. Error: io, and the old file is as it was; but where only the directory
// could not be synced the new one is in place, and may be gone after a crash of the machine.
Status replace_file(const std::string& path, std::string_view text,
                    Durability durability = Durability::synced, Readers readers = Readers::owner);

// Names that were made, moved or taken away in it are on the disk when this returns. Error: io.
Status sync_directory(const std::string& directory);

}  // namespace peerbook
