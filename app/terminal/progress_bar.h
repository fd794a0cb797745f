// A progress bar for long work: "AAPL  [#####-----]  52%  208,113 of 400,391  81,300/s  2 s left".
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "app/terminal/tables.h"
#include "base/time.h"

namespace peerbook::app {

struct Progress {
    std::string label;
    std::uint64_t done = 0;
    std::uint64_t total = 0;  // 0: unknown; then no bar, no percentage
    Duration elapsed;
};

// One line without its line break, at most style.width columns. Pure.
std::string draw_progress(const Progress& progress, const TerminalStyle& style);

// "1,234,567"
std::string grouped(std::uint64_t number);

// Draws over one line of `stream` (usually standard error) at most ten times a second; silent where that is
// no terminal. One thread at a time. `stream` outlives it.
class ProgressBar {
  public:
    ProgressBar(std::string label, std::uint64_t total, std::FILE* stream);
    // Clears its line.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void update(std::uint64_t done);

  private:
    Progress progress_;
    std::FILE* stream_;
    TerminalStyle style_;
    MonoTime started_;
    MonoTime next_draw_;
    bool drawn_ = false;
};

}  // namespace peerbook::app
