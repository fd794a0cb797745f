#include "app/bench/book_part.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace peerbook::app {

using namespace exchange;

namespace {

constexpr std::uint32_t steps_max = 10'000;
// As many orders stand in a processor's cache: there looking ahead only costs. The engine has the same limit.
constexpr std::size_t cached_orders_max = 8'192;

// Fills in what the body says; false if a book alone cannot do it.
struct Translator {
    BookCommand& out;

    bool operator()(const LimitOrder& order) const {
        out.market = order.market;
        out.side = order.side;
        out.price = order.price.value();
        out.quantity = order.quantity.value();
        out.rests = order.time_in_force == TimeInForce::gtc;
        return order.time_in_force != TimeInForce::fok && !order.post_only;
    }
    bool operator()(const Boxed<SpecialOrder>& special) const {
        out.display = special->display ? special->display->value() : 0;
        return !special->trigger && !special->expires_at && (*this)(special->order);
    }
    bool operator()(const CancelOrder& cancel) const {
        out.kind = BookCommand::Kind::cancel;
        out.target = cancel.target;
        return true;
    }
    bool operator()(const ReduceOrder& reduce) const {
        out.kind = BookCommand::Kind::reduce;
        out.target = reduce.target;
        out.quantity = reduce.by.value();
        return true;
    }
    bool operator()(const Boxed<ReplaceOrder>& replace) const {
        out.kind = BookCommand::Kind::replace;
        out.target = replace->target;
        out.price = replace->price.value();
        out.quantity = replace->quantity.value();
        return !replace->post_only && !replace->trigger;
    }
    template <typename Other>
    bool operator()(const Other&) const {
        return false;
    }
};

// Copying an empty one takes a few vector moves; making one in place is a slow string instruction with
// g++ 12.
constexpr Event no_event{};

Event& emit(EventBuffer& events, EventKind kind, const OrderKey& order, MarketId market, Side side) {
    Event& event = events.emplace_back(no_event);
    event.kind = kind;
    event.side = side;
    event.market = market;
    event.order = order;
    return event;
}
Event& emit(EventBuffer& events, EventKind kind, const BookCommand& command) {
    return emit(events, kind, command.key, command.market, command.side);
}

}  // namespace

std::optional<std::vector<BookCommand>> book_commands(const PreparedFlow& flow,
                                                      std::span<const CommandBatch> commits) {
    for (const MarketRules& market : flow.rules.markets)
        if (market.matching != MatchingMode::continuous) return std::nullopt;
    std::unordered_map<AccountId, std::uint32_t> numbers;
    for (const CommandBatch& opening : flow.opening)
        for (const AccountId& id : opening.accounts)
            numbers.emplace(id, static_cast<std::uint32_t>(numbers.size()));
    std::vector<BookCommand> all;
    for (const CommandBatch& commit : commits)
        for (const BatchCommand& command : commit.commands) {
            BookCommand& translated = all.emplace_back();
            const AccountIndex account{numbers.at(commit.accounts[command.account])};
            translated.key = OrderKey(account, command.ref());
            if (!std::visit(Translator{translated}, command.body)) return std::nullopt;
        }
    return all;
}

class BookAlone::Steps {
  public:
    Steps(BookAlone& book, const BookCommand& command, const Taker& taker, EventBuffer& events)
        : book_(book), command_(command), taker_(taker), events_(events) {}

    std::int64_t affordable(std::int64_t) const { return std::numeric_limits<std::int64_t>::max(); }
    void fill(OrderSlot slot, const Order& maker, std::int64_t quantity) {
        OrderBooks& books = book_.books_;
        const std::int64_t shown = maker.leaves - quantity;
        const std::int64_t whole = books.whole_leaves(maker) - quantity;
        Event& event = emit(events_, EventKind::filled, command_);
        event.maker = maker.key();
        event.price = Price(maker.price);
        event.quantity = Quantity(quantity);
        event.leaves = Quantity(taker_.leaves);
        event.maker_leaves = Quantity(whole);
        if (whole == 0) {
            book_.remove(slot);
            return;
        }
        books.change(slot, shown, 0);
        if (shown == 0) books.requeue(slot, std::min(whole, books.extension(maker).display));
    }
    void meet_own(OrderSlot, const Order&) {}  // not with cancel_newest

  private:
    BookAlone& book_;
    const BookCommand& command_;
    const Taker& taker_;
    EventBuffer& events_;
};

// In stages, each for all commands before the next, so that the processor waits for many lines at once. Which
// kind comes next it cannot guess, so each stage goes through a list of one kind.
void BookAlone::look_ahead(std::span<const BookCommand> commands) {
    naming_.resize(commands.size());
    hashes_.resize(commands.size());
    placing_.resize(commands.size());
    std::size_t naming = 0, placing = 0;
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const bool places = commands[i].kind == BookCommand::Kind::place;
        placing_[placing] = naming_[naming] = static_cast<std::uint32_t>(i);
        placing += places ? 1 : 0;
        naming += places ? 0 : 1;
    }
    naming_.resize(naming);
    placing_.resize(placing);
    for (std::size_t i = 0; i < naming; ++i) {
        const BookCommand& command = commands[naming_[i]];
        hashes_[i] = books_.hash(OrderKey(command.key.account, command.target));
        books_.prefetch(command.key.account, hashes_[i]);
    }
    for (const std::uint32_t at : placing_) {
        const BookCommand& command = commands[at];
        books_.prefetch(command.key.account, books_.hash(command.key));
        books_.levels(command.market, command.side).prefetch(command.price);
    }
    for (std::size_t i = 0; i < naming; ++i)
        naming_[i] = books_.prefetch_order(commands[naming_[i]].key.account, hashes_[i]);
    for (const std::uint32_t at : placing_) {
        const BookCommand& command = commands[at];
        books_.prefetch_behind(command.market, command.side, command.price);
    }
    for (const OrderSlot slot : naming_)
        books_.prefetch_around(slot);
    books_.prefetch_places(placing);
}

void BookAlone::execute_all(std::span<const BookCommand> commands, EventBuffer& events) {
    if (books_.size() > cached_orders_max) look_ahead(commands);
    for (const BookCommand& command : commands)
        execute(command, events);
}

void BookAlone::execute(const BookCommand& command, EventBuffer& events) {
    if (command.kind == BookCommand::Kind::place) {
        place(command, events);
        return;
    }
    const OrderSlot slot = books_.find(OrderKey(command.key.account, command.target));
    if (slot == no_order) {
        emit(events, EventKind::rejected, command).reason = Reason::unknown_order;
        return;
    }
    const Order& target = books_.order(slot);
    const std::int64_t whole = books_.whole_leaves(target);
    if (command.kind == BookCommand::Kind::reduce && command.quantity < whole) {
        const std::int64_t hidden = whole - target.leaves;
        const std::int64_t from_hidden = std::min(hidden, command.quantity);
        if (from_hidden > 0) books_.change_hidden(slot, hidden - from_hidden);
        books_.change(slot, target.leaves - (command.quantity - from_hidden), 0);
        Event& event = emit(events, EventKind::reduced, command.key, target.market(), target.side());
        event.quantity = Quantity(command.quantity);
        event.leaves = Quantity(whole - command.quantity);
        return;
    }
    Event& event = emit(events, EventKind::cancelled, command.key, target.market(), target.side());
    event.price = Price(target.price);
    event.quantity = Quantity(whole);
    event.reason = Reason::requested;
    if (command.kind != BookCommand::Kind::replace) [[likely]] {
        remove(slot);
        return;
    }
    BookCommand placing = command;
    placing.market = target.market();
    placing.side = target.side();
    if (target.is_extended != 0)
        placing.display = std::min(books_.extension(target).display, command.quantity);
    remove(slot);
    place(placing, events);
}

inline void BookAlone::place(const BookCommand& command, EventBuffer& events) {
    Taker taker;
    taker.account = command.key.account;
    taker.market = command.market;
    taker.side = command.side;
    taker.limit = command.price;
    taker.leaves = command.quantity;
    Steps steps(*this, command, taker, events);
    std::uint32_t steps_left = steps_max;
    const SweepEnd end = sweep(books_, taker, steps_left, steps);
    if (taker.leaves == 0) return;
    if (end == SweepEnd::no_match && command.rests) {
        rest(command, taker.leaves, events);
        return;
    }
    Event& event = emit(events, EventKind::cancelled, command);
    event.price = Price(command.price);
    event.quantity = Quantity(taker.leaves);
    event.reason = Reason::immediate_or_cancel;
}

inline void BookAlone::rest(const BookCommand& command, std::int64_t leaves, EventBuffer& events) {
    NewOrder order;
    order.key = command.key;
    order.market = command.market;
    order.side = command.side;
    order.price = command.price;
    order.quantity = command.quantity;
    order.leaves = leaves;
    if (command.display != 0) [[unlikely]]
        insert_iceberg(order, command.display);
    else
        books_.insert(order);
    Event& event = emit(events, EventKind::rested, command);
    event.price = Price(command.price);
    event.quantity = Quantity(order.leaves);
    event.leaves = Quantity(leaves);
}

// Leaves in `order` what is shown.
void BookAlone::insert_iceberg(NewOrder& order, std::int64_t display) {
    OrderExtension extension;
    extension.quantity = order.quantity;
    extension.display = display;
    extension.hidden = order.leaves - std::min(order.leaves, display);
    order.leaves -= extension.hidden;
    order.extension = &extension;
    books_.insert(order);
}

}  // namespace peerbook::app
