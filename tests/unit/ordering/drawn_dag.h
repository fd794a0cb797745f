// DAGs drawn as text. A line a block: its name, a colon, its parents, and, if it matters, '@' and its
// timestamp.
//
//   A1 :            first block of member A, no parents
//   B1 : A1         first block of B, over A1
//   A2*: A1 B1 @7   second of A, own previous block first; carries a command; stamped 7 ms
//   A2': A1         another second block of A: equivocation
//
// The letter is the author (A is member 0, the elder), the number its seq. Rounds follow from the parents.
// Timestamps are 0 where not drawn.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exchange/ordering/block.h"
#include "exchange/ordering/open_ledger.h"
#include "exchange/ordering/view.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::exchange {

class DrawnDag {
  public:
    explicit DrawnDag(std::size_t members, std::uint64_t base_round = 0);

    void draw(const std::string& table);
    // A copy, as verification would have made it.
    VerifiedBlock block(const std::string& name) const;
    // For tests that break a rule on purpose: changes the header and renames the digest after it.
    VerifiedBlock broken(const std::string& name, void (*change)(BlockHeader&)) const;
    // Replaces what the block executes.
    void set_commands(const std::string& name, std::vector<Command> commands);
    ParentRef ref(const std::string& name) const;
    const Digest& digest(const std::string& name) const { return blocks_.at(name).digest; }
    std::string name_of(const Digest& digest) const;
    std::vector<std::string> names() const;  // in drawing order
    const View& view() const { return view_; }
    const PublicKey& key(std::size_t member) const { return view_.members[member]; }
    const testing::CheapSigner& signer(std::size_t member) const { return signers_[member]; }
    static Digest network();

  private:
    void draw_line(const std::string& line);

    std::vector<testing::CheapSigner> signers_;
    View view_;
    std::map<std::string, VerifiedBlock> blocks_;
    std::vector<std::string> names_;
};

// A member's ledger, empty.
std::unique_ptr<OpenLedger> empty_ledger(const DrawnDag& dag, std::size_t member);
// It gets these blocks, named in order with spaces between them, and takes each of them.
void give(OpenLedger& ledger, const DrawnDag& dag, const std::string& blocks);

}  // namespace peerbook::exchange
