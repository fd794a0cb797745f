// Lines of standard input for the I/O thread, one at a time: the next is read when the last was answered, so
// that a file piped in is worked through in order and holds no more than one line in memory.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace peerbook::app {

class StdinReader {
  public:
    static constexpr std::size_t line_bytes_max = 64 * 1024;

    // `on_line` runs on the I/O thread; it calls next() when the line is done with. A longer line arrives
    // cut, with `too_long`. `on_end` runs once at the end of input. `io` outlives the reader.
    struct Handlers {
        std::function<void(std::string line, bool too_long)> on_line;
        std::function<void()> on_end;
    };
    StdinReader(boost::asio::io_context& io, Handlers handlers);
    ~StdinReader();  // stops reading; joins its thread

    void next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace peerbook::app
