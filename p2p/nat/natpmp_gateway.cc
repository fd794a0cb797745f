// NAT-PMP (RFC 6886) by libnatpmp: questions to the default gateway, UDP port 5351.
#include <arpa/inet.h>
#include <natpmp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "p2p/nat/port_gateway.h"

namespace peerbook::p2p {

namespace {

using Clock = std::chrono::steady_clock;

std::string text_of(const in_addr& address) {
    char text[INET_ADDRSTRLEN] = {};
    return ::inet_ntop(AF_INET, &address, text, sizeof text) ? text : std::string();
}

// One conversation with the gateway; a new one each time, since the default route may have changed.
class Conversation {
  public:
    explicit Conversation(const std::function<bool()>& stopping) : stopping_(stopping) {}
    ~Conversation() {
        if (is_open_) ::closenatpmp(&natpmp_);
    }
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    Status open() {
        const int code = ::initnatpmp(&natpmp_, 0, 0);
        if (code == NATPMP_ERR_CANNOTGETGATEWAY)
            return Error{ErrorCode::unavailable, "NAT-PMP: there is no default gateway"};
        if (code != 0) return Error{ErrorCode::io, "NAT-PMP: no socket, code " + std::to_string(code)};
        is_open_ = true;
        return {};
    }

    std::string gateway() const {
        in_addr address{};
        address.s_addr = natpmp_.gateway;
        return text_of(address);
    }
    // The address of this machine that speaks to the gateway.
    std::string own_address() const {
        sockaddr_in own{};
        socklen_t size = sizeof own;
        return ::getsockname(natpmp_.s, reinterpret_cast<sockaddr*>(&own), &size) == 0 ? text_of(own.sin_addr)
                                                                                       : std::string();
    }

    Result<natpmpresp_t> ask_address() {
        if (::sendpublicaddressrequest(&natpmp_) < 0) return no_way();
        return answer(NATPMP_RESPTYPE_PUBLICADDRESS);
    }
    Result<natpmpresp_t> ask_mapping(std::uint16_t port, std::uint16_t outside, std::uint32_t lease_s) {
        if (::sendnewportmappingrequest(&natpmp_, NATPMP_PROTOCOL_TCP, port, outside, lease_s) < 0)
            return no_way();
        return answer(NATPMP_RESPTYPE_TCPPORTMAPPING);
    }

  private:
    Error no_way() const {
        return {ErrorCode::unavailable, "NAT-PMP: cannot send to the gateway " + gateway()};
    }

    // libnatpmp does not look at the length of an answer. Only one with an error may be without the rest.
    bool drops_short_packet(std::uint16_t type) const {
        const ssize_t whole = type == NATPMP_RESPTYPE_PUBLICADDRESS ? 12 : 16;
        std::uint8_t packet[16] = {};
        const ssize_t size = ::recv(natpmp_.s, packet, sizeof packet, MSG_PEEK | MSG_DONTWAIT);
        const bool is_error = size >= 8 && (packet[0] != 0 || packet[2] != 0 || packet[3] != 0);
        if (size < 0 || size >= whole || is_error) return false;
        (void)::recv(natpmp_.s, packet, sizeof packet, MSG_DONTWAIT);
        return true;
    }

    // libnatpmp repeats the question meanwhile.
    Result<natpmpresp_t> answer(std::uint16_t type) {
        const auto until = Clock::now() + gateway_answer_max;
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
            if (left.count() <= 0 || stopping_())
                return Error{ErrorCode::unavailable,
                             "NAT-PMP: the gateway " + gateway() + " does not answer"};
            timeval again{};
            (void)::getnatpmprequesttimeout(&natpmp_, &again);
            const auto pause = std::clamp<std::int64_t>(again.tv_sec * 1000 + again.tv_usec / 1000 + 1, 1,
                                                        std::min<std::int64_t>(left.count(), 100));
            pollfd waiting{natpmp_.s, POLLIN, 0};
            if (::poll(&waiting, 1, static_cast<int>(pause)) > 0 && drops_short_packet(type)) continue;
            natpmpresp_t response{};
            const int code = ::readnatpmpresponseorretry(&natpmp_, &response);
            if (code == NATPMP_TRYAGAIN || code == NATPMP_ERR_WRONGPACKETSOURCE) continue;
            if (code != 0) return refusal(code);
            if (response.type == type) return response;
        }
    }

    Error refusal(int code) const {
        const std::string start = "NAT-PMP: the gateway " + gateway() + " ";
        switch (code) {
            case NATPMP_ERR_NOGATEWAYSUPPORT:
                return {ErrorCode::unavailable, start + "does not speak it"};
            case NATPMP_ERR_RECVFROM:
                return {ErrorCode::unavailable, start + "cannot be asked (it refuses the packets)"};
            case NATPMP_ERR_NOTAUTHORIZED:
                return {ErrorCode::unavailable, start + "is set to map no ports for this host"};
            case NATPMP_ERR_NETWORKFAILURE:
                return {ErrorCode::unavailable, start + "has no connection to the internet itself"};
            case NATPMP_ERR_OUTOFRESOURCES:
                return {ErrorCode::unavailable, start + "has no more ports to map"};
            default:
                return {ErrorCode::unavailable, start + "refuses, code " + std::to_string(code)};
        }
    }

    const std::function<bool()>& stopping_;
    natpmp_t natpmp_{};
    bool is_open_ = false;
};

class NatPmpGateway final : public PortGateway {
  public:
    explicit NatPmpGateway(std::function<bool()> stopping) : stopping_(std::move(stopping)) {}

    const char* method() const override { return "nat-pmp"; }
    const char* name() const override { return "NAT-PMP"; }

    Result<GrantedMapping> map(const MappingWish& wish) override {
        Conversation gateway(stopping_);
        if (Status opened = gateway.open(); !opened.ok()) return opened.error();
        const auto address = gateway.ask_address();
        if (!address) return address.error();
        const auto lease = static_cast<std::uint32_t>(wish.lease.ms() / 1000);
        mapped_port_ = wish.port;  // also if only the answer is lost
        const auto mapped = gateway.ask_mapping(wish.port, wish.wanted_port, lease);
        if (!mapped) return mapped.error();
        const auto& granted = mapped->pnu.newportmapping;
        if (granted.privateport != wish.port || granted.mappedpublicport == 0)
            return Error{ErrorCode::corrupt, "NAT-PMP: the gateway " + gateway.gateway() +
                                                 " answers with another port than it was asked for"};
        return GrantedMapping{gateway.gateway(), gateway.own_address(),
                              text_of(address->pnu.publicaddress.addr), granted.mappedpublicport,
                              Duration::seconds(granted.lifetime)};
    }

    void unmap() override {
        if (!mapped_port_) return;
        // Asked for also while stopping: that is what it is for.
        const std::function<bool()> never = [] { return false; };
        Conversation gateway(never);
        if (gateway.open().ok()) (void)gateway.ask_mapping(*mapped_port_, 0, 0);
        mapped_port_.reset();
    }

  private:
    const std::function<bool()> stopping_;
    std::optional<std::uint16_t> mapped_port_;
};

}  // namespace

std::unique_ptr<PortGateway> make_natpmp_gateway(std::function<bool()> stopping) {
    return std::make_unique<NatPmpGateway>(std::move(stopping));
}

std::optional<std::string> own_address_to_internet() {
    const int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return std::nullopt;
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(9);
    there.sin_addr.s_addr =
        htonl(0xc6290004);  // a root server of DNS; connecting a datagram socket sends nothing
    sockaddr_in own{};
    socklen_t size = sizeof own;
    const bool found = ::connect(probe, reinterpret_cast<sockaddr*>(&there), sizeof there) == 0 &&
                       ::getsockname(probe, reinterpret_cast<sockaddr*>(&own), &size) == 0;
    ::close(probe);
    return found ? std::optional(text_of(own.sin_addr)) : std::nullopt;
}

}  // namespace peerbook::p2p
