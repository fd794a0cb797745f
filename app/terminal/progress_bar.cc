#include "app/terminal/progress_bar.h"

#include <algorithm>
#include <utility>

#include "base/system_clock.h"

namespace peerbook::app {

namespace {

constexpr Duration redraw_interval = Duration::milliseconds(100);

std::string duration_text(std::uint64_t seconds) {
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
    return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
}

}  // namespace

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, ",");
    }
    return text;
}

std::string draw_progress(const Progress& progress, const TerminalStyle& style) {
    const std::uint64_t done = progress.total == 0 ? progress.done : std::min(progress.done, progress.total);
    const auto elapsed_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(progress.elapsed.ms(), 0));
    std::string facts;
    if (progress.total > 0) {
        const auto percent =
            static_cast<std::uint64_t>(static_cast<unsigned __int128>(done) * 100 / progress.total);
        facts += std::to_string(percent) + "%  ";
        facts += grouped(done) + " of " + grouped(progress.total);
    } else {
        facts += grouped(done);
    }
    if (elapsed_ms > 0 && done > 0) {
        const auto rate =
            static_cast<std::uint64_t>(static_cast<unsigned __int128>(done) * 1000 / elapsed_ms);
        facts += "  " + grouped(rate) + "/s";
        if (progress.total > done) {
            const auto left_ms = static_cast<unsigned __int128>(elapsed_ms) * (progress.total - done) / done;
            facts += "  " + duration_text(static_cast<std::uint64_t>(left_ms / 1000)) + " left";
        }
    }
    const std::string label = terminal_text(progress.label, 24);
    const std::size_t used = shown_length(label) + facts.size() + 6;  // blanks and brackets
    std::string line = label + "  ";
    if (progress.total > 0 && style.width > used + 4) {
        const std::size_t width = std::min<std::size_t>(style.width - used, 40);
        const auto full =
            static_cast<std::size_t>(static_cast<unsigned __int128>(done) * width / progress.total);
        line += "[";
        for (std::size_t i = 0; i < width; ++i) {
            line += i < full ? (style.unicode ? "█" : "#") : (style.unicode ? "░" : "-");
        }
        line += "]  ";
    }
    return terminal_text(line + facts, style.width);
}

ProgressBar::ProgressBar(std::string label, std::uint64_t total, std::FILE* stream)
    : progress_{std::move(label), 0, total, {}},
      stream_(stream),
      style_(TerminalStyle::of(stream)),
      started_(mono_now()),
      next_draw_(started_) {}

ProgressBar::~ProgressBar() {
    if (!drawn_) return;
    std::fputs("\r\x1b[K", stream_);
    std::fflush(stream_);
}

void ProgressBar::update(std::uint64_t done) {
    if (!style_.is_terminal) return;
    const MonoTime now = mono_now();
    if (now < next_draw_) return;
    next_draw_ = now + redraw_interval;
    progress_.done = done;
    progress_.elapsed = now - started_;
    // The last column stays free: some terminals break the line when it is written to.
    TerminalStyle narrower = style_;
    narrower.width = style_.width - 1;
    std::fputs(("\r" + draw_progress(progress_, narrower) + "\x1b[K").c_str(), stream_);
    std::fflush(stream_);
    drawn_ = true;
}

}  // namespace peerbook::app
