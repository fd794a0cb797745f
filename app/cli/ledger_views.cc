#include "app/cli/json_text.h"
#include "app/cli/view_parts.h"

namespace peerbook::app::cli {

namespace {

std::string counted(const std::string& count, const std::string& what) {
    return grouped_text(count) + " " + what + (count == "1" ? "" : "s");
}

}  // namespace

std::string other_ledgers(const Answer& answer, const char* name, const TerminalStyle& style) {
    const Answer* others = array_at(answer, name);
    if (others == nullptr || others->Empty()) return {};
    Table table({{"other ledgers of this network"},
                 {"view", Align::right},
                 {"members", Align::right},
                 {"peers here", Align::right},
                 {""}});
    for (const Answer& other : others->GetArray()) {
        const bool is_here = text_at(other, "reachable") != "0";
        table.add_row({text_at(other, "ledger"), text_at(other, "view"), text_at(other, "members"),
                       text_at(other, "reachable"), is_true(other, "is_fork") ? "fork of this one" : ""},
                      is_here ? Paint::plain : Paint::dim);
    }
    return "\n" + table.draw(style);
}

Result<std::string> view_ledgers(const Answer& answer, const TerminalStyle& style) {
    const std::string state = text_at(answer, "state");
    if (state.empty()) return missing("state");
    Properties properties;
    properties.add("ledger", state == "none" ? "none yet" : text_at(answer, "ledger"));
    if (state != "none")
        properties.add("state", state + ", view " + text_at(answer, "view") + " with " +
                                    counted(text_at(answer, "members"), "member"));
    if (const Answer* forks = array_at(answer, "forks"); forks != nullptr)
        for (const Answer& one : forks->GetArray())
            if (one.IsString()) properties.add("goes on from", one.GetString());
    if (const std::string adopts = text_at(answer, "adopts"); !adopts.empty())
        properties.add("adopted", adopts);
    std::string text = properties.draw(style) + other_ledgers(answer, "others", style);
    const Answer* given_up = array_at(answer, "given_up");
    if (given_up == nullptr || given_up->Empty()) return text;
    Table table({{"ledgers given up"}, {"when (UTC)"}, {"retracted trades", Align::right}, {"kept in"}});
    for (const Answer& one : given_up->GetArray())
        table.add_row({text_at(one, "ledger"), time_text(text_at(one, "time")),
                       grouped_text(text_at(one, "retracted_trades")), text_at(one, "archive")});
    return text + "\n" + table.draw(style);
}

Result<std::string> view_given_up(const Answer& answer, const TerminalStyle&) {
    const std::string ledger = text_at(answer, "ledger");
    if (ledger.empty()) return missing("ledger");
    return "Gave up ledger " + terminal_text(ledger) + ":\n" +
           counted(text_at(answer, "retracted_trades"), "settled trade") + " retracted, " +
           counted(text_at(answer, "unsettled_commands"), "command") + " void. Kept in " +
           terminal_text(text_at(answer, "archive"), 1'000) +
           ".\nThe node starts again under a new key and joins ledger " +
           terminal_text(text_at(answer, "adopted")) +
           "; `peerbook status` says when it is there.\n`peerbook trades MARKET --ledger " +
           terminal_text(ledger) + "` lists the retracted trades.\n";
}

Result<std::string> view_fork(const Answer& answer, const TerminalStyle&) {
    const std::string ledger = text_at(answer, "ledger");
    const Answer* members = array_at(answer, "members");
    if (ledger.empty() || members == nullptr) return missing("ledger");
    const std::size_t count = members->Size();
    std::string text =
        "Ledger " + terminal_text(ledger) + " goes on from " + terminal_text(text_at(answer, "from")) +
        "\nwith " + counted(text_at(answer, "settled_commits"), "settled commit") + ", in view " +
        terminal_text(text_at(answer, "view")) + " with " + counted(std::to_string(count), "member") + "; " +
        counted(text_at(answer, "void_blocks"), "block") + " of the old one " +
        (text_at(answer, "void_blocks") == "1" ? "is" : "are") + " void.\n";
    if (!is_true(answer, "member"))
        text += "This node observes it, and asks to become a member.\n";
    else if (count > 1)
        text += "On each other member:  peerbook ledger fork --accept " + terminal_text(ledger) + " --yes\n";
    return text;
}

}  // namespace peerbook::app::cli
