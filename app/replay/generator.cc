#include "app/replay/generator.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/random.h"

namespace peerbook::app::replay {

namespace {

constexpr std::int64_t tick = 100;               // a cent, in the file's unit
constexpr std::int64_t first_price = 5'850'000;  // 585 dollars
constexpr std::size_t live_orders_min = 40;
constexpr std::size_t live_orders_max = 3'000;
constexpr std::int64_t start_ns = 34'200'000'000'000;  // 09:30

struct Order {
    bool buy = true;
    std::int64_t price = 0;
    std::int64_t leaves = 0;
    std::size_t position = 0;  // in ids_
};

// A book with price-time priority, and the events that move it. Shares, types and distances are those of a
// liquid share: nearly as many deletions as submissions, few executions, most activity within ten ticks of
// the touch.
class Generator {
  public:
    explicit Generator(const GeneratorOptions& options) : options_(options), random_(options.seed) {}

    GeneratedFlow run() {
        for (std::uint32_t i = 0; i < options_.unknown_orders; ++i)
            submit(i % 2 == 0, false);
        while (rows_ < options_.rows) {
            now_ns_ += random_.chance(300'000) ? 0 : static_cast<std::int64_t>(random_.below(60'000'000));
            const std::uint32_t rows_before = rows_;
            step();
            if (options_.book_levels > 0 && rows_ > rows_before) write_book();
        }
        return std::move(out_);
    }

  private:
    void step() {
        const std::uint64_t draw = random_.below(1'000);
        const bool buy = random_.below(2) == 0;
        if (orders_.size() < live_orders_min || (buy ? bids_.empty() : asks_.empty())) {
            submit(bids_.size() <= asks_.size(), true);
        } else if (draw < 490 && orders_.size() < live_orders_max) {
            submit(buy, true);
        } else if (draw < 500) {
            reduce();
        } else if (draw < 930) {
            remove();
        } else if (draw < 975) {
            execute(buy);
        } else {
            message(5, 0, 1 + size() / 2, touch(buy), buy);
        }
    }

    std::int64_t size() {
        return random_.chance(600'000) ? 100 : 1 + static_cast<std::int64_t>(random_.below(500));
    }

    std::int64_t touch(bool buy) const {
        if (buy) return bids_.empty() ? first_price - tick : bids_.rbegin()->first;
        return asks_.empty() ? first_price + tick : asks_.begin()->first;
    }

    void submit(bool buy, bool visible) {
        const std::int64_t own = touch(buy), other = touch(!buy);
        const std::int64_t away = buy ? -tick : tick;
        std::int64_t price = own;
        if (random_.chance(150'000) && std::abs(other - own) > tick) {
            price = own - away;  // inside the spread
        } else {
            std::int64_t distance = 0;
            while (distance < 40 && random_.chance(750'000))
                ++distance;
            price = own + away * distance;
        }
        // An empty side starts from the first price, which the other side may have passed.
        if (buy && !asks_.empty()) price = std::min(price, asks_.begin()->first - tick);
        if (!buy && !bids_.empty()) price = std::max(price, bids_.rbegin()->first + tick);
        price = std::max(price, tick);
        const std::uint64_t id = next_id_;
        next_id_ += 1 + random_.below(30);
        const std::int64_t quantity = size();
        orders_[id] = {buy, price, quantity, ids_.size()};
        ids_.push_back(id);
        (buy ? bids_ : asks_)[price].push_back(id);
        if (visible) message(1, id, quantity, price, buy);
    }

    void reduce() {
        const std::uint64_t id = ids_[random_.below(ids_.size())];
        Order& order = orders_.at(id);
        if (order.leaves < 2) {
            remove();
            return;
        }
        const std::int64_t by =
            1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(order.leaves) - 1));
        order.leaves -= by;
        message(2, id, by, order.price, order.buy);
    }

    void remove() {
        const std::uint64_t id = ids_[random_.below(ids_.size())];
        const Order order = orders_.at(id);
        message(3, id, order.leaves, order.price, order.buy);
        drop(id);
    }

    // The front order of the best level is hit.
    void execute(bool buy) {
        const std::uint64_t id = buy ? bids_.rbegin()->second.front() : asks_.begin()->second.front();
        Order& order = orders_.at(id);
        const std::int64_t by = std::min(order.leaves, size());
        message(4, id, by, order.price, buy);
        order.leaves -= by;
        if (order.leaves == 0) drop(id);
    }

    void drop(std::uint64_t id) {
        const Order order = orders_.at(id);
        auto& side = order.buy ? bids_ : asks_;
        auto level = side.find(order.price);
        PB_CHECK(level != side.end(), "generated order without a level");
        level->second.erase(std::find(level->second.begin(), level->second.end(), id));
        if (level->second.empty()) side.erase(level);
        ids_[order.position] = ids_.back();
        orders_.at(ids_.back()).position = order.position;
        ids_.pop_back();
        orders_.erase(id);
    }

    void message(int type, std::uint64_t id, std::int64_t quantity, std::int64_t price, bool buy) {
        if (options_.silent_below && type != 5 && !in_sight(price, buy)) return;
        ++rows_;
        std::string fraction = std::to_string(now_ns_ % 1'000'000'000);
        fraction.insert(0, 9 - fraction.size(), '0');
        std::string& out = out_.messages;
        out += std::to_string(now_ns_ / 1'000'000'000) + '.' + fraction + ',' + std::to_string(type) + ',' +
               std::to_string(id) + ',' + std::to_string(quantity) + ',' + std::to_string(price) +
               (buy ? ",1\n" : ",-1\n");
    }

    bool in_sight(std::int64_t price, bool buy) const {
        std::size_t better = 0;
        if (buy) {
            for (auto level = bids_.rbegin(); level != bids_.rend() && level->first > price; ++level)
                ++better;
        } else {
            for (auto level = asks_.begin(); level != asks_.end() && level->first < price; ++level)
                ++better;
        }
        return better < options_.book_levels;
    }

    void write_book() {
        auto ask = asks_.begin();
        auto bid = bids_.rbegin();
        for (std::size_t level = 0; level < options_.book_levels; ++level) {
            if (level > 0) out_.book += ',';
            if (ask != asks_.end()) {
                out_.book += std::to_string(ask->first) + ',' + std::to_string(sum(ask->second)) + ',';
                ++ask;
            } else {
                out_.book += "9999999999,0,";
            }
            if (bid != bids_.rend()) {
                out_.book += std::to_string(bid->first) + ',' + std::to_string(sum(bid->second));
                ++bid;
            } else {
                out_.book += "-9999999999,0";
            }
        }
        out_.book += '\n';
    }

    std::int64_t sum(const std::deque<std::uint64_t>& level) const {
        std::int64_t total = 0;
        for (const std::uint64_t id : level)
            total += orders_.at(id).leaves;
        return total;
    }

    GeneratorOptions options_;
    Random random_;
    GeneratedFlow out_;
    std::map<std::int64_t, std::deque<std::uint64_t>> bids_, asks_;
    std::unordered_map<std::uint64_t, Order> orders_;  // only looked up, never walked
    std::vector<std::uint64_t> ids_;
    std::uint64_t next_id_ = 1'000;
    std::int64_t now_ns_ = start_ns;
    std::uint32_t rows_ = 0;
};

}  // namespace

GeneratedFlow generate_lobster(const GeneratorOptions& options) {
    PB_CHECK(options.rows <= generated_rows_max, "more generated rows than generated_rows_max");
    PB_CHECK(options.book_levels > 0 || !options.silent_below, "silent below no level");
    return Generator(options).run();
}

}  // namespace peerbook::app::replay
