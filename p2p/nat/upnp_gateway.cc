// UPnP Internet Gateway Device, versions 1 and 2, by libminiupnpc: found by multicast (SSDP), then spoken to
// by HTTP.
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "p2p/nat/port_gateway.h"
#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_address.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

namespace {

constexpr int conflict_with_other = 718;
constexpr int only_permanent = 725;
constexpr const char* protocol = "TCP";
constexpr const char* description = "Peerbook";

std::string reason_of(int code) {
    const char* text = ::strupnperror(code);
    return std::to_string(code) + (text ? " (" + printable(text) + ")" : std::string());
}

// The host of "http://host:port/…".
std::string host_of_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return {};
    url.remove_prefix(scheme.size());
    url = url.substr(0, url.find('/'));
    const bool has_port = url.rfind(':') != std::string_view::npos && !url.ends_with(']');
    const auto address = parse_peer_address(has_port ? std::string(url) : std::string(url) + ":80");
    return address ? address->host : std::string();
}

// A device of the local network, found and described.
class Device {
  public:
    ~Device() {
        if (is_described_) ::FreeUPNPUrls(&urls_);
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    static Result<std::unique_ptr<Device>> find(const std::string& listen_host) {
        std::unique_ptr<Device> device(new Device);
        if (Status found = device->look_for(listen_host); !found.ok()) return found.error();
        return device;
    }

    int add(std::uint16_t outside, std::uint16_t port, std::int64_t lease_s) const {
        return ::UPNP_AddPortMapping(urls_.controlURL, data_.first.servicetype,
                                     std::to_string(outside).c_str(), std::to_string(port).c_str(),
                                     own_.c_str(), description, protocol, nullptr,
                                     std::to_string(lease_s).c_str());
    }
    int remove(std::uint16_t outside) const {
        return ::UPNP_DeletePortMapping(urls_.controlURL, data_.first.servicetype,
                                        std::to_string(outside).c_str(), protocol, nullptr);
    }
    std::string external_address() const {
        char text[40] = {};
        if (::UPNP_GetExternalIPAddress(urls_.controlURL, data_.first.servicetype, text) != 0) return {};
        const auto ip = parse_ip(std::string_view(text, ::strnlen(text, sizeof text)));
        return ip ? to_string(*ip) : std::string();
    }
    // What the gateway says is left of the mapping; 0: for good. None if it does not say, or that it is of
    // another host or port.
    std::optional<std::int64_t> lease_left(std::uint16_t outside, std::uint16_t port) const {
        char client[40] = {}, client_port[16] = {}, text[128] = {}, enabled[16] = {}, left[32] = {};
        if (::UPNP_GetSpecificPortMappingEntry(urls_.controlURL, data_.first.servicetype,
                                               std::to_string(outside).c_str(), protocol, nullptr, client,
                                               client_port, text, enabled, left) != 0)
            return std::nullopt;
        if (client != own_ || client_port != std::to_string(port)) return std::nullopt;
        std::int64_t seconds = -1;
        const std::string_view digits(left, ::strnlen(left, sizeof left));
        const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
        if (code != std::errc() || seconds < 0) return std::nullopt;
        return seconds;
    }

    const std::string& gateway() const { return gateway_; }
    const std::string& own_address() const { return own_; }
    bool is_same_as(const Device& other) const {
        return std::string_view(urls_.controlURL) == other.urls_.controlURL;
    }

  private:
    Device() = default;

    Status look_for(const std::string& listen_host) {
        // Through the interface of the address that the node listens on, where it is one.
        const auto listens = parse_ip(listen_host);
        const bool is_one = listens && !listens->is_v6 && scope_of(*listens) != IpScope::unusable;
        int failure = 0;
        UPNPDev* devices = ::upnpDiscover(static_cast<int>(gateway_answer_max.count()),
                                          is_one ? listen_host.c_str() : nullptr, nullptr,
                                          UPNP_LOCAL_PORT_ANY, 0, 2, &failure);
        if (!devices) return Error{ErrorCode::unavailable, "UPnP: no gateway answers in the local network"};
        char lan[64] = {};
        const int kind = ::UPNP_GetValidIGD(devices, &urls_, &data_, lan, sizeof lan);
        ::freeUPNPDevlist(devices);
        is_described_ = kind != 0;  // the library filled in what is to be freed
        own_ = is_one ? listen_host : std::string(lan);
        gateway_ = urls_.controlURL ? host_of_url(urls_.controlURL) : std::string();
        const auto host = parse_ip(gateway_);
        if ((kind == 1 || kind == 2) && host && parse_ip(own_) &&
            (scope_of(*host) == IpScope::private_network || scope_of(*host) == IpScope::link_local))
            return {};
        return Error{ErrorCode::unavailable, kind == 1 || kind == 2
                                                 ? "UPnP: the gateway that answers names no address of the "
                                                   "local network"
                                                 : "UPnP: what answers in the local network is no gateway"};
    }

    bool is_described_ = false;
    UPNPUrls urls_{};
    IGDdatas data_{};
    std::string gateway_, own_;
};

class UpnpGateway final : public PortGateway {
  public:
    explicit UpnpGateway(std::function<bool()> stopping) : stopping_(std::move(stopping)) {}

    const char* method() const override { return "upnp"; }
    const char* name() const override { return "UPnP"; }

    Result<GrantedMapping> map(const MappingWish& wish) override {
        if (!device_ || searches_again_)
            if (Status found = find(wish.listen_host); !found.ok()) return found.error();
        if (stopping_()) return Error{ErrorCode::unavailable, "UPnP: the node stops"};
        std::int64_t lease_s = wish.lease.ms() / 1000;
        int code = device_->add(wish.wanted_port, wish.port, lease_s);
        if (code == only_permanent) {
            lease_s = 0;
            code = device_->add(wish.wanted_port, wish.port, lease_s);
        }
        if (code == conflict_with_other)
            return Error{ErrorCode::conflict, "UPnP: the port " + std::to_string(wish.wanted_port) +
                                                  " of the gateway " + device_->gateway() +
                                                  " is somebody else's"};
        if (code != UPNPCOMMAND_SUCCESS) {
            searches_again_ = true;
            return Error{ErrorCode::unavailable,
                         "UPnP: the gateway " + device_->gateway() + " maps no port: " + reason_of(code)};
        }
        if (mapped_port_ && *mapped_port_ != wish.wanted_port) (void)device_->remove(*mapped_port_);
        mapped_port_ = wish.wanted_port;
        // Some grant less than was asked for, or for good.
        if (const auto left = device_->lease_left(wish.wanted_port, wish.port)) lease_s = *left;
        GrantedMapping granted{device_->gateway(), device_->own_address(), device_->external_address(),
                               wish.wanted_port, std::nullopt};
        if (lease_s > 0) granted.lease = std::min(wish.lease, Duration::seconds(lease_s));
        return granted;
    }

    void unmap() override {
        if (mapped_port_) (void)device_->remove(*mapped_port_);
        mapped_port_.reset();
    }

  private:
    // The device that has a mapping of ours is kept until another one answers: it may be asked to end it.
    Status find(const std::string& listen_host) {
        auto found = Device::find(listen_host);
        if (!found) return found.error();
        if (device_ && !device_->is_same_as(**found)) unmap();
        device_ = std::move(*found);
        searches_again_ = false;
        return {};
    }

    const std::function<bool()> stopping_;
    std::unique_ptr<Device> device_;
    bool searches_again_ = false;               // what it said last was no
    std::optional<std::uint16_t> mapped_port_;  // at device_
};

}  // namespace

std::unique_ptr<PortGateway> make_upnp_gateway(std::function<bool()> stopping) {
    return std::make_unique<UpnpGateway>(std::move(stopping));
}

}  // namespace peerbook::p2p
