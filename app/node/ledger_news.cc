#include "app/node/ledger_news.h"

#include <algorithm>

#include "base/codec.h"
#include "exchange/ordering/fork.h"

namespace peerbook::app {

using State = LedgerNews::State;

namespace {

constexpr std::uint64_t foundings_max = std::uint64_t{1} << 62;

Error wrong(const std::string& what) {
    return {ErrorCode::invalid_input, "ledger news: " + what};
}

Status check_ledger(const LedgerNews& news, const Digest& network) {
    const exchange::View& first = *news.first;
    if (first.number != 1) return wrong("the record is not that of view 1");
    const bool is_offer = news.founding > 0 && news.forks.empty();
    if (news.founding > foundings_max || (news.founding > 0 && first.members.size() != 2) ||
        (!is_offer && news.state == State::given_up))
        return wrong("two nodes found a ledger, or one operator");
    const auto expected = news.founding == 0
                              ? exchange::make_first_view(network, first.members)
                              : exchange::make_founded_view(network, first.members, news.founding);
    if (!expected.ok()) return expected.error().within("ledger news");
    if (expected->ledger != first.ledger) return wrong("the ledger's id does not follow from its founding");
    const exchange::View* before = &first;
    for (const exchange::View& fork : news.forks) {
        if (fork.number <= before->number || fork.log_length < before->log_length ||
            fork.ledger != exchange::forked_ledger_id(network, before->ledger, fork))
            return wrong("the ledger's id does not follow from its forks");
        before = &fork;
    }
    return {};
}

}  // namespace

Digest LedgerNews::ledger() const {
    if (!forks.empty()) return forks.back().ledger;
    return first ? first->ledger : Digest{};
}

bool LedgerNews::comes_from(const Digest& ledger) const {
    if (!first) return false;
    return first->ledger == ledger ||
           std::ranges::any_of(forks, [&](const exchange::View& fork) { return fork.ledger == ledger; });
}

Bytes encode_ledger_news(const LedgerNews& news) {
    Bytes bytes;
    Encoder out(bytes);
    out.u8(static_cast<std::uint8_t>(news.state));
    if (news.state == State::none) return bytes;
    out.varint(news.founding);
    out.varint(news.view);
    out.varint(news.members);
    out.bytes(exchange::encode_view(*news.first));
    out.varint(news.forks.size());
    for (const exchange::View& fork : news.forks)
        out.bytes(exchange::encode_view(fork));
    return bytes;
}

Result<LedgerNews> decode_ledger_news(ByteView bytes, const Digest& network) {
    Decoder in(bytes);
    LedgerNews news;
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(State::given_up)) in.fail("no such state of a ledger");
    news.state = static_cast<State>(state);
    Status record;
    auto read_record = [&]() -> std::optional<exchange::View> {
        auto view = exchange::decode_view(in.bytes(exchange::view_bytes_max, "a view record is too long"));
        if (!in.ok()) return std::nullopt;
        if (view.ok()) return std::move(*view);
        if (record.ok()) record = view.error().within("ledger news");
        return std::nullopt;
    };
    if (in.ok() && news.state != State::none) {
        news.founding = in.varint();
        news.view = in.varint();
        news.members = in.varint_max(exchange::view_members_max, "more members than a view has");
        news.first = read_record();
        const std::uint64_t forks = in.varint_max(ledger_forks_max, "a ledger was forked too often");
        for (std::uint64_t i = 0; i < forks && in.ok() && record.ok(); ++i)
            if (auto fork = read_record()) news.forks.push_back(std::move(*fork));
    }
    if (!record.ok()) return record.error();
    if (Status status = in.finish(); !status.ok()) return status.error().within("ledger news");
    if (news.state == State::none) return news;
    if (Status status = check_ledger(news, network); !status.ok()) return status.error();
    return news;
}

}  // namespace peerbook::app
