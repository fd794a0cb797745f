#include "app/replay/bitstamp.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include "app/replay/lines.h"

namespace peerbook::app::replay {

namespace {

constexpr std::size_t columns_count = 7;
constexpr std::int64_t time_ms_max = 9'000'000'000'000;         // year 2255; keeps nanoseconds within 64 bits
constexpr std::int64_t price_max = 1'000'000'000'000;           // 10^10 dollars
constexpr std::int64_t volume_max = 1'000'000'000'000'000'000;  // 10^10 BTC

enum class Action : std::uint8_t { created, changed, deleted };

struct Row {
    std::uint64_t id = 0;
    std::int64_t time_ms = 0;
    std::int64_t price = 0;
    std::int64_t volume = 0;
    Action action = Action::created;
    exchange::Side side = exchange::Side::buy;
};

Result<Row> parse_row(std::string_view line, std::vector<std::string_view>& columns) {
    if (!split_columns(line, columns_count, columns))
        return Error{ErrorCode::invalid_input, "does not have " + std::to_string(columns_count) + " columns"};
    Row row;
    Result<std::int64_t> id = parse_integer(columns[0], 1, INT64_MAX, "id");
    if (!id.ok()) return id.error();
    Result<std::int64_t> time = parse_integer(columns[1], 0, time_ms_max, "timestamp");
    if (!time.ok()) return time.error();
    if (Result<std::int64_t> other = parse_integer(columns[2], 0, time_ms_max, "exchange.timestamp");
        !other.ok())
        return other.error();
    Result<std::int64_t> price = parse_fixed(columns[3], bitstamp_price_decimals, price_max, "price");
    if (!price.ok()) return price.error();
    Result<std::int64_t> volume = parse_integer(columns[4], 0, volume_max, "volume");
    if (!volume.ok()) return volume.error();
    row.id = static_cast<std::uint64_t>(*id);
    row.time_ms = *time;
    row.price = *price;
    row.volume = *volume;
    if (columns[5] == "created") {
        row.action = Action::created;
    } else if (columns[5] == "changed") {
        row.action = Action::changed;
    } else if (columns[5] == "deleted") {
        row.action = Action::deleted;
    } else {
        return Error{ErrorCode::invalid_input, "action is neither created, changed nor deleted"};
    }
    if (columns[6] != "bid" && columns[6] != "ask")
        return Error{ErrorCode::invalid_input, "direction is neither bid nor ask"};
    row.side = columns[6] == "bid" ? exchange::Side::buy : exchange::Side::sell;
    return row;
}

// Finds pairs of equal decreases on opposite sides.
class TradeMatcher {
  public:
    // Event `index` of `events` decreased an order. If an equal opposite decrease waits, both become events
    // of one trade, and this later one names its counterparty.
    void decrease(std::vector<RecordedEvent>& events, std::size_t index) {
        RecordedEvent& event = events[index];
        std::deque<std::size_t>& others = waiting_[{exchange::opposite(event.side), event.quantity}];
        while (!others.empty() &&
               event.time_ns - events[others.front()].time_ns > trade_window_ms * 1'000'000)
            others.pop_front();
        if (others.empty()) {
            waiting_[{event.side, event.quantity}].push_back(index);
            return;
        }
        RecordedEvent& other = events[others.front()];
        others.pop_front();
        for (RecordedEvent* part : {&event, &other}) {
            part->ends = part->type == RecordedType::remove;
            part->type = RecordedType::trade;
        }
        event.counterparty = other.order;
    }

  private:
    // Ordered, so that the outcome depends on the file alone.
    std::map<std::pair<exchange::Side, std::int64_t>, std::deque<std::size_t>> waiting_;
};

}  // namespace

Result<Recording> read_bitstamp(const std::string& path, std::uint32_t rows_max) {
    Recording recording;
    recording.format = RecordingFormat::bitstamp;
    recording.price_decimals = bitstamp_price_decimals;
    recording.quantity_decimals = bitstamp_quantity_decimals;
    struct Known {
        std::int64_t remaining = 0;
        std::int64_t price = 0;
    };
    std::unordered_map<std::uint64_t, Known> orders;
    std::vector<std::string_view> columns;
    TradeMatcher trades;
    std::int64_t last_ms = 0;
    const std::uint32_t lines_max = rows_max < recording_lines_max ? rows_max + 1 : recording_lines_max;
    Status status =
        for_each_line(path, lines_max, [&](std::string_view line, std::uint32_t number) -> Status {
            if (number == 1) {
                if (line != bitstamp_header)
                    return Error{ErrorCode::invalid_input,
                                 "is not the header " + std::string(bitstamp_header)};
                return {};
            }
            Result<Row> row = parse_row(line, columns);
            if (!row.ok()) return row.error();
            if (row->time_ms < last_ms)
                return Error{ErrorCode::invalid_input, "time is earlier than the line before"};
            last_ms = row->time_ms;
            RecordedEvent event;
            event.row = recording.rows++;
            event.time_ns = row->time_ms * 1'000'000;
            event.side = row->side;
            event.order = row->id;
            event.price = row->price;
            auto known = orders.find(row->id);
            if (row->action == Action::created) {
                if (known != orders.end())
                    return Error{ErrorCode::invalid_input, "creates an id that is live already"};
                if (row->volume == 0)
                    return Error{ErrorCode::invalid_input, "creates an order without volume"};
                orders[row->id] = {row->volume, row->price};
                event.type = RecordedType::submit;
                event.quantity = row->volume;
                recording.events.push_back(event);
                return {};
            }
            const bool is_known = known != orders.end();
            const bool filled = row->action == Action::deleted && row->volume == 0;
            if (is_known && row->price != known->second.price && (filled || row->action == Action::changed)) {
                // Repriced: the old order goes, and one for the rest comes.
                event.price = known->second.price;
                event.quantity = known->second.remaining;
                event.type = RecordedType::remove;
                recording.events.push_back(event);
                event.price = known->second.price = row->price;
                event.type = RecordedType::submit;
                recording.events.push_back(event);
            }
            if (is_known) event.price = known->second.price;
            const std::int64_t before = is_known ? known->second.remaining : row->volume;
            if (row->volume > before) return Error{ErrorCode::invalid_input, "volume of an order grows"};
            if (row->action == Action::changed) {
                event.type = RecordedType::reduce;
                event.quantity = before - row->volume;
                orders[row->id] = {row->volume, event.price};
            } else {
                event.type = RecordedType::remove;
                event.quantity = filled ? before : row->volume;
                if (is_known) orders.erase(known);
            }
            recording.events.push_back(event);
            if (event.quantity > 0 && (event.type == RecordedType::reduce || filled))
                trades.decrease(recording.events, recording.events.size() - 1);
            return {};
        });
    if (!status.ok()) return status.error();
    return recording;
}

}  // namespace peerbook::app::replay
