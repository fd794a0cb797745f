// The book alone: index, levels, queues and matching of exchange/book, driven in linear order with resolved
// accounts, writing the events that tell what happened to orders. No accounts, money, nonces, undo or
// commits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "app/bench/prepared_flow.h"
#include "exchange/book/matcher.h"
#include "exchange/book/order_book.h"
#include "exchange/engine/event.h"

namespace peerbook::app {

// A command as a bare matching engine takes it.
struct BookCommand {
    enum class Kind : std::uint8_t { place, cancel, reduce, replace };
    Kind kind = Kind::place;
    exchange::Side side = exchange::Side::buy;
    bool rests = true;  // what is left of it
    exchange::MarketId market;
    exchange::OrderKey key;
    exchange::CommandRef target;  // cancel, reduce, replace; of the same account
    std::int64_t price = 0;       // ticks
    std::int64_t quantity = 0;    // lots
    std::int64_t display = 0;     // lots; 0: all is shown
};

// Everything of the commits that concerns books; empty if there is something that a book alone cannot do.
// Accounts are numbered in the order of `flow.opening`.
std::optional<std::vector<BookCommand>> book_commands(const PreparedFlow& flow,
                                                      std::span<const exchange::CommandBatch> commits);

class BookAlone {
  public:
    explicit BookAlone(std::size_t markets) : books_(markets, 0) {}

    // Appends what happened.
    void execute(const BookCommand& command, exchange::EventBuffer& events);
    // The same for each of a commit's, in their order. Where the book is large it first asks for what they
    // will touch, as the engine does.
    void execute_all(std::span<const BookCommand> commands, exchange::EventBuffer& events);
    const exchange::OrderBooks& books() const { return books_; }

  private:
    class Steps;
    void look_ahead(std::span<const BookCommand> commands);
    [[gnu::always_inline]] void place(const BookCommand& command, exchange::EventBuffer& events);
    [[gnu::always_inline]] void rest(const BookCommand& command, std::int64_t leaves,
                                     exchange::EventBuffer& events);
    void insert_iceberg(exchange::NewOrder& order, std::int64_t display);
    void remove(exchange::OrderSlot slot) {
        books_.remove(slot);
        books_.release(slot);
    }

    exchange::OrderBooks books_;
    // Of a commit: places of commands that name an order, later the slots of those; hashes of what they name;
    // places of those that place one.
    std::vector<std::uint32_t> naming_, hashes_, placing_;
};

}  // namespace peerbook::app
