// The two libraries of Avahi, opened while the program runs, each in a scope of its own: both define
// avahi_entry_group_free(), with different arguments, and linked into one program one of them would call the
// other's. What is only in libavahi-common is linked as usual.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace peerbook::p2p {

class AvahiLibrary {
  public:
    // Error: unavailable; the message names the library.
    static Result<AvahiLibrary> open(const char* file);

    // Puts the function into `target`, whose type is taken from Avahi's header.
    template <typename Function>
    AvahiLibrary& load(Function*& target, const char* name) {
        target = reinterpret_cast<Function*>(find(name));
        return *this;
    }
    // Error: unavailable, a function was missing.
    Status complete() const;

  private:
    explicit AvahiLibrary(std::string file, void* handle) : file_(std::move(file)), handle_(handle) {}
    void* find(const char* name);

    std::string file_;
    void* handle_;  // never closed: Avahi's and D-Bus' globals are not made for that
    std::string missing_;
};

}  // namespace peerbook::p2p
