#include "app/node/trade_record.h"

#include "base/codec.h"

namespace peerbook::app {

Bytes encode_trade_record(const TradeView& trade) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(trade.id.view());
    out.varint(trade.market.value());
    out.varint(trade.ordinal);
    out.svarint(trade.price.value());
    out.svarint(trade.quantity.value());
    out.u8(trade.taker_side == exchange::Side::buy ? 0 : 1);
    out.raw(trade.maker_order.view());
    out.raw(trade.taker_order.view());
    out.raw(trade.maker_account.view());
    out.raw(trade.taker_account.view());
    out.i128(trade.maker_fee);
    out.i128(trade.taker_fee);
    out.svarint(trade.time.ms);
    return bytes;
}

Result<TradeView> decode_trade_record(ByteView bytes) {
    Decoder in(bytes);
    TradeView trade;
    in.fixed(trade.id);
    trade.market =
        exchange::MarketId(static_cast<std::uint32_t>(in.varint_max(UINT32_MAX, "market above 32 bits")));
    trade.ordinal = in.varint();
    trade.price = exchange::Price(in.svarint());
    trade.quantity = exchange::Quantity(in.svarint());
    const std::uint8_t side = in.u8();
    if (side > 1) in.fail("side is neither 0 nor 1");
    trade.taker_side = side == 0 ? exchange::Side::buy : exchange::Side::sell;
    in.fixed(trade.maker_order);
    in.fixed(trade.taker_order);
    in.fixed(trade.maker_account);
    in.fixed(trade.taker_account);
    trade.maker_fee = in.i128();
    trade.taker_fee = in.i128();
    trade.time = WallTime{in.svarint()};
    trade.grade = Grade::settled;
    if (Status status = in.finish(); !status.ok()) return status.error().within("trade record");
    return trade;
}

}  // namespace peerbook::app
