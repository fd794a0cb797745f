// Ledgers that this node gave up for others, in its data directory:
//
//   ledger.given-up   noted when the operator's command is done; at the next start everything of the
//                     ledger is moved away, and this file last
//   given-up-<ledger>-<node>/
//                     12 hex digits of each: journal, index, node.key with node.key.retired, invitations,
//                     ledger.toml, given-up.toml. Nothing ever writes there again
//   adopted.toml      the only ledger that this node enters
//
// Moving is done again from where it stopped, however it was interrupted, and before any key is made.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/node/requests.h"
#include "base/result.h"
#include "storage/index.h"

namespace peerbook::app {

// What a journal or an index belongs to: network, view 1 as the process was started with it, and key.
Bytes journal_identity(const Digest& network, const Digest& ledger, const PublicKey& node);

// Where its archive will be, or is.
std::string archive_of(const std::string& data_dir, const GivenUpLedger& ledger);

// `identity_ledger` as in journal_identity(). Durable when it returns. Errors: io.
Status note_given_up(const std::string& data_dir, const GivenUpLedger& ledger, const Digest& network,
                     const Digest& identity_ledger);

// At a start, with the directory locked, before anything in it is read: moves away what was given up. The
// ledger that was given up, if one was. Errors: corrupt (the note), io.
Result<std::optional<GivenUpLedger>> archive_given_up(const std::string& data_dir);

// The ledger that this node adopted; nothing if it adopted none. Errors: corrupt, io.
Result<std::optional<Digest>> load_adopted(const std::string& data_dir);

// One thread.
class Archives {
  public:
    // Oldest first. Errors: corrupt (names the file), io.
    static Result<std::unique_ptr<Archives>> find(const std::string& data_dir);

    const std::vector<GivenUpLedger>& ledgers() const { return ledgers_; }
    // The index stays open. Errors: not_found, and those of opening it.
    Result<const storage::Index*> index_of(const GivenUpLedger& ledger);

  private:
    std::vector<GivenUpLedger> ledgers_;
    std::vector<Bytes> identities_;
    std::map<std::string, std::unique_ptr<storage::Index>> open_;  // by archive
};

}  // namespace peerbook::app
