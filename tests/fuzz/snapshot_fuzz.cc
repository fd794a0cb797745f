// Any bytes as a snapshot. First byte 0 modulo 3: as a manifest, which is refused or comes back the same from
// being encoded. 1: as the only chunk of a snapshot whose manifest fits it, so that the content is reached;
// it is refused, or the engine made of it has exactly that state and writes exactly those bytes. 2: as
// changes of the chunk of a sound snapshot, three bytes each: place, and what is there; then as 1.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "exchange/engine/restore.h"
#include "exchange/engine/snapshot.h"

namespace {

using namespace peerbook;
using namespace peerbook::exchange;

const NetworkRules& rules() {
    static const NetworkRules made = [] {
        NetworkRules network;
        network.fee_account.data.fill(0xfe);
        network.assets = {{"USD", 2, {}}, {"BTC", 0, AccountId{}}};
        network.faucet_max = {1'000'000, 0};
        MarketSpec spec;
        spec.symbol = "BTC-USD";
        spec.tick = "1";
        spec.lot = "1";
        spec.taker_fee_ppm = 2'000;
        network.markets.push_back(
            make_market_rules(spec, AssetId(1), network.assets[1], AssetId(0), network.assets[0]).value());
        network.administrators = {AccountId{}};
        network.administrators_needed = 1;
        return network;
    }();
    return made;
}

void fuzz_manifest(ByteView bytes) {
    const Result<SnapshotManifest> manifest = SnapshotManifest::decode(bytes);
    if (!manifest.ok()) return;
    const Bytes again = manifest->encode();
    PB_CHECK(again == Bytes(bytes.begin(), bytes.end()), "a manifest has one encoding");
}

// The manifest of a snapshot of one chunk; of one that nobody would write, something.
SnapshotManifest manifest_of(ByteView chunk) {
    SnapshotManifest manifest;
    manifest.origin.network = rules().network;
    manifest.chunks = {{snapshot_chunk_hash(chunk), static_cast<std::uint32_t>(chunk.size())}};
    DomainSums sums;
    Decoder in(chunk);
    while (in.ok() && in.remaining() != 0) {
        const std::size_t domain = in.u8();
        const ByteView entry = in.bytes(snapshot_chunk_bytes_max, "too long");
        if (!in.ok() || domain >= state_domain_count) break;
        ++manifest.entries[domain];
        sums[domain].add(hash_domain(static_cast<StateDomain>(domain)), entry);
        Decoder meta(entry);
        if (domain == static_cast<std::size_t>(StateDomain::meta)) manifest.time = decode_meta(meta).time;
    }
    manifest.origin.state_root = root_of(sums);
    return manifest;
}

void fuzz_chunk(ByteView bytes) {
    const SnapshotManifest manifest = manifest_of(bytes);
    Result<SnapshotReader> reader = SnapshotReader::open(manifest.encode(), rules());
    if (!reader.ok()) return;
    if (!reader->add_chunk(0, Bytes(bytes.begin(), bytes.end())).ok() || !reader->finish().ok()) return;
    Result<std::unique_ptr<Engine>> engine = restore_engine(rules(), *reader);
    if (!engine.ok()) return;

    SnapshotWriter writer((*engine)->freeze(), manifest.origin);
    Bytes written;
    while (!writer.is_done()) {
        const Result<std::optional<Bytes>> chunk = writer.step();
        PB_CHECK(chunk.ok(), "what was read can be written");
        if (*chunk) written.insert(written.end(), (*chunk)->begin(), (*chunk)->end());
    }
    PB_CHECK(written == Bytes(bytes.begin(), bytes.end()), "what was restored writes the same bytes");
    // It goes on: what is due falls due.
    EventBuffer events;
    (*engine)->apply({WallTime{1'000'000'000'000}, rules_version_latest, {}}, events);
    PB_CHECK((*engine)->check_invariants().ok(), "a restored engine keeps its invariants");
}

// A chunk with entries of every kind.
Bytes sound_chunk() {
    Engine engine(rules());
    PublicKey node;
    node.data.fill(7);
    CommandBatch batch;
    batch.signer = node;
    std::uint64_t nonce = 0;
    for (const char* name : {"ann", "bob"}) {
        const AccountId id = hosted_account_id(node, name);
        const auto add = [&](CommandBody body) { batch.add(id, {++nonce, 0}, std::move(body)); };
        add(OpenAccount{name});
        add(Faucet{AssetId(0), 1'000'000});
        LimitOrder order;
        order.price = Price(100);
        order.quantity = Quantity(50);
        add(order);
        SpecialOrder iceberg;
        iceberg.order = order;
        iceberg.display = Quantity(10);
        iceberg.expires_at = WallTime{5'000'000};
        add(Boxed<SpecialOrder>(iceberg));
        SpecialOrder stop;
        stop.order = order;
        stop.trigger = Trigger{Price(200), TriggerWhen::at_or_above};
        add(Boxed<SpecialOrder>(stop));
        add(MassQuote{MarketId(0), {{Side::buy, Price(90), Quantity(3)}}});
        add(CancelAfter{Duration::seconds(60)});
        nonce += 3;  // a gap
    }
    EventBuffer events;
    engine.apply({WallTime{1'000'000}, rules_version_latest, {&batch, 1}}, events);
    SnapshotWriter writer(engine.freeze(), {});
    Bytes chunk;
    while (!writer.is_done())
        if (std::optional<Bytes> part = writer.step().value()) chunk = std::move(*part);
    return chunk;
}

void fuzz_changes(ByteView changes) {
    static const Bytes sound = sound_chunk();
    Bytes chunk = sound;
    for (; changes.size() >= 3; changes = changes.subspan(3)) {
        const std::size_t place = std::size_t{changes[0]} << 8 | changes[1];
        chunk[place % chunk.size()] = changes[2];
    }
    fuzz_chunk(chunk);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView bytes(data + 1, size - 1);
    if (data[0] % 3 == 0)
        fuzz_manifest(bytes);
    else if (data[0] % 3 == 1)
        fuzz_chunk(bytes);
    else
        fuzz_changes(bytes);
    return 0;
}
