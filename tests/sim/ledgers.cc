#include "tests/sim/ledgers.h"

namespace peerbook::sim {

LedgerBook& Ledgers::add(const exchange::View& first) {
    auto& book = books_[first.ledger];
    if (!book) book = std::make_unique<LedgerBook>(first, admission_, rare_);
    return *book;
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
