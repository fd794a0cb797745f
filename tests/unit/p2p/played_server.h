// A server of HTTP whose answers the test chooses, on the loopback interface.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace peerbook::p2p {

namespace asio = boost::asio;

// Answers each connection with the next of `answers` once a whole question is there; with none left it says
// nothing.
class PlayedServer {
  public:
    explicit PlayedServer(asio::io_context& io)
        : io_(io), acceptor_(io, {asio::ip::make_address("127.0.0.1"), 0}) {
        accept();
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
    static std::string http(const std::string& body, const char* status = "200 OK") {
        return std::string("HTTP/1.1 ") + status + "\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }

    std::deque<std::string> answers;
    std::vector<std::string> questions;

  private:
    struct Client {
        explicit Client(asio::ip::tcp::socket given) : socket(std::move(given)) {}
        asio::ip::tcp::socket socket;
        std::string text, answer;
        char chunk[4096];
    };
    void accept() {
        acceptor_.async_accept([this](boost::system::error_code failure, asio::ip::tcp::socket socket) {
            if (failure) return;
            read(std::make_shared<Client>(std::move(socket)));
            accept();
        });
    }
    void read(const std::shared_ptr<Client>& client) {
        client->socket.async_read_some(
            asio::buffer(client->chunk), [this, client](boost::system::error_code failure, std::size_t size) {
                if (failure) return;
                client->text.append(client->chunk, size);
                const bool is_get = client->text.starts_with("GET ");
                if (!client->text.ends_with(is_get ? "\r\n\r\n" : "}")) return read(client);
                questions.push_back(client->text);
                kept_.push_back(client);
                if (answers.empty()) return;
                client->answer = std::move(answers.front());
                answers.pop_front();
                asio::async_write(client->socket, asio::buffer(client->answer),
                                  [client](boost::system::error_code, std::size_t) {
                                      boost::system::error_code ignored;
                                      client->socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
                                  });
            });
    }
    asio::io_context& io_;
    asio::ip::tcp::acceptor acceptor_;
    std::vector<std::shared_ptr<Client>> kept_;
};

}  // namespace peerbook::p2p
