#include "tests/sim/ledgers.h"

namespace peerbook::sim {

LedgerBook& Ledgers::add(const exchange::View& first) {
    auto& book = books_[first.ledger];
    if (!book) book = std::make_unique<LedgerBook>(first, admission_, rare_);
    return *book;
}

LedgerBook& Ledgers::add_fork(LedgerBook& origin, const exchange::View& fork) {
    const bool is_new = !books_.contains(fork.ledger);
    LedgerBook& book = add(fork);
    if (!is_new) {
        // What was called attested in the other one meanwhile.
        const std::vector<Digest>& known = origin.attested.blocks();
        for (std::size_t i = book.attested.blocks().size(); i < known.size() && i < fork.log_length; ++i)
            (void)book.attested.settled(0, i + 1, known[i]);
        return book;
    }
    book.origin = &origin;
    book.inherited = fork.log_length;
    book.log = origin.log.up_to(fork.log_length);
    book.attested = origin.attested.up_to(fork.log_length);
    for (const auto& [commit, root] : origin.root_by_commit)
        if (commit <= fork.log_length) book.root_by_commit.emplace(commit, root);
    book.trades = origin.trades.up_to(fork.log_length);
    return book;
}

LedgerBook* Ledgers::fork_of(const LedgerBook& origin) const {
    for (const auto& [id, book] : books_)
        if (book->origin == &origin && book->is_durable) return book.get();
    return nullptr;
}

const exchange::View* Ledgers::find(const Digest& view) const {
    if (const auto none = none_.find(view); none != none_.end()) return &none->second;
    for (const auto& [id, book] : books_)
        if (const exchange::View* found = book->views.find(view)) return found;
    return nullptr;
}

LedgerBook* Ledgers::of_view(const Digest& view) const {
    for (const auto& [id, book] : books_)
        if (book->views.find(view)) return book.get();
    return nullptr;
}

LedgerBook* Ledgers::find_ledger(const Digest& ledger) const {
    const auto book = books_.find(ledger);
    return book == books_.end() ? nullptr : book->second.get();
}

void Ledgers::starts_over(const PublicKey& member) {
    for (const auto& [id, book] : books_)
        book->views.starts_over(member);
}

}  // namespace peerbook::sim
