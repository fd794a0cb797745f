#include "app/bench/figures.h"

#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

const std::vector<Figure> figures{
    {"tls.256", "messages", 2.5, "M/s", 2.0},
    {"tls.64k", "blocks", 650, "MB/s", 700.0},
    {"idle", "a peer", 26.25, "KiB", 64.0, true},
    {"idle.after", "a peer, \"after\"", 1778, "KiB", 64.0, true},
    {"trip", "round trip", 24.1, "us"},
};

TEST(Figures, TheTableSaysWhichTargetsAreMet) {
    EXPECT_EQ(to_table(figures),
              "messages         2.500 M/s   target >= 2.000, met\n"
              "blocks             650 MB/s  target >= 700, missed\n"
              "a peer            26.2 KiB   target <= 64.0, met\n"
              "a peer, \"after\"   1778 KiB   target <= 64.0, missed\n"
              "round trip        24.1 us\n");
}

TEST(Figures, TheJsonHasEveryFigureAndTargetsWhereThereAreSome) {
    EXPECT_EQ(
        to_json("transport", {figures[3], figures[4]}),
        R"({"bench":"transport","figures":[)"
        R"({"name":"idle.after","what":"a peer, \"after\"","value":1778.0000,"unit":"KiB","target":64.0000},)"
        R"({"name":"trip","what":"round trip","value":24.1000,"unit":"us"}]})");
}

}  // namespace
}  // namespace peerbook::app
