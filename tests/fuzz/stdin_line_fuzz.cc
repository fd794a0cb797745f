// Any bytes as a line of standard input: an action, or an error whose column lies on the line or just behind
// it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "app/api/order_drafts.h"
#include "app/shell/line_language.h"
#include "tests/fuzz/fuzz_market.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace peerbook;
    static const app::MarketTable markets(fuzz::rules());
    std::string line(data, data + size);
    auto parsed = app::parse_line(line);
    if (const auto* error = std::get_if<app::LineError>(&parsed)) {
        PB_CHECK(!error->message.empty(), "an error says something");
        PB_CHECK(!error->column || (*error->column >= 1 && *error->column <= size + 1),
                 "the column is on the line");
        return 0;
    }
    const auto* command = std::get_if<app::CommandAction>(&std::get<app::Action>(parsed));
    if (!command) return 0;
    auto draft = app::make_draft(command->fields, {markets, PublicKey{}, "me"});
    if (draft.ok()) return 0;
    const auto column = app::column_of(line, command->fields, draft.error().field);
    PB_CHECK(!column || (*column >= 1 && *column <= size + 1), "the column is on the line");
    return 0;
}
