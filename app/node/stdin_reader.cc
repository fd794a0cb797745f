#include "app/node/stdin_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"

namespace peerbook::app {

struct StdinReader::State {
    State(boost::asio::io_context& context, Handlers given) : io(context), handlers(std::move(given)) {}

    boost::asio::io_context& io;
    Handlers handlers;
    int wake = ::eventfd(0, EFD_CLOEXEC);
    std::mutex mutex;
    std::condition_variable turn;
    bool may_read = true;
    bool stopping = false;
    std::thread thread;

    // False when the reader is to stop.
    bool wait_for_turn() {
        std::unique_lock lock(mutex);
        turn.wait(lock, [this] { return may_read || stopping; });
        return !stopping;
    }

    // Bytes read, 0 at the end of input or when the reader is to stop.
    std::size_t read_some(char* buffer, std::size_t size) {
        for (;;) {
            pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {wake, POLLIN, 0}};
            if (::poll(waits, 2, -1) < 0 && errno != EINTR) return 0;
            if (waits[1].revents != 0) return 0;
            if (waits[0].revents == 0) continue;
            const ssize_t count = ::read(STDIN_FILENO, buffer, size);
            if (count >= 0) return static_cast<std::size_t>(count);
            if (errno != EINTR && errno != EAGAIN) return 0;
        }
    }

    void deliver(std::string& line, bool& too_long) {
        {
            std::lock_guard lock(mutex);
            may_read = false;
        }
        boost::asio::post(
            io, [this, text = std::exchange(line, {}), cut = std::exchange(too_long, false)]() mutable {
                handlers.on_line(std::move(text), cut);
            });
    }

    void run() {
        char buffer[4096];
        std::string line;
        bool too_long = false;
        for (;;) {
            const std::size_t count = read_some(buffer, sizeof buffer);
            if (count == 0) break;
            for (std::size_t i = 0; i < count; ++i) {
                if (buffer[i] != '\n') {
                    if (line.size() < line_bytes_max)
                        line.push_back(buffer[i]);
                    else
                        too_long = true;
                    continue;
                }
                if (!wait_for_turn()) return;
                deliver(line, too_long);
            }
        }
        if (!line.empty() && wait_for_turn()) deliver(line, too_long);
        if (wait_for_turn()) boost::asio::post(io, [this] { handlers.on_end(); });
    }
};

StdinReader::StdinReader(boost::asio::io_context& io, Handlers handlers)
    : state_(std::make_unique<State>(io, std::move(handlers))) {
    PB_CHECK(state_->wake >= 0, "no event descriptor for standard input");
    state_->thread = std::thread([state = state_.get()] { state->run(); });
}

StdinReader::~StdinReader() {
    {
        std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->turn.notify_all();
    const std::uint64_t one = 1;
    PB_CHECK(::write(state_->wake, &one, sizeof one) == sizeof one,
             "the reader of standard input cannot be woken");
    state_->thread.join();
    ::close(state_->wake);
}

void StdinReader::next() {
    {
        std::lock_guard lock(state_->mutex);
        state_->may_read = true;
    }
    state_->turn.notify_all();
}

}  // namespace peerbook::app
