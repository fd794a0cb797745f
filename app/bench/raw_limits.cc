#include "app/bench/raw_limits.h"

#include <openssl/evp.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <thread>

#include "base/bytes.h"

namespace peerbook::app {

namespace {

using tcp = boost::asio::ip::tcp;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t message_bytes = 256;
constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t record_bytes = 16 * 1024;

double seconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Of the calling thread: other programs on the machine change it less than the wall clock.
double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

Result<Figure> loopback(std::size_t write_bytes, double seconds) {
    boost::system::error_code code;
    boost::asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    tcp::socket sender(io), receiver(io);
    sender.connect(acceptor.local_endpoint(), code);
    if (!code) acceptor.accept(receiver, code);
    if (code) return Error{ErrorCode::io, "loopback TCP: " + code.message()};
    sender.set_option(tcp::no_delay(true), code);
    std::thread writing([&] {
        const Bytes bytes(write_bytes, 0x5a);
        boost::system::error_code failed;
        const auto start = SteadyClock::now();
        while (!failed && seconds_since(start) < seconds)
            boost::asio::write(sender, boost::asio::buffer(bytes), failed);
        sender.shutdown(tcp::socket::shutdown_send, failed);
    });
    Bytes buffer(read_bytes);
    std::uint64_t received = 0;
    const auto start = SteadyClock::now();
    while (!code)
        received += receiver.read_some(boost::asio::buffer(buffer), code);
    const double took = seconds_since(start);
    writing.join();
    const std::string size = std::to_string(write_bytes / 1024);
    return Figure{"raw.tcp.256.writes." + size + "k", "raw TCP, 256 B in writes of " + size + " KiB",
                  static_cast<double>(received) / message_bytes / took / 1e6, "M messages/s"};
}

Result<Figure> cipher(const EVP_CIPHER* algorithm, const std::string& name, const std::string& bits,
                      double seconds) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free);
    const Bytes key(32, 1), in(record_bytes, 2);
    Bytes nonce(12, 3), out(record_bytes + 16);
    std::uint64_t records = 0;
    int size = 0;
    bool ok = context != nullptr &&
              EVP_EncryptInit_ex(context.get(), algorithm, nullptr, key.data(), nonce.data()) == 1;
    const double cpu_before = cpu_seconds();
    const auto start = SteadyClock::now();
    while (ok && seconds_since(start) < seconds) {
        ++nonce[records++ % nonce.size()];
        ok = EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, nonce.data()) == 1 &&
             EVP_EncryptUpdate(context.get(), out.data(), &size, in.data(), record_bytes) == 1 &&
             EVP_EncryptFinal_ex(context.get(), out.data() + size, &size) == 1;
    }
    if (!ok) return Error{ErrorCode::io, "no " + name};
    return Figure{"raw.aes" + bits, name + ", records of 16 KiB, a core",
                  static_cast<double>(records * record_bytes) / (cpu_seconds() - cpu_before) / 1e6, "MB/s"};
}

}  // namespace

Result<std::vector<Figure>> measure_raw_limits(double seconds) {
    std::vector<Figure> figures;
    for (Result<Figure> figure :
         {loopback(4 * 1024, seconds), loopback(64 * 1024, seconds),
          cipher(EVP_aes_128_gcm(), "AES-128-GCM (what TLS uses here)", "128", seconds),
          cipher(EVP_aes_256_gcm(), "AES-256-GCM", "256", seconds)}) {
        if (!figure) return figure.error();
        figures.push_back(std::move(*figure));
    }
    return figures;
}

}  // namespace peerbook::app
