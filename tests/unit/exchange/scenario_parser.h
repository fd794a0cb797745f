// The compiler of the scenario language, shared by its two sources: setup and tables (scenario_parser.cc),
// and commands (scenario_commands.cc). Errors travel as SyntaxError up to parse_scenario().
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/exchange/scenario.h"

namespace peerbook::exchange::scenario {

struct SyntaxError {
    int line = 0;
    std::string what;
};

// The words of one line, read from left to right. A comma is a word.
class Words {
  public:
    explicit Words(const Line& line);

    bool done() const { return at_ == words_.size(); }
    // The next word; empty at the end.
    const std::string& peek() const;
    bool accept(const std::string& word);
    void expect(const std::string& word);
    std::string next(const char* what);
    int line() const { return line_; }
    [[noreturn]] void fail(const std::string& what) const;
    [[noreturn]] void fail_unknown() const;
    void expect_end() const;

  private:
    int line_;
    std::vector<std::string> words_;
    std::size_t at_ = 0;
};

class Compiler {
  public:
    explicit Compiler(const Block& block);
    Scenario compile();

  private:
    struct Account {
        bool is_open = true;
        bool signs = false;  // self-custodied
        PublicKey host;      // of hosted ones
        AccountId id;
        std::optional<std::vector<std::pair<AssetId, Amount>>> funds;
        std::uint64_t next_nonce = 1;
    };
    struct MarketText {
        std::string symbol, tick, lot;
        AssetId base, quote;
        MarketId id;
    };
    struct Label {
        AccountId owner;
        CommandRef ref;
    };
    // What may follow any command.
    struct Envelope {
        std::string label;
        std::optional<std::uint64_t> nonce;
        std::string sender;
        bool is_signed_badly = false;
    };
    struct OrderText;

    // --- setup (scenario_parser.cc) ---
    void compile_line(const Line& line);
    bool compile_setup(Words& words);
    void set_rule(Words& words);
    void set_market(Words& words);
    bool accept_market_option(Words& words, MarketSpec& spec) const;
    bool compile_account_setup(const std::string& name, Words& words);
    void finish_setup();
    void add_market(const MarketSpec& spec);
    void make_funding();
    void compile_table_line(const Line& line);
    bool accept_header(int line, std::vector<std::string> cells, Table& table) const;
    void compile_commit(Words& words, const Line& line);
    Step& begin_step(int line, const std::string& text, WallTime time);
    Step& last_step(int line);

    // --- commands (scenario_commands.cc) ---
    void compile_command(Words& words);
    CommandBody command_body(const std::string& name, Words& words, Envelope& envelope);
    CommandBody order_body(const std::string& verb, Words& words, Envelope& envelope);
    bool accept_order_option(Words& words, OrderText& text);
    CommandBody cancel_body(Words& words);
    CommandBody replace_body(Words& words, Envelope& envelope);
    CommandBody quote_body(Words& words);
    CommandBody admin_body(Words& words);
    bool accept_envelope(Words& words, Envelope& envelope) const;
    CommandRef target(Words& words) const;
    void send(const std::string& name, const CommandBody& body, const Envelope& envelope);
    void give_label(const Envelope& envelope, const AccountId& owner, CommandRef ref,
                    const CommandBody& body);

    // --- values ---
    Account& account(const std::string& name);
    const MarketText& market(Words& words) const;
    AssetId asset(Words& words) const;
    std::int64_t units(const Words& words, const std::string& text, const std::string& unit) const;
    Amount base_units(std::int64_t whole, AssetId asset) const;
    Amount amount(const Words& words, const std::string& text, AssetId asset) const;
    // "100 USD".
    std::pair<AssetId, Amount> money(Words& words) const;
    static std::uint64_t number(Words& words);
    static WallTime time_of_day(Words& words);
    static Duration duration(Words& words);
    static std::uint32_t per_million(Words& words);
    static PublicKey key_of(const std::string& name);

    const Block& block_;
    Scenario scenario_;
    std::vector<MarketSpec> specs_;
    std::vector<MarketText> markets_;
    MarketText nowhere_;
    std::map<std::string, Account> accounts_;
    std::vector<std::string> account_order_;  // of first mention
    std::map<std::string, Label> labels_;
    WallTime clock_;
    bool is_setting_up_ = true;
    bool in_commit_ = false;  // indented lines belong to the last step
    bool in_table_ = false;   // lines with | belong to the last table
    bool has_quotas_ = false;
};

}  // namespace peerbook::exchange::scenario
