#include "p2p/discovery/mdns_library.h"

#include <dlfcn.h>

namespace peerbook::p2p {

Result<AvahiLibrary> AvahiLibrary::open(const char* file) {
    void* handle = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle) return AvahiLibrary(file, handle);
    const char* why = ::dlerror();
    return Error{ErrorCode::unavailable, why ? why : std::string(file) + " cannot be opened"};
}

void* AvahiLibrary::find(const char* name) {
    void* function = ::dlsym(handle_, name);
    if (!function) missing_ = name;
    return function;
}

Status AvahiLibrary::complete() const {
    if (missing_.empty()) return {};
    return Error{ErrorCode::unavailable, file_ + " has no function " + missing_};
}

}  // namespace peerbook::p2p
