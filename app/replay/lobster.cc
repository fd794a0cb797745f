#include "app/replay/lobster.h"

#include <algorithm>

#include "app/replay/lines.h"

namespace peerbook::app::replay {

namespace {

constexpr std::size_t message_columns = 6;
constexpr std::size_t time_decimals_max = 12;  // beyond nanoseconds, which some files have, it is noise
constexpr std::int64_t seconds_max = 1'000'000;

Error wrong_columns(std::size_t expected) {
    return {ErrorCode::invalid_input, "does not have " + std::to_string(expected) + " columns"};
}

Result<std::int64_t> parse_time(std::string_view text) {
    const std::size_t point = text.find('.');
    if (point != std::string_view::npos && text.size() - point - 1 > 9 &&
        text.size() - point - 1 <= time_decimals_max) {
        for (const char c : text.substr(point + 10))
            if (c < '0' || c > '9') return Error{ErrorCode::invalid_input, "time is not a decimal number"};
        text = text.substr(0, point + 10);
    }
    return parse_fixed(text, 9, seconds_max * 1'000'000'000, "time");
}

// Price and size columns of `event`, of an event about a visible order.
Status parse_order_fields(const std::vector<std::string_view>& columns, RecordedEvent& event) {
    Result<std::int64_t> order = parse_integer(columns[2], 1, INT64_MAX, "order id");
    if (!order.ok()) return order.error();
    Result<std::int64_t> size = parse_integer(columns[3], 1, lobster_size_max, "size");
    if (!size.ok()) return size.error();
    Result<std::int64_t> price = parse_integer(columns[4], 1, lobster_price_max, "price");
    if (!price.ok()) return price.error();
    event.order = static_cast<std::uint64_t>(*order);
    event.quantity = *size;
    event.price = *price;
    return {};
}

}  // namespace

Result<RecordedEvent> parse_lobster_message(std::string_view line, std::uint32_t row) {
    std::vector<std::string_view> columns;
    if (!split_columns(line, message_columns, columns)) return wrong_columns(message_columns);
    RecordedEvent event;
    event.row = row;
    Result<std::int64_t> time = parse_time(columns[0]);
    if (!time.ok()) return time.error();
    event.time_ns = *time;
    Result<std::int64_t> type = parse_integer(columns[1], 1, 7, "type");
    if (!type.ok()) return type.error();
    if (columns[5] != "1" && columns[5] != "-1")
        return Error{ErrorCode::invalid_input, "direction is neither 1 nor -1"};
    event.side = columns[5] == "1" ? exchange::Side::buy : exchange::Side::sell;
    switch (*type) {
        case 1:
            event.type = RecordedType::submit;
            break;
        case 2:
            event.type = RecordedType::reduce;
            break;
        case 3:
            event.type = RecordedType::remove;
            break;
        case 4:
            event.type = RecordedType::execute;
            break;
        case 5:
            event.type = RecordedType::hidden;
            break;
        default:
            event.type = RecordedType::halt;
            break;
    }
    if (event.type == RecordedType::hidden || event.type == RecordedType::halt) {
        // Order id 0 and, for a halt, a price that is a code: read, so that damage is noticed, but not kept.
        for (std::size_t i = 2; i < 5; ++i)
            if (Result<std::int64_t> field = parse_integer(columns[i], -1, INT64_MAX, "number"); !field.ok())
                return field.error();
        return event;
    }
    if (Status status = parse_order_fields(columns, event); !status.ok()) return status.error();
    return event;
}

Result<Recording> read_lobster(const std::string& path, std::uint32_t rows_max) {
    Recording recording;
    recording.format = RecordingFormat::lobster;
    recording.price_decimals = lobster_price_decimals;
    recording.quantity_decimals = 0;
    std::int64_t last_time = 0;
    Status status = for_each_line(path, rows_max, [&](std::string_view line, std::uint32_t) -> Status {
        Result<RecordedEvent> event = parse_lobster_message(line, recording.rows);
        if (!event.ok()) return event.error();
        if (event->time_ns < last_time)
            return Error{ErrorCode::invalid_input, "time is earlier than the line before"};
        last_time = event->time_ns;
        ++recording.rows;
        recording.events.push_back(*event);
        return {};
    });
    if (!status.ok()) return status.error();
    return recording;
}

Result<OfficialBook> read_lobster_book(const std::string& path, std::uint32_t rows_max,
                                       std::size_t levels_max) {
    OfficialBook book;
    std::vector<std::string_view> columns;
    std::size_t column_count = 0;
    Status status = for_each_line(path, rows_max, [&](std::string_view line, std::uint32_t) -> Status {
        if (column_count == 0) {
            column_count = static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
            if (column_count % 4 != 0)
                return Error{ErrorCode::invalid_input, "does not have four columns a level"};
            book.levels = std::min({column_count / 4, levels_max, official_levels_max});
        }
        if (!split_columns(line, column_count, columns)) return wrong_columns(column_count);
        OfficialRow row;
        for (std::size_t level = 0; level < column_count / 4; ++level) {
            std::int64_t values[4];
            for (std::size_t i = 0; i < 4; ++i) {
                Result<std::int64_t> value = parse_integer(
                    columns[4 * level + i], i % 2 == 0 ? -9'999'999'999 : 0,
                    i % 2 == 0 ? 9'999'999'999 : lobster_size_max, i % 2 == 0 ? "price" : "size");
                if (!value.ok()) return value.error();
                values[i] = *value;
            }
            if (level >= book.levels) continue;
            if (values[1] > 0) row.asks[row.ask_count++] = {values[0], values[1]};
            if (values[3] > 0) row.bids[row.bid_count++] = {values[2], values[3]};
        }
        book.rows.push_back(row);
        return {};
    });
    if (!status.ok()) return status.error();
    return book;
}

}  // namespace peerbook::app::replay
