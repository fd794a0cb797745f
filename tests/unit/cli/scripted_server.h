// A server for tests that says exactly what a test scripts, byte by byte, so that half answers, early closes
// and nonsense can be tried. Listens on a free port of the loopback; each script serves one accepted
// connection, in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace peerbook::app::testing {

// One accepted connection, in the hands of a script.
class Connection {
  public:
    explicit Connection(int socket) : socket_(socket) {}
    // One whole request: head, and the body that Content-Length announces. Empty when the client closed.
    std::string read_request();
    void write(const std::string& text);
    // Returns when the client closed its side.
    void wait_for_close();

  private:
    int socket_;
    std::string input_;
};

using Script = std::function<void(Connection&)>;

class ScriptedServer {
  public:
    explicit ScriptedServer(std::vector<Script> scripts);
    // Waits for the scripts to end.
    ~ScriptedServer();
    std::string url() const;
    // How many connections were accepted; call after the client is done.
    std::size_t accepted();

  private:
    void join();
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::size_t accepted_ = 0;
    std::thread thread_;
};

// "HTTP/1.1 <status> X" with Content-Length, JSON.
std::string http_answer(int status, const std::string& body);

}  // namespace peerbook::app::testing
