#include "app/node_keys/invitation_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/node_keys/file_lock.h"
#include "app/node_keys/text_lines.h"
#include "base/whole_file.h"
#include "config/sources.h"

namespace peerbook::app {

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr const char* note_name = "/ledger.toml";

}  // namespace

std::string invitation_text(const exchange::Invitation& invitation) {
    return to_hex(exchange::encode_invitation(invitation));
}

Result<exchange::Invitation> parse_invitation(std::string_view text) {
    text = trimmed(text);
    const std::string digits = std::to_string(2 * exchange::invitation_bytes);
    if (text.size() != 2 * exchange::invitation_bytes)
        return Error{ErrorCode::invalid_input, "an invitation has " + digits +
                                                   " hexadecimal digits, and this has " +
                                                   std::to_string(text.size()) + " characters"};
    Bytes bytes(exchange::invitation_bytes);
    if (!from_hex(text, bytes).ok())
        return Error{ErrorCode::invalid_input, "an invitation has " + digits + " hexadecimal digits"};
    return exchange::decode_invitation(bytes);
}

Status check_invitation(const exchange::Invitation& invitation, const Digest& network,
                        const std::optional<Digest>& ledger, const PublicKey& self, WallTime now,
                        const Verifier& verifier) {
    const auto refuse = [](std::string why) { return Error{ErrorCode::invalid_input, std::move(why)}; };
    if (!exchange::is_genuine(invitation, verifier))
        return refuse("the invitation's signature is wrong: it was altered");
    if (invitation.invited != self)
        return refuse("the invitation is for node " + to_hex(invitation.invited) + ", and this one is " +
                      to_hex(self));
    if (invitation.network != network) return refuse("the invitation is for another network");
    if (ledger && invitation.ledger != *ledger)
        return refuse("the invitation is for another ledger, " + to_hex(invitation.ledger));
    if (invitation.expires <= now) return refuse("the invitation has expired");
    return {};
}

std::string invitations_path(const std::string& data_dir) {
    return data_dir + "/invitations";
}

Result<std::vector<exchange::Invitation>> load_invitations(const std::string& data_dir) {
    std::vector<exchange::Invitation> invitations;
    const Status read = read_lines(invitations_path(data_dir), file_bytes_max,
                                   [&invitations](std::string_view line) -> Status {
                                       auto invitation = parse_invitation(line);
                                       if (!invitation.ok()) return invitation.error();
                                       invitations.push_back(*invitation);
                                       return {};
                                   });
    if (!read.ok()) return read.error();
    return invitations;
}

Status add_invitations(const std::string& data_dir, const std::vector<exchange::Invitation>& added,
                       WallTime now) {
    const FileLock lock(invitations_path(data_dir) + ".lock");
    if (!lock.is_held()) return Error{ErrorCode::io, lock.why_not()};
    auto all = load_invitations(data_dir);
    if (!all.ok()) return all.error();
    all->insert(all->end(), added.begin(), added.end());
    std::map<std::pair<Digest, PublicKey>, exchange::Invitation> kept;
    for (const exchange::Invitation& one : *all) {
        if (one.expires <= now) continue;
        const auto [known, is_new] = kept.try_emplace({one.ledger, one.inviter}, one);
        if (!is_new && known->second.expires < one.expires) known->second = one;
    }
    if (kept.size() > invitations_kept_max)
        return Error{ErrorCode::too_large, "at most " + std::to_string(invitations_kept_max) +
                                               " invitations are kept in " + invitations_path(data_dir) +
                                               "; delete those that are not needed"};
    std::string text;
    for (const auto& [from, one] : kept)
        text += invitation_text(one) + "\n";
    return replace_file(invitations_path(data_dir), text);
}

Result<LedgerNote> load_ledger_note(const std::string& data_dir) {
    const std::string path = data_dir + note_name;
    const Result<std::string> text = config::read_text_file(path, file_bytes_max);
    if (!text.ok()) return text.error();
    const auto document = config::parse_toml(*text, path);
    if (!document.ok()) return Error{ErrorCode::corrupt, document.error().message};
    LedgerNote note;
    bool has_network = false, has_ledger = false;
    for (const auto& [name, value] : document->members) {
        if (name == "joining") note.joining = value.text;
        if (name != "network" && name != "ledger") continue;
        const auto id = fixed_from_hex<Digest>(value.text);
        if (!id.ok()) return Error{ErrorCode::corrupt, path + ": " + name + " is no id"};
        (name == "network" ? note.network : note.ledger) = *id;
        (name == "network" ? has_network : has_ledger) = true;
    }
    if (!has_network || !has_ledger)
        return Error{ErrorCode::corrupt, path + " does not name network and ledger"};
    return note;
}

Status write_ledger_note(const std::string& data_dir, const LedgerNote& note) {
    if (const auto present = load_ledger_note(data_dir); present.ok() && *present == note) return {};
    return replace_file(data_dir + note_name,
                        "# Written by the node for `peerbook invite` and `peerbook join`.\nnetwork = \"" +
                            to_hex(note.network) + "\"\nledger = \"" + to_hex(note.ledger) +
                            "\"\njoining = \"" + note.joining + "\"\n");
}

}  // namespace peerbook::app
