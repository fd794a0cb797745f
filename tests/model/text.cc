#include "tests/model/text.h"

#include <array>
#include <sstream>

#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

namespace {

std::string account_text(const AccountId& id) {
    return to_hex(id).substr(0, 6);
}

class Line {
  public:
    explicit Line(const char* name) { out_ << name; }
    template <typename T>
    Line& add(const char* name, const T& value) {
        out_ << ' ' << name << '=';
        write(value);
        return *this;
    }
    std::string take() const { return out_.str(); }

  private:
    void write(const std::string& value) { out_ << '"' << value << '"'; }
    void write(bool value) { out_ << (value ? "yes" : "no"); }
    void write(std::int64_t value) { out_ << value; }
    void write(std::uint64_t value) { out_ << value; }
    void write(std::uint32_t value) { out_ << value; }
    void write(int value) { out_ << value; }
    void write(Amount value) { out_ << Big(value); }
    void write(Side value) { out_ << (value == Side::buy ? "buy" : "sell"); }
    void write(TimeInForce value) {
        out_ << std::array{"GTC", "IOC", "FOK"}[static_cast<std::size_t>(value)];
    }
    void write(SelfTradePrevention value) {
        out_ << std::array{"newest", "oldest", "both", "decrement"}[static_cast<std::size_t>(value)];
    }
    void write(WallTime value) { out_ << value.ms; }
    void write(Duration value) { out_ << value.ns << "ns"; }
    void write(const CommandRef& value) { out_ << value.nonce << '.' << value.index; }
    void write(const AccountId& value) { out_ << account_text(value); }
    void write(const Trigger& value) {
        out_ << (value.when == TriggerWhen::at_or_above ? ">=" : "<=") << value.price.value();
    }
    template <typename Tag, typename Rep>
    void write(StrongId<Tag, Rep> value) {
        out_ << value.value();
    }
    template <typename T>
    void write(const std::optional<T>& value) {
        if (value)
            write(*value);
        else
            out_ << '-';
    }

    std::ostringstream out_;
};

struct BodyText {
    std::string operator()(const LimitOrder& order) const {
        return Line("limit")
            .add("market", order.market)
            .add("side", order.side)
            .add("price", order.price)
            .add("quantity", order.quantity)
            .add("time", order.time_in_force)
            .add("post_only", order.post_only)
            .add("own", order.self_trade)
            .take();
    }
    std::string operator()(const MarketOrder& order) const {
        return Line("market")
            .add("market", order.market)
            .add("side", order.side)
            .add("protection", order.protection)
            .add("quantity", order.quantity)
            .add("own", order.self_trade)
            .take();
    }
    std::string operator()(const BudgetOrder& order) const {
        return Line("budget")
            .add("market", order.market)
            .add("protection", order.protection)
            .add("budget", order.budget)
            .add("own", order.self_trade)
            .take();
    }
    std::string operator()(const SpecialOrder& special) const {
        return "special " + (*this)(special.order) +
               Line("")
                   .add("display", special.display)
                   .add("expires_at", special.expires_at)
                   .add("trigger", special.trigger)
                   .add("budget", special.budget)
                   .take();
    }
    std::string operator()(const CancelOrder& cancel) const {
        return Line("cancel").add("target", cancel.target).take();
    }
    std::string operator()(const ReduceOrder& reduce) const {
        return Line("reduce").add("target", reduce.target).add("by", reduce.by).take();
    }
    std::string operator()(const ReplaceOrder& replace) const {
        return Line("replace")
            .add("target", replace.target)
            .add("price", replace.price)
            .add("quantity", replace.quantity)
            .add("post_only", replace.post_only)
            .add("own", replace.self_trade)
            .add("trigger", replace.trigger)
            .take();
    }
    std::string operator()(const CancelAll& all) const {
        return Line("cancel_all").add("market", all.market).add("side", all.side).take();
    }
    std::string operator()(const CancelAfter& after) const {
        return Line("cancel_after").add("timeout", after.timeout).take();
    }
    std::string operator()(const MassQuote& mass) const {
        std::string text = Line("quotes").add("market", mass.market).take();
        for (const Quote& quote : mass.quotes)
            text += Line("")
                        .add("side", quote.side)
                        .add("price", quote.price)
                        .add("quantity", quote.quantity)
                        .take();
        return text;
    }
    std::string operator()(const OpenAccount& open) const {
        return Line("open").add("name", open.name).take();
    }
    std::string operator()(const Faucet& faucet) const {
        return Line("faucet").add("asset", faucet.asset).add("amount", faucet.amount).take();
    }
    std::string operator()(const Transfer& transfer) const {
        return Line("transfer")
            .add("to", transfer.to)
            .add("asset", transfer.asset)
            .add("amount", transfer.amount)
            .take();
    }
    std::string operator()(const Issue& issue) const {
        return Line("issue").add("to", issue.to).add("asset", issue.asset).add("amount", issue.amount).take();
    }
    std::string operator()(const Redeem& redeem) const {
        return Line("redeem").add("asset", redeem.asset).add("amount", redeem.amount).take();
    }
    std::string operator()(const RequestWithdrawal& request) const {
        return Line("withdraw").add("asset", request.asset).add("amount", request.amount).take();
    }
    std::string operator()(const SettleWithdrawal& settle) const {
        return Line("settle")
            .add("account", settle.account)
            .add("request", settle.request)
            .add("paid", settle.is_paid)
            .take();
    }
    std::string operator()(const Administer& administer) const {
        const std::string line = Line("administer").add("reference", administer.reference).take();
        if (const auto* create = std::get_if<CreateMarket>(&administer.action))
            return line + Line(" create")
                              .add("symbol", create->spec.symbol)
                              .add("base", create->base)
                              .add("quote", create->quote)
                              .add("tick", create->spec.tick)
                              .add("batch", create->spec.matching == MatchingMode::batch)
                              .add("auction", create->spec.auction)
                              .take();
        if (const auto* halt = std::get_if<HaltMarket>(&administer.action))
            return line + Line(" halt").add("market", halt->market).take();
        return line + Line(" resume").add("market", std::get<ResumeMarket>(administer.action).market).take();
    }
    template <typename T>
    std::string operator()(const Boxed<T>& boxed) const {
        return (*this)(*boxed);
    }
};

std::string key_text(const OrderKey& key) {
    return (key.account == no_account ? std::string("?") : std::to_string(key.account.value())) + '/' +
           std::to_string(key.nonce) + '.' + std::to_string(key.index);
}

}  // namespace

const char* text_of(EventKind kind) {
    constexpr std::array names{
        "accepted",        "rejected",           "rested",   "filled",         "reduced",
        "cancelled",       "account_opened",     "issued",   "transferred",    "expired",
        "triggered",       "replaced",           "waiting",  "redeemed",       "withdrawal_requested",
        "withdrawal_paid", "withdrawal_refused", "approved", "market_created", "market_changed"};
    static_assert(names.size() == static_cast<std::size_t>(last_event_kind) + 1);
    return names[static_cast<std::size_t>(kind)];
}

std::string text_of(const Event& event) {
    Line line(text_of(event.kind));
    if (event.reason != Reason::none) line.add("reason", std::string(to_string(event.reason)));
    line.add("command", event.command == no_command ? std::int64_t{-1} : std::int64_t{event.command});
    const auto add = [&](const char* name, const auto& value) {
        if (value != std::remove_cvref_t<decltype(value)>{}) line.add(name, value);
    };
    if (event.order != OrderKey()) line.add("order", key_text(event.order));
    if (event.maker != OrderKey()) line.add("maker", key_text(event.maker));
    add("side", event.side);
    add("market", event.market);
    add("price", event.price);
    add("quantity", event.quantity);
    add("leaves", event.leaves);
    add("maker_leaves", event.maker_leaves);
    add("amount", event.amount);
    add("fee", event.taker_fee);
    add("maker_fee", event.maker_fee);
    add("ordinal_or_asset", event.ordinal);
    add("phase", static_cast<int>(event.phase));
    return line.take();
}

std::string text_of(const CommandBody& body) {
    return std::visit(BodyText(), body);
}

}  // namespace peerbook::exchange::model
