// What lies in a data directory for joining a ledger: `invitations`, one a line, which a member made and this
// node presents; and `ledger.toml`, which tells `peerbook invite` and `peerbook join` what the node runs.
//
// Both are replaced whole. Functions without state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exchange/ordering/admission.h"

namespace peerbook::app {

// As people paste it: hexadecimal digits.
std::string invitation_text(const exchange::Invitation& invitation);
// Blanks around it are ignored. Error: invalid_input.
Result<exchange::Invitation> parse_invitation(std::string_view text);

// That it is for this node (`ledger` as far as it is known), genuine, and not expired. Error: invalid_input,
// which says for whom or what it is.
Status check_invitation(const exchange::Invitation& invitation, const Digest& network,
                        const std::optional<Digest>& ledger, const PublicKey& self, WallTime now,
                        const Verifier& verifier);

inline constexpr std::size_t invitations_kept_max = 64;

std::string invitations_path(const std::string& data_dir);
// None where there is no file. Errors: corrupt (names the line), io.
Result<std::vector<exchange::Invitation>> load_invitations(const std::string& data_dir);
// Adds these to the file: of each inviter and ledger the one that lasts longest is kept, and none that is
// expired at `now`. Several processes may do so at once: each waits for the one before it, on a lock beside
// the file. Errors: too_large (more than invitations_kept_max), and those of load_invitations().
Status add_invitations(const std::string& data_dir, const std::vector<exchange::Invitation>& added,
                       WallTime now);

struct LedgerNote {
    Digest network, ledger;
    std::string joining;  // as in the network file
    friend bool operator==(const LedgerNote&, const LedgerNote&) = default;
};
// Errors: not_found (the node never ran), corrupt, io.
Result<LedgerNote> load_ledger_note(const std::string& data_dir);
Status write_ledger_note(const std::string& data_dir, const LedgerNote& note);

}  // namespace peerbook::app
