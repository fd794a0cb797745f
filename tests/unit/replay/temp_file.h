// Files for one test, gone afterwards.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "exchange/market/market.h"

namespace peerbook::app::replay {

class TempFile {
  public:
    explicit TempFile(const std::string& content, bool gzip = false) {
        char name[] = "/tmp/peerbook-replay-XXXXXX";
        const int fd = mkstemp(name);
        if (fd < 0) std::abort();
        ::close(fd);
        path_ = name;
        if (gzip) {
            gzFile file = gzopen(name, "wb");
            gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
            gzclose(file);
        } else {
            std::ofstream(name, std::ios::binary) << content;
        }
    }
    ~TempFile() { std::remove(path_.c_str()); }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// A market for shares: cents and whole shares.
inline exchange::MarketRules share_market() {
    exchange::MarketRules market;
    market.symbol = "ACME-USD";
    market.base = exchange::AssetId(0);
    market.quote = exchange::AssetId(1);
    market.notional_constant = 1'000'000;  // a cent, in units of 10^-8 dollars
    market.lot_units = 1;
    market.tick_text = "0.01";
    market.lot_text = "1";
    market.price_max = exchange::Price(1'000'000'000);
    market.quantity_max = exchange::Quantity(1'000'000'000);
    return market;
}

}  // namespace peerbook::app::replay
