#include "p2p/authority/address_bindings.h"

#include <algorithm>
#include <charconv>

namespace peerbook::p2p {

Status AddressBindings::bind(const NodeCertificate& certificate, WallTime now) {
    const auto held = bindings_.find(certificate.email);
    if (held != bindings_.end() && held->second.node == certificate.node) {
        if (certificate.expires > held->second.until) ++changes_;
        held->second.until = std::max(held->second.until, certificate.expires);
        return {};
    }
    if (held != bindings_.end() && held->second.until > now)
        return Error{ErrorCode::conflict, "the e-mail address of its certificate belongs to node " +
                                              to_hex(held->second.node).substr(0, 12)};
    if (held == bindings_.end() && bindings_.size() >= bindings_max) {
        std::erase_if(bindings_, [now](const auto& entry) { return entry.second.until <= now; });
        if (bindings_.size() >= bindings_max)
            return Error{ErrorCode::unavailable, "more e-mail addresses are known than this node keeps"};
    }
    bindings_.insert_or_assign(certificate.email, Binding{certificate.node, certificate.expires});
    ++changes_;
    return {};
}

std::string AddressBindings::to_text(WallTime now) const {
    std::string text;
    for (const auto& [email, binding] : bindings_)
        if (binding.until > now)
            text += email + " " + to_hex(binding.node) + " " + std::to_string(binding.until.ms) + "\n";
    return text;
}

Status AddressBindings::load_text(std::string_view text, WallTime now) {
    std::map<std::string, Binding, std::less<>> read;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto damaged = [number] {
            return Error{ErrorCode::corrupt, "line " + std::to_string(number) +
                                                 " is not an e-mail address, a node id and a time in ms"};
        };
        const std::size_t first = line.find(' '), second = line.rfind(' ');
        if (first == std::string_view::npos || first == second) return damaged();
        const auto email = email_address(line.substr(0, first));
        const auto node = fixed_from_hex<PeerId>(line.substr(first + 1, second - first - 1));
        const std::string_view time = line.substr(second + 1);
        Binding binding;
        const auto [last, failure] =
            std::from_chars(time.data(), time.data() + time.size(), binding.until.ms);
        if (!email.ok() || *email != line.substr(0, first) || !node.ok() || failure != std::errc() ||
            last != time.data() + time.size() || read.size() >= bindings_max)
            return damaged();
        binding.node = *node;
        if (binding.until > now) read.insert_or_assign(*email, binding);
    }
    bindings_ = std::move(read);
    return {};
}

}  // namespace peerbook::p2p
