#include "tests/unit/cli/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace peerbook::app::testing {

std::string Connection::read_request() {
    char buffer[4096];
    for (;;) {
        if (const std::size_t end = input_.find("\r\n\r\n"); end != std::string::npos) {
            std::size_t body = 0;
            if (const std::size_t at = input_.find("Content-Length: "); at < end)
                body = std::stoul(input_.substr(at + 16));
            if (input_.size() >= end + 4 + body) {
                std::string request = input_.substr(0, end + 4 + body);
                input_.erase(0, request.size());
                return request;
            }
        }
        const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
        if (count <= 0) return {};
        input_.append(buffer, static_cast<std::size_t>(count));
    }
}

void Connection::write(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const ssize_t count = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

void Connection::wait_for_close() {
    while (!read_request().empty()) {
    }
}

ScriptedServer::ScriptedServer(std::vector<Script> scripts) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    PB_CHECK(::bind(listener_, generic, sizeof address) == 0, "bind to the loopback");
    PB_CHECK(::listen(listener_, 8) == 0, "listen on the loopback");
    socklen_t size = sizeof address;
    PB_CHECK(::getsockname(listener_, generic, &size) == 0, "read the port");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, scripts = std::move(scripts)] {
        for (const Script& script : scripts) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket < 0) return;
            ++accepted_;
            Connection connection(socket);
            script(connection);
            ::close(socket);
        }
    });
}

ScriptedServer::~ScriptedServer() {
    join();
    ::close(listener_);
}

void ScriptedServer::join() {
    // A script whose connection never came would wait for ever in accept().
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
}

std::string ScriptedServer::url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
}

std::size_t ScriptedServer::accepted() {
    join();
    return accepted_;
}

std::string http_answer(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

}  // namespace peerbook::app::testing
